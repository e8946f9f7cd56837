"""Who has which mail in hand: claims, leases, and what becomes of those that end."""

import threading
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from customers.domain import consents, contacts
from customers.models import Contact, Customer, Purpose
from loyalty_site.lib import actors, mail_replies
from rewards.models import Program
from surveys.domain import campaigns, deliveries, invitations
from surveys.models import Delivery, DeliveryState, SuppressionReason
from tests.factories.rewards import ProgramFactory
from tests.races import at_once
from tests.surveys.domain.told import address, outcome

pytestmark = pytest.mark.django_db
BY = actors.user(1)


def test_claim_leases_and_nobody_else_gets_the_same(due, now):
    rows = [due() for _ in range(3)]
    first, second = deliveries.claim(limit=2, at=now), deliveries.claim(limit=2, at=now)
    assert (first, second) == (rows[:2], rows[2:])
    assert {row.state for row in first} == {DeliveryState.CLAIMED}
    assert {row.lease_expires_at for row in first} == {now + deliveries.LEASE}
    assert len({row.lease_token for row in first + second}) == 2


def test_claim_reads_the_audience_with_a_fixed_number_of_queries(due, now, django_assert_num_queries):
    for _ in range(3):
        due()
    # 2 savepoints, due, people, programme, locks, places, claim, rows, campaigns, surveys, questions
    with django_assert_num_queries(12):
        batch = deliveries.claim(limit=3, at=now)
    with django_assert_num_queries(0):
        for delivery in batch:
            invitations.compose(delivery=delivery, program=Program())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"email": ""}, SuppressionReason.NO_EMAIL),
        ({"closed_at": "2026-01-01T00:00Z"}, SuppressionReason.CLOSED),
        ({}, SuppressionReason.NO_CONSENT),
    ],
)
def test_claim_reads_again_who_may_be_asked(due, send, mail_server, change, reason, now):
    barred, other = due(), due()
    if change:
        Customer.objects.filter(pk=barred.customer_id).update(**change)
    else:
        consents.withdraw(customer=barred.customer, purpose=Purpose.SURVEY_EMAIL, by=BY, at=now)
    assert send() == 1
    assert mail_server.recipients == [address(other)]
    assert outcome(barred)[0] == DeliveryState.SUPPRESSED
    assert (barred.reason, barred.settled_at, barred.lease_token) == (reason, now, None)


def test_claim_goes_on_when_a_whole_batch_is_suppressed(due, now):
    barred = [due() for _ in range(3)]
    Customer.objects.filter(deliveries__in=barred).update(email="")
    left = due()
    assert deliveries.claim(limit=2, at=now) == [left]
    assert deliveries.claim(limit=2, at=now) == []


@pytest.fixture
def claimed(due, now):
    due()
    return deliveries.claim(limit=1, at=now)[0]


def transmit(delivery, now):
    with mail.get_connection() as mailer:
        return deliveries.transmit(delivery=delivery, mailer=mailer, program=Program(), clock=lambda: now)


def test_unsubscribing_after_the_claim_still_stops_the_mail(claimed, mail_server, now):
    consents.withdraw(customer=claimed.customer, purpose=Purpose.SURVEY_EMAIL, by=BY, at=now)
    assert transmit(claimed, now) is None
    assert mail_server.taken == []


@pytest.mark.parametrize("verb", [campaigns.pause, campaigns.cancel])
def test_pausing_and_cancelling_after_the_claim_still_stop_the_mail(claimed, sending, mail_server, verb, now):
    verb(campaign=sending, by=BY, at=now)
    assert transmit(claimed, now) is None
    assert mail_server.taken == []


def test_lease_that_ended_keeps_a_slow_worker_from_sending(claimed, mail_server, now):
    assert transmit(claimed, now + deliveries.LEASE) is None
    assert deliveries.reconcile(at=now + deliveries.LEASE) == 1
    assert transmit(claimed, now) is None
    assert mail_server.taken == []


def test_lease_that_ended_while_sending_keeps_what_was_found_out(claimed, mail_server, now, monkeypatch):
    hand_over = mail_replies.hand_over

    def slowly(message, mailer):
        deliveries.reconcile(at=now + deliveries.LEASE)
        return hand_over(message, mailer)

    monkeypatch.setattr(mail_replies, "hand_over", slowly)
    assert transmit(claimed, now) is None
    assert outcome(claimed) == (DeliveryState.UNCERTAIN, "")


def test_reconcile_leaves_living_leases_alone(claimed, now):
    assert deliveries.reconcile(at=now + deliveries.LEASE - timedelta(seconds=1)) == 0
    assert outcome(claimed)[0] == DeliveryState.CLAIMED


@pytest.mark.django_db(transaction=True)
def test_reconcile_does_not_wait_for_a_campaign_that_is_being_cancelled(claimed, sending, now):
    with deliveries.transaction.atomic():
        campaigns.cancel(campaign=sending, by=BY, at=now)
        [found] = at_once(lambda: deliveries.reconcile(at=now + deliveries.LEASE))
    assert found == 0
    assert outcome(claimed)[0] == DeliveryState.SUPPRESSED


def test_reconcile_settles_by_whether_the_mail_had_begun_to_leave(due, now):
    claimed, begun = due(), due()
    for row, state in ((claimed, DeliveryState.CLAIMED), (begun, DeliveryState.TRANSMITTING)):
        Delivery.objects.filter(pk=row.pk).update(state=state, lease_token=uuid.uuid4(), lease_expires_at=now)
    assert deliveries.reconcile(at=now) == 2
    assert outcome(claimed)[0] == DeliveryState.PENDING
    assert outcome(begun)[0] == DeliveryState.UNCERTAIN
    assert (begun.settled_at, begun.lease_token, claimed.settled_at) == (now, None, None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_mail_once(due, send, mail_server):
    rows = [due() for _ in range(60)]
    mail_server.seconds_per_mail = 0.005
    sent = at_once(send, send)
    assert sum(sent) == 60
    assert min(sent) > 0
    assert Counter(mail_server.recipients) == Counter(address(row) for row in rows)


@pytest.mark.django_db(transaction=True)
def test_campaign_paused_while_workers_send_stops_within_a_mail_each(due, sending, send, mail_server, now):
    for _ in range(60):
        due()
    mail_server.seconds_per_mail = 0.02

    def pause():
        while len(mail_server.taken) < 10:
            threading.Event().wait(0.005)
        campaigns.pause(campaign=sending, by=BY, at=now)
        return len(mail_server.taken)

    taken_at_pause = at_once(send, send, pause)[2]
    assert 10 <= taken_at_pause <= len(mail_server.taken) <= taken_at_pause + 2
    states = Counter(Delivery.objects.values_list("state", flat=True))
    assert states == {
        DeliveryState.ACCEPTED: len(mail_server.taken),
        DeliveryState.PENDING: 60 - len(mail_server.taken),
    }


@pytest.mark.django_db(transaction=True)
def test_begin_waits_for_a_reconciler_and_then_leaves_the_row_alone(claimed, now):
    """A guard that PostgreSQL does not look at again after waiting for the lock would send the mail twice."""
    begun = []
    late = threading.Thread(target=lambda: (begun.append(deliveries._begin(claimed, at=now)), connection.close()))
    with deliveries.transaction.atomic():
        Delivery.objects.filter(pk=claimed.pk).update(
            state=DeliveryState.PENDING, lease_token=None, lease_expires_at=None
        )
        late.start()
        late.join(0.5)
        assert late.is_alive()
    late.join(10)
    assert begun == [False]
    assert outcome(claimed)[0] == DeliveryState.PENDING


def test_send_refuses_to_run_inside_a_transaction(due, mail_server, now):
    """The claim must be committed before the network is touched."""
    with pytest.raises(RuntimeError, match="durable"), deliveries.transaction.atomic():
        deliveries.claim(limit=1, at=now)


def test_customer_who_got_as_many_mails_as_one_may_is_not_asked(due, send, mail_server, now):
    ProgramFactory(mail_max=1, mail_days=7)
    tired, fresh = due(), due()
    contacts.reserve(customer=tired.customer, reference="mailing:1", limit=None, days=7, at=now - timedelta(days=6))
    assert send() == 1
    tired.refresh_from_db()
    assert (tired.state, tired.reason) == (DeliveryState.SUPPRESSED, SuppressionReason.TOO_MANY)
    assert mail_server.recipients == [fresh.customer.email]
    assert Contact.objects.filter(customer=fresh.customer).count() == 1


def test_mail_that_was_refused_for_good_takes_no_place(due, send, mail_server, now):
    ProgramFactory(mail_max=1, mail_days=7)
    refused = due()
    mail_server.at_recipient[refused.customer.email] = "550 5.1.1 no such user"
    assert send() == 0
    assert not Contact.objects.exists()
