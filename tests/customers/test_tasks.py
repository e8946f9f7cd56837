import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from customers import tasks
from customers.domain import sign_in, tills
from customers.domain.worths import forecasts
from customers.models import IdempotentCall, Recommendation, Rhythm, SignInCode
from loyalty_site.lib import actors
from tests.factories.customers import (
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    StoreFactory,
)

pytestmark = pytest.mark.django_db


def buy_three_times():
    customer, milk = CustomerFactory(), ProductFactory()
    for days in (10, 20, 30):
        purchase = PurchaseFactory(customer=customer, purchased_at=timezone.now() - timedelta(days=days))
        PurchaseLineFactory(purchase=purchase, product=milk)


def test_send_sign_in_codes_mails_text_and_html_with_the_programmes_name():
    CustomerFactory(name="Mia", email="mia@example.org")
    sign_in.request(email="mia@example.org", browser_token="browser", at=timezone.now())
    tasks.send_sign_in_codes(a_word_from_an_older_queue=True)
    (sent,) = mail.outbox
    code = re.search(r"\b\d{6}\b", sent.body).group()
    assert sent.subject == f"{code} is your code to sign in"
    assert sent.body.startswith("Loyalty Site")
    assert "Hello Mia," in sent.body
    html = sent.alternatives[0].content
    assert 'style="' in html
    assert code in html


def test_mail_writes_a_name_as_it_is():
    CustomerFactory(name="<b>O'Neil</b>\r\nBcc: x@example.org", email="mia@example.org")
    sign_in.request(email="mia@example.org", browser_token="browser", at=timezone.now())
    tasks.send_sign_in_codes()
    (sent,) = mail.outbox
    assert "Hello <b>O'Neil</b>" in sent.body
    assert "&lt;b&gt;O'Neil&lt;/b&gt;" in sent.alternatives[0].content
    assert sent.recipients() == ["mia@example.org"]
    assert "Bcc" not in sent.message()


def test_refresh_recommendations_makes_them():
    buy_three_times()
    tasks.refresh_recommendations()
    assert Recommendation.objects.get().kind == "again"


def test_refresh_recommendations_command_says_how_many_and_how_long():
    buy_three_times()
    out = StringIO()
    call_command("refresh_recommendations", stdout=out)
    assert re.fullmatch(r"customers: 1, seconds: \d+\.\d\n", out.getvalue())
    assert Recommendation.objects.count() == 1


def test_rhythms_and_chances_are_told_when_forecasts_fail(monkeypatch):
    buy_three_times()
    tasks.refresh_rhythms()
    Rhythm.objects.update(stays_away_percent=80)

    def fail(**kwargs: object) -> None:
        raise FloatingPointError

    monkeypatch.setattr(forecasts, "refresh", fail)
    with pytest.raises(FloatingPointError):
        tasks.refresh_rhythms()
    assert Rhythm.objects.get().stays_away_percent is None  # too few to learn from


def test_forget_sign_ins_clears_old_requests_and_ended_sessions():
    now = timezone.now()
    sign_in.request(email="mia@example.org", browser_token="old", at=now - timedelta(days=2))
    sign_in.request(email="mia@example.org", browser_token="new", at=now)
    Session.objects.create(session_key="ended", session_data="", expire_date=now - timedelta(days=1))
    Session.objects.create(session_key="open", session_data="", expire_date=now + timedelta(days=1))
    tasks.forget_sign_ins()
    assert SignInCode.objects.count() == 1
    assert Session.objects.get().session_key == "open"


def test_forget_calls_keeps_what_a_till_may_still_repeat():
    till, _key = tills.create(store=StoreFactory(), name="1", scopes=[], by=actors.SYSTEM, at=timezone.now())
    for days in (1, 4):
        at = timezone.now() - timedelta(days=days)
        IdempotentCall.objects.create(till=till, key=f"{days}", fingerprint=b"", status=200, body="{}", created_at=at)
    tasks.forget_calls(added_later="ignored")
    assert IdempotentCall.objects.get().key == "1"
