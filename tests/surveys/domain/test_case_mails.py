"""Writing from a case: a queue of mails that leave once, in one thread, with an address to answer to."""

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.core import mail

from loyalty_site import privacy
from loyalty_site.lib import actors
from rewards.domain import mail_queue
from rewards.models import MailState, Program
from surveys.domain import case_mails, case_replies, cases, incoming_mail
from surveys.models import Case, CaseEventKind, CaseMail, CaseState
from surveys.tasks import send_case_mails
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import CaseFactory
from tests.races import at_once
from tests.surveys import letters

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _address(settings):
    settings.CASE_ADDRESS = "care@shop.example"
    settings.BASE_URL = "https://loyalty.example.org"
    settings.DEFAULT_FROM_EMAIL = "Shop <hello@shop.example>"
    ProgramFactory(name="Corner Market")


@pytest.fixture
def lena():
    return actors.user(UserFactory(password=None).pk)


@pytest.fixture
def case(now):
    customer = CustomerFactory(name="Mei Lin", email="mei@example.org", language="en")
    return CaseFactory(customer=customer, store=StoreFactory(name="North"), opened_at=now, due_at=now)


def write(case, lena, now, text="Dear Mei,\n\nwe are sorry. <b>&", token=None):
    return case_mails.write(case=case, text=text, token=token or uuid4(), by=lena, at=now)


def send(now):
    return mail_queue.send_due(
        queue=case_mails.QUEUE, mailer=mail.get_connection(), clock=lambda: now, until=now + timedelta(minutes=1)
    )


def test_mail_is_written_now_and_leaves_later(case, lena, now):
    event = write(case, lena, now)
    case.refresh_from_db()
    assert (mail.outbox, event.kind, event.address) == ([], CaseEventKind.MAIL_OUT, "mei@example.org")
    assert (case.state, case.owner_id) == (CaseState.CONTACTED, lena.id)
    assert send(now) == 1
    assert send(now) == 0
    (sent,) = mail.outbox
    assert sent.to == ["mei@example.org"]
    assert sent.subject == f"About your message to Corner Market [{case.pk}]"
    assert sent.body.startswith("Dear Mei,\n\nwe are sorry. <b>&\n\nNorth · Corner Market")
    assert "answer this mail" in sent.body
    assert sent.reply_to == [case_mails.reply_address(case)]
    assert sent.extra_headers["Message-ID"] == event.message_id
    assert "In-Reply-To" not in sent.extra_headers


def test_without_an_address_nothing_is_promised(case, lena, now, settings):
    settings.CASE_ADDRESS = ""
    write(case, lena, now)
    send(now)
    assert (mail.outbox[0].reply_to, "answer this mail" in mail.outbox[0].body) == ([], False)


def test_mail_needs_no_consent_and_is_not_counted(case, lena, now):
    Program.objects.update(mail_max=1, mail_days=30)
    for _ in range(2):
        write(case, lena, now)
    assert send(now) == 2


def test_double_click_writes_once(case, lena, now):
    token = uuid4()
    assert write(case, lena, now, token=token) == write(case, lena, now, token=token)
    assert CaseMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_moment_write_once(case, lena, now):
    token = UUID(int=7)
    written = at_once(*[partial(write, case, lena, now, token=token)] * 6)
    assert len({event.pk for event in written}) == 1


def test_stranger_is_written_to_at_the_address_of_the_case(lena, now):
    case = CaseFactory(customer=None, address="tom@example.net")
    write(case, lena, now)
    assert (send(now), mail.outbox[0].to) == (1, ["tom@example.net"])


def test_nobody_is_written_to_without_an_address(lena, now):
    case = CaseFactory(customer__email="", customer__phone="+8613812345678")
    with pytest.raises(case_mails.CaseHasNoAddress):
        write(case, lena, now)
    assert (CaseMail.objects.exists(), case.events.exists()) == (False, False)


def test_closed_case_writes_no_more(case, lena, now):
    cases.close(case=case, outcome="SOLVED", text="", by=lena, at=now)
    with pytest.raises(cases.CaseStepRefused):
        write(case, lena, now)


def test_who_was_forgotten_meanwhile_gets_nothing(case, lena, now):
    write(case, lena, now)
    privacy.erase(customer=case.customer, by=lena, at=now)
    assert send(now) == 0
    row = CaseMail.objects.get()
    assert (row.state, row.reason, mail.outbox) == (MailState.SUPPRESSED, "NO_EMAIL", [])


def test_mail_of_a_worker_that_is_gone_is_uncertain_and_not_sent_again(case, lena, now):
    write(case, lena, now)
    mail_queue.claim(
        queue=case_mails.QUEUE, program=ProgramFactory._meta.model.objects.get(), at=now
    ) if False else None
    CaseMail.objects.update(state=MailState.SENDING, claimed_at=now - timedelta(hours=1))
    send_case_mails()
    send_case_mails()
    assert (CaseMail.objects.get().state, mail.outbox) == (MailState.UNCERTAIN, [])


def test_task_sends(case, lena, now):
    write(case, lena, now)
    send_case_mails()
    assert (len(mail.outbox), CaseMail.objects.get().state) == (1, MailState.ACCEPTED)


def test_thread_goes_on_over_answers(case, lena, now):
    first = write(case, lena, now)
    answer = incoming_mail.read(letters.letter(to=case_mails.reply_address(case), Message_ID="<m1@mail.example>"))
    case_replies.take(mail=answer, at=now)
    write(case, lena, now)
    send(now)
    headers = mail.outbox[-1].extra_headers
    assert headers["In-Reply-To"] == "<m1@mail.example>"
    assert headers["References"] == f"{first.message_id} <m1@mail.example>"


def test_long_thread_names_its_beginning_and_its_end(case, lena, now):
    written = [write(case, lena, now) for _ in range(15)]
    send(now)
    assert mail.outbox[-1].extra_headers["References"].split() == [
        written[0].message_id,
        *[event.message_id for event in written[5:14]],
    ]


def test_address_of_a_case_is_signed(case):
    address = case_mails.reply_address(case)
    local, domain = address.split("@")
    assert (domain, len(local) <= 64) == ("shop.example", True)
    assert case_mails.read_address(address) == case_mails.read_address(address.upper()) == case.pk
    number, signature = local.removeprefix("care+").split("-")
    other = "0" if signature[0] != "0" else "1"
    for wrong in (
        f"care+{int(number) + 1}-{signature}@shop.example",
        f"care+{number}-{other}{signature[1:]}@shop.example",
        f"care+{number}-@shop.example",
        f"care+{number}@shop.example",
        f"care+{number}-{signature}@evil.example",
        f"care+٣-{signature}@shop.example",
        f"care+{'9' * 30}-{signature}@shop.example",
        "care@shop.example",
        "",
    ):
        assert case_mails.read_address(wrong) is None


def test_address_stays_good_when_the_key_changes(case, settings):
    address, old = case_mails.reply_address(case), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-key" * 6, [old]
    assert case_mails.read_address(address) == case.pk
    settings.SECRET_KEY_FALLBACKS = []
    assert case_mails.read_address(address) is None


def test_newest_answer_waits_until_somebody_writes(case, lena, now):
    Case.objects.update(wrote_at=now)
    write(case, lena, now)
    assert Case.objects.get().wrote_at is None
