"""Batches of codes in the back office."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pypdfium2 import PdfDocument

from customers.models import AuditEvent
from loyalty_site import roles
from loyalty_site.lib.actors import SYSTEM
from rewards import tasks
from rewards.domain import code_batches, code_files, code_sheets
from rewards.models import BatchState, CodeBatch, Coupon, CouponState, OfferKind
from tests.factories.customers import UserFactory
from tests.factories.rewards import OfferFactory, ProgramFactory
from tests.races import behind

pytestmark = pytest.mark.django_db
LIST = "admin:rewards_codebatch_changelist"


@pytest.fixture(autouse=True)
def _programme(db, now, time_machine):
    ProgramFactory()
    roles.sync()
    time_machine.move_to(now)


@pytest.fixture
def offer():
    return OfferFactory(code_prefix="MOON", title={"en": "5.00 off", "zh-hans": "春节立减五元"})


@pytest.fixture
def woken(monkeypatch, django_capture_on_commit_callbacks):
    found = []
    monkeypatch.setattr(tasks.make_codes, "delay", found.append)
    return found


def staff(role):
    user = UserFactory(password=None)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client():
    return staff(roles.MARKETING)


def made(offer, now, count=50, **told):
    batch = code_batches.order(offer=offer, count=count, by=SYSTEM, at=now, **told)
    code_batches.work(batch_id=batch.pk, clock=lambda: now)
    batch.refresh_from_db()
    return batch


def page(name, *args):
    return reverse(f"admin:rewards_codebatch_{name}", args=args)


def order(client, **told):
    body = {"offer": "", "count": "100", "code_prefix": "", "body_length": "12", "token": uuid4(), **told}
    return client.post(page("order"), body)


def test_a_batch_is_ordered_and_its_page_comes_again(client, offer, woken, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = order(client, offer=offer.pk)
    batch = CodeBatch.objects.get()
    assert (answer.status_code, answer.url) == (302, page("change", batch.pk))
    assert woken == [batch.pk]
    shown = client.get(answer.url)
    assert shown["Refresh"] == "2"
    assert "0 of 100 codes are made" in shown.text
    assert "codes.csv" not in shown.text
    tasks.make_codes()
    shown = client.get(answer.url)
    assert "Refresh" not in shown
    assert page("csv", batch.pk) in shown.text
    assert page("sheet", batch.pk, 1) in shown.text


def test_the_same_form_sent_again_finds_the_first_batch(client, offer, woken):
    token = client.get(page("order")).context["form"]["token"].value()
    addresses = {order(client, offer=offer.pk, token=token).url for _click in range(2)}
    assert addresses == {page("change", CodeBatch.objects.get().pk)}
    days = {"valid_to_0": "2031-01-01", "valid_to_1": "00:00"}
    for other in ({"count": "7"}, {"code_prefix": "TEA"}, {"body_length": "13"}, days):
        assert "Open it anew" in order(client, offer=offer.pk, token=token, **other).content.decode()
    assert order(client, offer=offer.pk).url not in addresses
    assert CodeBatch.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_double_click_orders_once(client, offer, woken, now):
    token = uuid4()
    batch, answer = behind(
        lambda: code_batches.order(offer=offer, count=100, token=token, by=SYSTEM, at=now),
        lambda: order(client, offer=offer.pk, token=token),
    )
    assert (answer.status_code, answer.url) == (302, page("change", batch.pk))
    assert CodeBatch.objects.get() == batch


def test_what_is_refused_is_said_in_the_form(client, offer):
    answer = order(client, offer=offer.pk, body_length="9")
    assert "Take 12 symbols or more" in answer.text
    assert order(client, offer=offer.pk, count="10000001").status_code == 200
    assert order(client, offer="", count="x").status_code == 200
    assert not CodeBatch.objects.exists()


def test_the_odds_are_said_while_the_form_is_filled_in(client, offer):
    said = client.post(page("odds"), {"offer": offer.pk, "count": "100000", "body_length": "12"}).text
    # 31^11 / 100,000 codes / (1,000 + 300 an hour for one member of staff) / 8,766 hours
    assert said == (
        "With 100,000 live codes and the limits of this server, a guesser needs on average 22,296 years to find one."
    )
    gift = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
    said = client.post(page("odds"), {"offer": gift.pk, "count": "100000", "body_length": "8"}).text
    assert "0.0 years" in said
    assert "Take more symbols" in said
    assert client.post(page("odds"), {}).text == ""


def test_cancel_and_void(client, offer, now):
    batch = code_batches.order(offer=offer, count=100, by=SYSTEM, at=now)
    code_batches._make_chunk(batch.pk, 40, lambda: now)
    client.post(page("cancel", batch.pk))
    assert client.post(page("void", batch.pk), {"reason": "The leaflets were stolen"}).status_code == 302
    batch.refresh_from_db()
    assert batch.state == BatchState.CANCELLED
    assert Coupon.objects.filter(state=CouponState.VOID).count() == 40
    assert AuditEvent.objects.get(action="code_batch.voided").reason == "The leaflets were stolen"


def test_a_csv_for_spreadsheets(client, now):
    offer = OfferFactory(title={"en": '=HYPERLINK("http://evil")'})
    batch = made(offer, now, count=30)
    answer = client.get(page("csv", batch.pk))
    text = b"".join(answer.streaming_content).decode()
    lines = text.split("\r\n")
    assert (answer["Content-Type"], "no-store" in answer["Cache-Control"]) == ("text/csv; charset=utf-8", True)
    assert lines[0] == "\ufeffcode,offer,good from,good until,state"
    assert len(lines) == 32
    assert re.fullmatch(r'(\w{4}-){2}\w{4},"\'=HYPERLINK\(""http://evil""\)",,2026-06-20 00:00,ISSUED', lines[1]), (
        lines[1]
    )
    assert AuditEvent.objects.get(action="code_batch.downloaded").data == {"form": "csv", "codes": 30}


def test_sheets_to_print(client, offer, now):
    batch = made(offer, now, count=code_files.CODES_A_SHEET + 1)
    answer = client.get(page("sheet", batch.pk, 2))
    assert answer.content.startswith(b"%PDF-")
    assert AuditEvent.objects.get(action="code_batch.downloaded").data == {"form": "pdf", "codes": 961, "sheet": 2}
    assert client.get(page("sheet", batch.pk, 3)).status_code == 404
    assert client.get(page("sheet", batch.pk, 0)).status_code == 404


def test_sheets_show_chinese_titles_that_need_cutting_and_signs_no_font_has(now):
    offer = OfferFactory(
        title={"en": "A very long title that no card is wide enough for, " * 3, "zh-hans": "春节立减🎉五元"}
    )
    batch = made(offer, now, count=25)
    document = PdfDocument(code_sheets.pdf(batch=batch, sheet=1))
    text = document[0].get_textpage().get_text_bounded()
    assert len(document) == 2
    assert text.count("春节立减□五元") == 24
    assert "A very long title" in text
    assert "Good until June 19, 2026" in text
    assert batch.shown(batch.coupons.order_by("pk").first().code) in text


@pytest.mark.parametrize("role", [roles.STORE_MANAGER, roles.AUDITOR])
def test_who_may_only_look_takes_no_codes(role, offer, now):
    batch, client = made(offer, now), staff(role)
    shown = client.get(page("change", batch.pk))
    assert shown.status_code == 200
    assert "codes.csv" not in shown.text
    for name, *args in (("csv", batch.pk), ("sheet", batch.pk, 1), ("order",), ("upload",)):
        assert client.get(page(name, *args)).status_code == 403, name
    assert client.post(page("odds"), {}).status_code == 403


def test_a_file_of_an_older_system(client, offer):
    def bring(text, **told):
        file = SimpleUploadedFile("old.csv", text.encode())
        return client.post(page("upload"), {"offer": offer.pk, "file": file, **told}).text

    assert "Nothing was done" in bring("code\nAAAA1111\n?\n")
    assert not Coupon.objects.exists()
    assert "What was done" in bring("code\nAAAA1111\n?\n", leave_out_faults="on")
    assert "All of it is here already" in bring("code\nAAAA1111\n")
    assert "has no column" in bring("x\n")
    assert Coupon.objects.get().display_code == "AAAA1111"


def test_the_list_asks_no_more_for_more_rows(client, offer, now):
    made(offer, now, count=1)
    client.get(reverse(LIST))
    one = _queries(client)
    made(offer, now + timedelta(seconds=1), count=1)
    made(offer, now + timedelta(seconds=2), count=1)
    assert _queries(client) == one


def _queries(client):
    with CaptureQueriesContext(connection) as found:
        client.get(reverse(LIST))
    return len(found)
