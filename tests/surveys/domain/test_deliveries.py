"""Against a real SMTP server, whose own record says who got what."""

from datetime import time, timedelta

import pytest
from django.core import mail

from customers.models import AuditEvent, Contact
from loyalty_site.lib import actors, mail_replies
from loyalty_site.lib.mail_causes import Cause
from loyalty_site.lib.mail_replies import ServerUnavailable
from loyalty_site.lib.smtp import EmailBackend
from rewards.domain import mail_server as rewards_mail_server
from rewards.models import MailServer, Program
from surveys.domain import campaigns, deliveries, invitations
from surveys.models import CampaignState, Delivery, DeliveryState
from tests.factories.customers import StoreFactory
from tests.factories.rewards import ProgramFactory
from tests.plugins.smtp import DROP
from tests.surveys.domain.told import address, outcome

pytestmark = pytest.mark.django_db
BY = actors.user(1)
SECOND = timedelta(seconds=1)


def test_send_hands_each_mail_over_once_on_one_connection(due, send, mail_server, now):
    rows = [due() for _ in range(deliveries.BATCH + 5)]
    assert send() == len(rows)
    assert mail_server.recipients == [address(row) for row in rows]
    assert mail_server.sessions == 1
    assert outcome(rows[0]) == (DeliveryState.ACCEPTED, "250 OK queued as 1")
    assert (rows[0].attempts, rows[0].settled_at, rows[0].lease_token) == (1, now, None)
    assert send() == 0


def test_reply_of_the_server_is_kept_as_one_line_that_fits(due, send, mail_server):
    row = due()
    mail_server.at_text[address(row)] = "250 OK\0 " + "x" * 480
    assert send() == 1
    assert outcome(row) == (DeliveryState.ACCEPTED, "250 OK " + "x" * 480)


def test_send_waits_for_its_time_and_its_campaign(due, send, mail_server, sending, now):
    early = due()
    Delivery.objects.filter(pk=early.pk).update(not_before=now + timedelta(seconds=1))
    assert send() == 0
    assert send(at=now + timedelta(seconds=1)) == 1
    due()
    campaigns.pause(campaign=sending, by=BY, at=now)
    assert send() == 0
    campaigns.resume(campaign=sending, by=BY, at=now)
    assert send() == 1


def test_send_stops_when_its_time_is_over_and_puts_the_rest_back(due, send, mail_server, now):
    rows = [due() for _ in range(3)]
    ticks = iter([0] * 4 + [90, 90])  # until, until, begin, settle; then the time is over
    deliveries.send_due(
        mailer=mail.get_connection(),
        clock=lambda: now + timedelta(seconds=next(ticks)),
        until=now + timedelta(seconds=60),
    )
    assert mail_server.recipients == [address(rows[0])]
    assert [outcome(row)[0] for row in rows] == [
        DeliveryState.ACCEPTED,
        DeliveryState.PENDING,
        DeliveryState.PENDING,
    ]
    assert send() == 2


@pytest.mark.parametrize("when", ["at_recipient", "at_text"])
def test_refusal_for_good_is_rejected(due, send, mail_server, when):
    rows = [due() for _ in range(3)]
    getattr(mail_server, when)[address(rows[1])] = "550 5.1.1 No such mailbox"
    assert send() == 2
    assert outcome(rows[1]) == (DeliveryState.REJECTED, "550 5.1.1 No such mailbox")
    assert mail_server.sessions == 1
    assert mail_server.recipients == [address(rows[0]), address(rows[2])]


@pytest.mark.parametrize("when", ["at_recipient", "at_text"])
def test_refusal_for_now_is_tried_again_later(due, send, mail_server, when, now):
    row = due()
    replies_of_server = getattr(mail_server, when)
    replies_of_server[address(row)] = "451 4.7.1 Greylisted"
    assert send() == 0
    assert outcome(row) == (DeliveryState.DEFERRED, "451 4.7.1 Greylisted")
    assert timedelta(seconds=45) <= row.not_before - now <= timedelta(seconds=60)
    assert send(at=row.not_before - timedelta(milliseconds=1)) == 0
    replies_of_server.clear()
    assert send(at=row.not_before) == 1
    assert outcome(row)[0] == DeliveryState.ACCEPTED
    assert row.attempts == 2


def test_refusal_for_now_ends_after_the_last_attempt(due, send, mail_server, now):
    row = due()
    mail_server.at_text[address(row)] = "452 4.2.2 Mailbox full"
    Delivery.objects.update(attempts=mail_replies.MAX_ATTEMPTS - 2)
    send()
    assert outcome(row)[0] == DeliveryState.DEFERRED
    send(at=row.not_before)
    assert outcome(row) == (DeliveryState.REJECTED, "452 4.2.2 Mailbox full")


@pytest.mark.parametrize(
    ("when", "reply", "minutes"),
    [
        ("sender_reply", "530 5.7.0 Authentication required", 5),
        ("sender_reply", "451 4.3.0 Try again later", 1),
        ("at_text", "454 Throttling failure: Maximum sending rate exceeded.", 1),
        ("at_text", "454 Throttling failure: Daily message quota exceeded.", 30),
        ("at_recipient", "554 5.7.1 Relay access denied", 5),
    ],
)
def test_refusal_that_is_about_no_single_mail_costs_nobody_an_attempt(
    due, send, mail_server, now, when, reply, minutes
):
    rows = [due() for _ in range(2)]
    if when == "sender_reply":
        mail_server.sender_reply = reply
    else:
        getattr(mail_server, when).update({address(row): reply for row in rows})
    assert send() == 0
    assert (outcome(rows[0]), outcome(rows[1])) == ((DeliveryState.PENDING, reply), (DeliveryState.PENDING, ""))
    assert [(row.attempts, row.lease_token) for row in rows] == [(0, None)] * 2
    assert mail_server.taken == []
    mail_server.at_text, mail_server.at_recipient, mail_server.sender_reply = {}, {}, "250 OK"
    assert send(at=now + timedelta(minutes=minutes) - SECOND) == 0
    assert send(at=now + timedelta(minutes=minutes)) == 2
    assert not MailServer.objects.get().failures


def test_mail_for_which_the_server_always_refuses_us_does_not_hold_the_others_up(due, send, mail_server, now):
    stubborn, *others = [due() for _ in range(4)]
    mail_server.at_recipient[address(stubborn)] = "451 4.7.1 Slow down"
    assert send() == 0
    assert send(at=now + timedelta(minutes=1)) == 3
    assert {outcome(row)[0] for row in others} == {DeliveryState.ACCEPTED}


def test_who_has_nothing_to_send_leaves_the_try_whether_the_server_is_back_to_others(due, send, mail_server, now):
    refusal = ServerUnavailable("451 away")
    rewards_mail_server.refused(error=refusal, admission=rewards_mail_server.Admission(1), at=now)
    after = now + timedelta(minutes=1)
    assert send(at=after) == 0
    due()
    assert send(at=after) == 1


def test_all_workers_together_keep_to_the_rate(due, mail_server, now):
    ProgramFactory(mails_per_minute=120)
    for _ in range(6):
        due()
    clock = [now]
    sent = []

    def tick():
        sent.append(len(mail_server.taken))
        return clock[0]

    def wait(seconds):
        clock[0] += timedelta(seconds=seconds)

    until = now + timedelta(seconds=1.9)
    assert deliveries.send_due(mailer=mail.get_connection(), clock=tick, until=until, wait=wait) == 5
    # Two at once, which is one second's worth, and then one each half a second.
    assert clock[0] - now == timedelta(seconds=1.5)


def test_campaign_whose_mails_are_refused_for_what_they_say_waits_for_a_person(due, send, sending, mail_server, now):
    rows = [due() for _ in range(6)]
    spam = "554 5.7.1 Message rejected as spam"
    mail_server.at_text = {address(row): spam for row in (rows[0], *rows[2:])}
    moments = (now + timedelta(seconds=second) for second in range(1000))
    deliveries.send_due(mailer=mail.get_connection(), clock=lambda: next(moments), until=now + timedelta(minutes=5))
    states = [outcome(row)[0] for row in rows]
    assert states == ["REJECTED", "ACCEPTED", "REJECTED", "REJECTED", "REJECTED", "PENDING"]
    campaigns.settle_states(at=now)
    sending.refresh_from_db()
    assert (sending.state, sending.attention) == (CampaignState.NEEDS_ATTENTION, spam)
    mail_server.at_text = {}
    campaigns.resume(campaign=sending, by=BY, at=now)
    assert send() == 1
    campaigns.settle_states(at=now)
    sending.refresh_from_db()
    assert (sending.state, sending.attention) == (CampaignState.COMPLETED, "")


def test_mail_that_cannot_be_written_is_put_off_and_holds_nobody_up(due, send, mail_server, monkeypatch):
    rows = [due() for _ in range(2)]
    compose = invitations.compose

    def fail_once(*, delivery, **told):
        if delivery == rows[0]:
            raise ValueError("no such\nplaceholder\0")
        return compose(delivery=delivery, **told)

    monkeypatch.setattr(invitations, "compose", fail_once)
    assert send() == 1
    assert outcome(rows[0]) == (DeliveryState.DEFERRED, "ValueError: no such placeholder")
    assert (rows[0].attempts, rows[0].settled_at) == (1, None)


@pytest.mark.parametrize(
    ("code", "state"),
    [(199, "UNCERTAIN"), (252, "UNCERTAIN"), (-1, "UNCERTAIN"), (400, "DEFERRED"), (500, "REJECTED")],
)
def test_outcome_by_code(code, state):
    error = mail_replies.smtplib.SMTPDataError(code, b"text\xff")
    assert mail_replies.outcome_of(error).fate == state


def test_outcome_of_a_server_that_refuses_to_greet_is_not_about_the_mail():
    with pytest.raises(ServerUnavailable, match="501 no") as caught:
        mail_replies.outcome_of(mail_replies.smtplib.SMTPHeloError(501, b"no"))
    assert caught.value.cause == Cause.SENDER


def test_outcome_of_anything_unknown_is_uncertain():
    assert mail_replies.outcome_of(RuntimeError("?")).fate == DeliveryState.UNCERTAIN


def test_pause_before_retry_doubles_up_to_six_hours_and_differs(due):
    row = due()
    pauses = []
    for row.attempts in range(1, mail_replies.MAX_ATTEMPTS):
        pause = mail_replies.pause_before_retry(attempts=row.attempts, seed=row.pk)
        whole = min(timedelta(minutes=2 ** (row.attempts - 1)), timedelta(hours=6))
        assert whole * 0.75 <= pause <= whole
        pauses.append(pause / whole)
    assert len(set(pauses)) > 5


def test_server_that_spoils_the_goodbye_does_no_harm(due, send, mail_server, monkeypatch):
    def spoil(backend):
        close(backend)
        raise mail_replies.smtplib.SMTPResponseException(500, "Line too long.")

    close = EmailBackend.close
    monkeypatch.setattr(EmailBackend, "close", spoil)
    due()
    assert send() == 1


def test_outbox_keeps_the_mails_when_no_server_is_named(due, send, settings):
    settings.EMAIL_BACKEND = "loyalty_site.outbox.OutboxBackend"
    row = due()
    assert send() == 1
    assert outcome(row) == (DeliveryState.ACCEPTED, "")


def test_person_decides_once_what_became_of_an_uncertain_mail(due, send, sending, mail_server, now):
    lost, arrived = due(), due()
    mail_server.at_text = {address(lost): DROP, address(arrived): DROP}
    send()
    campaigns.settle_states(at=now)
    sending.refresh_from_db()
    assert sending.state == CampaignState.NEEDS_ATTENTION
    deliveries.assume_delivered(delivery=arrived, by=BY, at=now)
    deliveries.send_again(delivery=lost, by=BY, at=now)
    for verb in (deliveries.assume_delivered, deliveries.send_again):
        with pytest.raises(deliveries.DeliveryNotUncertain):
            verb(delivery=arrived, by=BY, at=now)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "subject")) == [
        ("delivery.assumed_delivered", f"delivery:{arrived.pk}"),
        ("delivery.sent_again", f"delivery:{lost.pk}"),
    ]
    mail_server.at_text = {}
    assert send() == 1
    campaigns.settle_states(at=now)
    sending.refresh_from_db()
    assert (outcome(lost)[0], outcome(arrived)[0], sending.state) == ("ACCEPTED", "ACCEPTED", "COMPLETED")


def test_mail_whose_page_was_opened_has_arrived(due, send, mail_server, now):
    row = due()
    mail_server.at_text = {address(row): DROP}
    send()
    deliveries.reconcile(at=now)
    assert outcome(row)[0] == DeliveryState.UNCERTAIN
    Delivery.objects.update(opened_at=now)
    deliveries.reconcile(at=now)
    assert outcome(row)[0] == DeliveryState.ACCEPTED


@pytest.mark.parametrize("reply", ["451 4.7.1 Greylisted", "451 4.7.1 Slow down"])
def test_mail_that_did_not_leave_takes_no_place_of_those_that_a_customer_may_get(
    due, send, sending, mail_server, now, reply
):
    ProgramFactory(mail_max=1, mail_days=7)
    row = due()
    mail_server.at_text = {address(row): reply}
    assert send() == 0
    assert not Contact.objects.exists()
    mail_server.at_text = {}
    assert send(at=now + timedelta(minutes=1)) == 1
    assert Contact.objects.get().reference == f"survey-delivery:{row.pk}"


def test_mail_whose_campaign_was_cancelled_in_the_last_moment_takes_no_place(due, sending, now):
    due()
    [row] = deliveries.claim(limit=1, at=now)
    campaigns.cancel(campaign=sending, by=BY, at=now)
    mailer = mail.get_connection("django.core.mail.backends.locmem.EmailBackend")
    assert not deliveries.transmit(delivery=row, mailer=mailer, program=Program(), clock=lambda: now)
    assert not Contact.objects.exists()


def test_nobody_is_asked_in_the_night(due, send, mail_server, now):
    ProgramFactory(quiet_from=time(18), quiet_until=time(8))
    here, there = due(), due(home_store=StoreFactory(timezone="Asia/Tokyo"))  # 10:30 in UTC is 19:30 in Tokyo
    assert send() == 1
    assert (outcome(here)[0], outcome(there)[0]) == (DeliveryState.ACCEPTED, DeliveryState.HELD)
    morning = now.replace(hour=23, minute=0)
    assert (there.reason, there.not_before, there.settled_at) == ("QUIET_HOURS", morning, None)
    assert send(at=morning) == 1
    assert (outcome(there)[0], there.reason) == (DeliveryState.ACCEPTED, "")
