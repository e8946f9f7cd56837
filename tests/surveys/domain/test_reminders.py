"""Reminders: to those who got the mail and did not answer, at most two, and to the same page."""

from datetime import timedelta

import pytest
from django.core import mail

from rewards.models import Program
from surveys.domain import campaigns, deliveries, recipients, responses
from surveys.models import Campaign, CampaignState, Delivery, DeliveryState, SuppressionReason, SurveyResponse

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def reminding(sending):
    Campaign.objects.update(reminders=2, reminder_days=3)
    sending.refresh_from_db()
    return sending


def accept(delivery, at):
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.ACCEPTED, settled_at=at)


def answer(delivery, at):
    SurveyResponse.objects.create(
        survey=delivery.campaign.survey, delivery=delivery, customer=delivery.customer, language="en", submitted_at=at
    )


def tick(at):
    campaigns.materialize_due(at=at)
    campaigns.settle_states(at=at)


def reminders(customer):
    rows = Delivery.objects.filter(customer=customer, touch__gt=1).order_by("touch")
    return list(rows.values_list("touch", "state", "reason"))


def test_reminders_come_after_their_days_twice_and_lead_to_the_same_page(reminding, due, send, mailoutbox, now):
    first = due()
    send(at=now)
    tick(now + 3 * DAY - HOUR)
    assert reminders(first.customer) == []
    for days in (3, 6, 9, 12):
        tick(now + days * DAY)
        tick(now + days * DAY)
        send(at=now + days * DAY)
    assert [touch for touch, _state, _reason in reminders(first.customer)] == [2, 3]
    assert len(mailoutbox) == 3
    assert all(responses.token_for(first) in message.body for message in mailoutbox)
    assert len({message.extra_headers["Message-ID"] for message in mailoutbox}) == 3
    for row in Delivery.objects.all():
        assert responses.read_token(responses.token_for(row)) == first


def test_no_reminder_for_who_answered_or_never_got_it(reminding, due, now):
    answered, bounced, silent = due(), due(), due()
    for delivery in (answered, silent):
        accept(delivery, now)
    Delivery.objects.filter(pk=bounced.pk).update(state=DeliveryState.REJECTED, settled_at=now)
    answer(answered, now + DAY)
    tick(now + 3 * DAY)
    assert list(Delivery.objects.filter(touch=2).values_list("reminds", flat=True)) == [silent.pk]


def test_no_reminder_for_who_answered_anonymously(reminding, due, now):
    first = due()
    accept(first, now)
    Delivery.objects.update(answered_on=now.date())
    tick(now + 3 * DAY)
    assert reminders(first.customer) == []


def test_answered_meanwhile_is_not_claimed(reminding, due, now):
    first = due()
    accept(first, now)
    tick(now + 3 * DAY)
    answer(first, now + 3 * DAY)
    assert deliveries.claim(limit=10, at=now + 3 * DAY) == []
    campaigns.settle_states(at=now + 3 * DAY)
    assert reminders(first.customer) == [(2, DeliveryState.SUPPRESSED, SuppressionReason.ANSWERED)]


def test_answered_after_the_claim_does_not_leave(reminding, due, now):
    first = due()
    accept(first, now)
    at = now + 3 * DAY
    tick(at)
    (claimed,) = deliveries.claim(limit=10, at=at)
    answer(first, at)
    with mail.get_connection() as mailer:
        assert deliveries.transmit(delivery=claimed, mailer=mailer, program=Program(), clock=lambda: at) is None
    assert mail.outbox == []


def test_reminder_that_was_missed_for_long_is_left_out(reminding, due, now):
    first = due()
    accept(first, now)
    tick(now + 3 * DAY + recipients.LATE_AFTER)
    assert reminders(first.customer) == []


def test_campaign_is_over_when_no_reminder_can_come(reminding, due, now):
    first = due()
    accept(first, now)
    found = []
    for days in (0, 3, 4, 6, 7, 10):
        tick(now + days * DAY)
        Delivery.objects.filter(state=DeliveryState.PENDING).update(
            state=DeliveryState.ACCEPTED, settled_at=now + days * DAY
        )
        reminding.refresh_from_db()
        found.append(reminding.state)
    assert found == [CampaignState.SENDING] * 4 + [CampaignState.COMPLETED] * 2
    assert [touch for touch, _state, _reason in reminders(first.customer)] == [2, 3]


def test_reminders_are_written_some_at_a_time(reminding, due, now, monkeypatch):
    monkeypatch.setattr(recipients, "CHUNK", 2)
    for _n in range(5):
        accept(due(), now)
    tick(now + 3 * DAY)
    assert Delivery.objects.filter(touch=2).count() == 5
