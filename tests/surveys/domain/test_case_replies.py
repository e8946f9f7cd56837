"""What customers write: kept with their case, once; machines never open one."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError

from loyalty_site import privacy
from loyalty_site.lib import actors
from surveys.domain import case_mails, case_replies, cases, incoming_mail
from surveys.domain.case_replies import Fate
from surveys.models import Case, CaseChannel, CaseEvent, CaseEventKind, CaseOutcome, CaseState
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.surveys import CaseFactory
from tests.races import at_once
from tests.surveys import bounce_letters, letters

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _address(settings):
    settings.CASE_ADDRESS = "care@shop.example"
    settings.DEFAULT_FROM_EMAIL = "Shop <hello@shop.example>"


@pytest.fixture
def lena():
    return actors.user(UserFactory(password=None).pk)


@pytest.fixture
def case():
    return CaseFactory(customer=CustomerFactory(email="mei@example.org"))


def take(raw, now, recipient=""):
    return case_replies.take(mail=incoming_mail.read(raw), recipient=recipient, at=now)


def written(case, lena, now):
    return case_mails.write(case=case, text="Sorry!", token=uuid4(), by=lena, at=now).message_id


def test_answer_is_kept_with_the_case_of_its_address(case, now):
    taken = take(letters.letter("I see.", to=f"Care <{case_mails.reply_address(case)}>"), now)
    assert (taken.fate, taken.case) == (Fate.KEPT, case)
    event = case.events.get()
    assert (event.kind, event.text, event.address) == (CaseEventKind.MAIL_IN, "I see.", "mei@example.org")
    assert (event.actor, event.message_id) == (f"customer:{case.customer_id}", "<m1@mail.example>")
    case.refresh_from_db()
    assert case.wrote_at == now


@pytest.mark.parametrize("where", ["recipient", "Delivered_To", "X_Original_To", "Cc"])
def test_address_is_found_wherever_a_server_puts_it(case, now, where):
    address = case_mails.reply_address(case)
    headers = {} if where == "recipient" else {where: address}
    taken = take(letters.letter(**headers), now, recipient=address if where == "recipient" else "")
    assert (taken.fate, taken.case) == (Fate.KEPT, case)


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
def test_answer_to_another_address_is_known_by_what_it_answers(case, lena, now, header):
    message_id = written(case, lena, now)
    taken = take(letters.letter(to="hello@shop.example", **{header: f"<other@x> {message_id}"}), now)
    assert (taken.fate, taken.case) == (Fate.KEPT, case)


def test_address_counts_before_what_it_answers(case, lena, now):
    other = CaseFactory()
    message_id = written(other, lena, now)
    assert take(letters.letter(to=case_mails.reply_address(case), In_Reply_To=message_id), now).case == case


def test_address_with_a_wrong_signature_opens_a_case_of_its_own(case, now):
    wrong = case_mails.reply_address(case).replace("+", "+1")
    taken = take(letters.letter(to=wrong), now)
    assert (taken.fate, taken.case == case) == (Fate.OPENED, False)
    assert not case.events.exists()


def test_told_again_it_is_kept_once(case, now):
    raw = letters.letter(to=case_mails.reply_address(case), Message_ID="")
    assert [take(raw, now).fate for _ in range(3)] == [Fate.KEPT, Fate.KNOWN, Fate.KNOWN]
    assert CaseEvent.objects.count() == 1


def test_attachments_are_named(case, now):
    raw = letters.multipart(letters.part("Bill"), letters.PDF, kind="mixed", to=case_mails.reply_address(case))
    take(raw, now)
    assert case.events.get().attachments == ["bill.pdf"]


def test_what_belongs_to_no_case_opens_one(now):
    store = StoreFactory()
    mei = CustomerFactory(email="mei@example.org", home_store=store)
    taken = take(letters.letter("The bread was stale.", Subject="Bread"), now)
    case = taken.case
    case.refresh_from_db()
    assert (taken.fate, case.channel, case.customer, case.store) == (Fate.OPENED, CaseChannel.EMAIL, mei, store)
    assert (case.subject, case.wrote_at, case.address) == ("Bread", now, "mei@example.org")
    assert case.events.get(kind=CaseEventKind.OPENED).text == "Bread\n\nThe bread was stale."
    again = take(letters.letter("And the milk.", Message_ID="<m2@x>", In_Reply_To="<m1@mail.example>"), now)
    assert (again.fate, again.case) == (Fate.KEPT, case)


def test_stranger_opens_a_case_of_nobody(now):
    case = take(letters.letter("", Subject=""), now).case
    assert (case.customer, case.store, case.address) == (None, None, "mei@example.org")
    assert case.subject
    again = take(letters.letter("More.", Message_ID="<m2@x>", In_Reply_To="<m1@mail.example>"), now)
    assert (again.fate, again.case) == (Fate.KEPT, case)


def test_closed_case_is_its_owners_again(case, lena, now):
    cases.close(case=case, outcome=CaseOutcome.SOLVED, text="", by=lena, at=now)
    later = now + timedelta(days=9)
    take(letters.letter(to=case_mails.reply_address(case)), later)
    case.refresh_from_db()
    assert (case.state, case.owner_id, case.wrote_at) == (CaseState.ASSIGNED, lena.id, later)
    assert (case.outcome, case.due_at) == ("", later + timedelta(hours=48))


def test_machine_opens_nothing(now):
    assert take(letters.letter(Auto_Submitted="auto-replied"), now).fate == Fate.DROPPED
    assert take(bounce_letters.postfix("<unknown@x>"), now).fate == Fate.DROPPED
    assert not Case.objects.exists()


def test_absence_note_is_kept_and_wakes_nobody(case, lena, now):
    cases.close(case=case, outcome=CaseOutcome.SOLVED, text="", by=lena, at=now)
    raw = letters.letter("I am away.", to=case_mails.reply_address(case), Auto_Submitted="auto-replied")
    assert take(raw, now).fate == Fate.KEPT
    case.refresh_from_db()
    assert (case.state, case.wrote_at) == (CaseState.CLOSED, None)
    assert case.events.get(kind=CaseEventKind.MAIL_IN).data == {"automatic": True}


def test_two_machines_do_not_write_for_ever(case, now):
    address = case_mails.reply_address(case)
    fates = [
        take(letters.letter(to=address, Auto_Submitted="auto-replied", Message_ID=f"<{n}@x>"), now).fate
        for n in range(25)
    ]
    assert fates == [Fate.KEPT] * 20 + [Fate.DROPPED] * 5


@pytest.mark.parametrize("sender", ["Shop <hello@shop.example>", "care@shop.example", "own"])
def test_our_own_mail_come_around_is_dropped(case, now, sender):
    sender = case_mails.reply_address(case) if sender == "own" else sender
    assert take(letters.letter(to=case_mails.reply_address(case), From=sender), now).fate == Fate.DROPPED
    assert not CaseEvent.objects.exists()


def test_mail_that_came_back_is_noted_and_looked_at(case, lena, now):
    taken = take(bounce_letters.postfix(written(case, lena, now)), now)
    assert (taken.fate, taken.case) == (Fate.KEPT, case)
    event = case.events.get(kind=CaseEventKind.BOUNCE)
    assert (event.actor, event.data) == ("system", {"automatic": True})
    case.refresh_from_db()
    assert (case.wrote_at, case.state) == (now, CaseState.CONTACTED)


def test_flood_into_a_case_is_stopped(case, now):
    address = case_mails.reply_address(case)
    for number in range(case_replies.MAILS_PER_DAY):
        take(letters.letter(to=address, Message_ID=f"<{number}@x>"), now)
    with pytest.raises(case_replies.TooManyMails):
        take(letters.letter(to=address, Message_ID="<more@x>"), now)
    assert take(letters.letter(to=address, Message_ID="<later@x>"), now + timedelta(days=2)).fate == Fate.KEPT


def test_flood_of_new_cases_is_stopped(now):
    for number in range(case_replies.CASES_PER_DAY):
        take(letters.letter(Message_ID=f"<{number}@x>"), now)
    with pytest.raises(case_replies.TooManyMails):
        take(letters.letter(Message_ID="<more@x>"), now)
    assert take(letters.letter(From="tom@example.net", Message_ID="<tom@x>"), now).fate == Fate.OPENED


def test_case_of_who_was_forgotten_takes_nothing_more(case, lena, now):
    address, message_id = case_mails.reply_address(case), written(case, lena, now)
    take(letters.letter("Mei was here", to=address), now)
    privacy.erase(customer=case.customer, by=lena, at=now)
    assert not CaseEvent.objects.filter(case=case).exclude(text="", address="", message_id="").exists()
    taken = take(letters.letter(to=address, In_Reply_To=message_id, Message_ID="<m9@x>"), now)
    assert (taken.fate, taken.case.customer) == (Fate.OPENED, None)


@pytest.mark.django_db(transaction=True)
def test_told_by_many_at_once_it_is_kept_once(now):
    for number in range(5):
        case = CaseFactory()
        raw = letters.letter(to=case_mails.reply_address(case), Message_ID=f"<{number}@x>")
        fates = [taken.fate for taken in at_once(*[partial(take, raw, now)] * 6)]
        assert sorted(fates) == [Fate.KEPT, *[Fate.KNOWN] * 5]
        assert case.events.count() == 1


@pytest.mark.django_db(transaction=True)
def test_new_one_told_by_many_at_once_opens_one_case(now):
    """The others are told to come again, and find it."""
    done = at_once(*[partial(take, letters.letter(), now)] * 6)
    opened = [one for one in done if getattr(one, "fate", None) == Fate.OPENED]
    assert (len(opened), Case.objects.count()) == (1, 1)
    assert {type(one) for one in done} <= {case_replies.Taken, IntegrityError}
    assert take(letters.letter(), now).fate == Fate.KNOWN
