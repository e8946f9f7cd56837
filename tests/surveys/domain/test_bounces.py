import random

import pytest

from customers.models import AddressReason, SoftBounce, SuppressedAddress
from loyalty_site.lib import message_ids
from rewards.models import Program
from surveys.domain import audience, bounce_reports, bounces, invitations
from surveys.domain.bounces import BounceFate
from surveys.models import Delivery, DeliveryState
from tests.surveys import bounce_letters as written
from tests.surveys import letters

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(due, settings):
    settings.BOUNCE_ADDRESS = "bounces@shop.example"
    delivery = due(email="Mei@example.org")
    Delivery.objects.update(state=DeliveryState.ACCEPTED)
    return delivery


@pytest.fixture
def name(sent):
    return invitations.compose(delivery=sent, program=Program()).message()["Message-ID"]


def take(raw, now, recipient=""):
    report = bounce_reports.read(raw, recipient=recipient)
    return bounces.take(report=report, at=now) if report else None


def state(delivery):
    return Delivery.objects.get(pk=delivery.pk).state


def reasons():
    return list(SuppressedAddress.objects.values_list("address", "reason"))


HARD = [written.postfix, written.exim, written.exchange, written.gmail, written.qmail, written.without_boundaries]


@pytest.mark.parametrize("letter", HARD, ids=lambda letter: letter.__name__)
def test_mailbox_that_does_not_exist_gets_no_more_mail(letter, sent, name, now):
    assert take(letter(name), now) == BounceFate.BOUNCED
    assert state(sent) == DeliveryState.BOUNCED
    assert reasons() == [("mei@example.org", AddressReason.HARD_BOUNCE)]
    assert take(letter(name), now) == BounceFate.BOUNCED
    assert len(reasons()) == 1


@pytest.mark.parametrize("header", [b"Original-Recipient: ", b"Diagnostic-Code: "])
def test_bytes_that_are_no_text_are_taken_too(header, sent, name, now):
    raw = written.postfix(name).replace(header, header + b"caf\xe9@ex.org \xe6\x88\x91 ", 1)
    assert take(raw, now) == BounceFate.BOUNCED
    assert reasons() == [("mei@example.org", AddressReason.HARD_BOUNCE)]
    assert "\ufffd" in Delivery.objects.get().smtp_reply or header != b"Diagnostic-Code: "


SOFT = [written.full_mailbox, written.expired, written.taken_for_spam]


@pytest.mark.parametrize("letter", SOFT, ids=lambda letter: letter.__name__)
def test_what_may_pass_counts_without_holding_back_at_once(letter, sent, name, now):
    assert take(letter(name), now) == BounceFate.BOUNCED_FOR_NOW
    assert state(sent) == DeliveryState.BOUNCED
    assert (reasons(), SoftBounce.objects.count()) == ([], 1)


def test_mail_that_is_still_tried_changes_nothing(sent, name, now):
    assert take(written.delayed(name), now) == BounceFate.STILL_TRIED
    assert (state(sent), reasons()) == (DeliveryState.ACCEPTED, [])


def test_complaint_ends_all_mail(sent, name, now):
    assert take(written.complaint(name), now) == BounceFate.COMPLAINED
    assert state(sent) == DeliveryState.COMPLAINED
    assert reasons() == [("mei@example.org", AddressReason.COMPLAINT)]


def test_complaint_that_hides_the_address_is_known_by_the_mail(sent, name, now):
    assert take(written.complaint(name, address="redacted@redacted"), now) == BounceFate.COMPLAINED
    assert reasons() == [("mei@example.org", AddressReason.COMPLAINT)]


def test_praise_is_no_complaint(sent, name, now):
    assert take(written.complaint(name, kind="not-spam"), now) is None
    assert state(sent) == DeliveryState.ACCEPTED


def test_mail_is_known_by_the_address_that_the_report_comes_to(sent, name, now):
    message = invitations.compose(delivery=sent, program=Program())
    assert message.from_email.startswith("bounces+survey-delivery-")
    assert message.message()["From"] == "Loyalty Site <hello@example.org>"
    report = written.without_the_original(name, "somebody@shop.example")
    assert take(report, now) is None
    assert take(report, now, recipient=message.from_email) == BounceFate.BOUNCED


def forged(delivery, name):
    number = delivery.pk
    unsigned = f"<survey-delivery-{number}@loyalty.example>"
    guessed = f"<survey-delivery-{number}.{'0' * 20}@loyalty.example>"
    other = name.replace(f"-{number}.", f"-{number + 1}.")
    return [
        written.postfix(unsigned),
        written.postfix(guessed),
        written.postfix(other),
        written.postfix(name, address="tom@example.org").replace(b"<mei@example.org>", b"<tom@example.org>"),
        written.complaint(guessed),
        written.qmail(unsigned),
        written.without_the_original(name, f"bounces+survey-delivery-{number}.{'a' * 20}@shop.example"),
    ]


def test_forged_ones_hold_nobody_back(sent, name, now, due):
    due(email="tom@example.org")
    letters_told = forged(sent, name)
    for number, letter in enumerate(letters_told):
        if number != 3:
            assert take(letter, now) is None, number
    assert (state(sent), reasons()) == (DeliveryState.ACCEPTED, [])
    take(letters_told[3], now)  # names a mail that its writer has seen: nobody but its own reader is held back
    assert {address for address, _reason in reasons()} <= {"mei@example.org"}


def test_answer_of_a_person_is_no_report():
    assert bounce_reports.read(letters.letter("User unknown? 550 5.1.1 mei@example.org")) is None


def test_address_of_mails_of_rewards_is_held_back_too(now):
    name = message_ids.message_id(reference="points-notice-17", address="Mei@example.org")
    assert take(written.postfix(name), now) == BounceFate.BOUNCED
    assert reasons() == [("mei@example.org", AddressReason.HARD_BOUNCE)]


def test_mail_that_never_left_stays_as_it_is(sent, name, now):
    Delivery.objects.filter(pk=sent.pk).update(state=DeliveryState.PENDING)
    take(written.postfix(name), now)
    assert state(sent) == DeliveryState.PENDING


def test_complaint_after_a_bounce_counts_and_not_the_other_way_round(sent, name, now):
    take(written.full_mailbox(name), now)
    take(written.complaint(name), now)
    take(written.postfix(name), now)
    assert state(sent) == DeliveryState.COMPLAINED


def test_held_back_address_gets_no_survey(sent, name, now, send):
    take(written.postfix(name), now)
    Delivery.objects.filter(pk=sent.pk).update(state=DeliveryState.PENDING)
    assert send() == 0
    sent.refresh_from_db()
    assert (sent.state, sent.reason) == (DeliveryState.SUPPRESSED, "SUPPRESSED_ADDRESS")
    assert not audience.mailable().filter(pk=sent.customer_id).exists()


def test_no_bytes_raise(name, now):
    chance = random.Random(5)
    for letter in (written.postfix(name), written.complaint(name), written.qmail(name)):
        for _round in range(100):
            broken = bytearray(letter)
            for _change in range(20):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            bounce_reports.read(bytes(broken))
            bounce_reports.read(bytes(broken[: chance.randrange(len(broken))]))
