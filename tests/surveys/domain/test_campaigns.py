from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import SegmentMember
from loyalty_site.lib import actors
from rewards.domain.experiments import arm_of
from rewards.models import Arm, Assignment, ExperimentKind
from surveys.domain import audience as audience_of
from surveys.domain import campaigns
from surveys.models import (
    Campaign,
    CampaignState,
    Delivery,
    DeliveryState,
    Occurrence,
    SuppressionReason,
)
from tests.factories.customers import ConsentFactory, CustomerFactory, PurchaseFactory, SegmentFactory, StoreFactory
from tests.factories.rewards import ExperimentFactory
from tests.factories.surveys import CampaignFactory, DeliveryFactory, SurveyFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
BY = actors.user(7)


def schedule(campaign, now, *, on=date(2026, 6, 1), clock=time(9), timezone="UTC"):
    return campaigns.schedule(campaign=campaign, start_date=on, start_time=clock, timezone=timezone, by=BY, at=now)


@pytest.fixture
def audience(willing):
    """Three who may be asked, and one for each reason not to be."""
    asked = [willing(), willing(), willing()]
    unasked = {
        SuppressionReason.NO_EMAIL: willing(email=""),
        SuppressionReason.NO_CONSENT: CustomerFactory(),
    }
    ConsentFactory(customer=unasked[SuppressionReason.NO_CONSENT], purpose="marketing_email")
    return asked, unasked


@pytest.fixture
def scheduled(survey, now):
    return schedule(CampaignFactory(survey=survey), now, on=now.date(), clock=now.time())


def states(campaign):
    return dict(Delivery.objects.filter(campaign=campaign).values_list("customer_id", "state"))


def test_schedule_keeps_the_clock_and_the_instant(survey, now):
    campaign = schedule(CampaignFactory(survey=survey), now, timezone="Asia/Shanghai")
    assert campaign.state == CampaignState.SCHEDULED
    assert (campaign.start_date, campaign.start_time) == (date(2026, 6, 1), time(9))
    assert campaign.starts_at == datetime(2026, 6, 1, 1, tzinfo=UTC)
    assert campaign.scheduled_by == "user:7"


def test_schedule_again_moves_the_start(scheduled, now):
    assert schedule(scheduled, now).starts_at == datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_schedule_allows_this_minute_and_refuses_the_one_before(survey, now):
    late = now + timedelta(seconds=59)
    assert schedule(CampaignFactory(survey=survey), late, on=now.date(), clock=time(10, 30)).starts_at == now
    with pytest.raises(campaigns.StartInThePast):
        schedule(CampaignFactory(survey=survey), now, on=now.date(), clock=time(10, 29))


@pytest.mark.parametrize("field", ["published_at", "closed_at"])
def test_schedule_refuses_a_survey_that_is_not_open(now, field):
    survey = SurveyFactory(**{"published_at": now} | {field: None if field == "published_at" else now})
    with pytest.raises(campaigns.SurveyNotOpen):
        schedule(CampaignFactory(survey=survey), now)


def test_schedule_refuses_a_campaign_that_sends(sending, now):
    with pytest.raises(campaigns.WrongCampaignState) as refusal:
        schedule(sending, now)
    assert str(refusal.value) == "That is not possible now: the campaign is in the state “sending”."


def test_preflight_counts_by_reason_in_two_queries(audience, survey, now):
    campaign = CampaignFactory(survey=survey)
    with CaptureQueriesContext(connection) as queries:
        found = audience_of.preflight(campaign=campaign, at=now)
    assert len(queries) == 2
    assert found == audience_of.Preflight(
        total=5, will_send=3, reasons={SuppressionReason.NO_EMAIL: 1, SuppressionReason.NO_CONSENT: 1}
    )


def test_preflight_leaves_out_who_left_the_programme(willing, survey, now):
    willing(closed_at=now)
    found = audience_of.preflight(campaign=CampaignFactory(survey=survey), at=now)
    assert found == audience_of.Preflight(total=0, will_send=0, reasons={})


def test_audience_is_of_the_stores(willing, survey, now):
    store, other = StoreFactory(), StoreFactory()
    willing(home_store=store)
    willing(home_store=other)
    willing()
    campaign = CampaignFactory(survey=survey)
    campaign.stores.add(store)
    assert audience_of.preflight(campaign=campaign, at=now).will_send == 1


def test_audience_bought_lately(willing, survey, now):
    for days in (-1, 3, 7, 8):
        PurchaseFactory(customer=willing(), purchased_at=now - timedelta(days=days))
    campaign = CampaignFactory(survey=survey, bought_within_days=7)
    assert audience_of.preflight(campaign=campaign, at=now).will_send == 2


def test_materialize_writes_a_delivery_for_each_with_the_reason(audience, scheduled, now):
    asked, unasked = audience
    assert campaigns.materialize_due(at=now) == 1
    scheduled.refresh_from_db()
    assert (scheduled.state, scheduled.materialized_at) == (CampaignState.SENDING, now)
    pending = Delivery.objects.filter(campaign=scheduled, state=DeliveryState.PENDING)
    assert list(pending.order_by("customer").values_list("customer", "not_before", "settled_at")) == [
        (customer.pk, now, None) for customer in asked
    ]
    suppressed = Delivery.objects.filter(campaign=scheduled, state=DeliveryState.SUPPRESSED)
    assert {row.reason: row.customer for row in suppressed} == unasked
    assert {row.settled_at for row in suppressed} == {now}


def test_materialize_waits_for_the_time(audience, scheduled, now):
    assert campaigns.materialize_due(at=now - timedelta(seconds=1)) == 0
    assert not Delivery.objects.exists()


def test_materialize_twice_adds_nobody(audience, scheduled, willing, now):
    campaigns.materialize_due(at=now)
    willing()
    assert campaigns.materialize_due(at=now) == 0
    assert Delivery.objects.count() == 5


def test_materialize_finishes_what_a_killed_worker_began(audience, scheduled, now):
    Campaign.objects.update(state=CampaignState.MATERIALIZING, materialized_at=now)
    begun = Occurrence.objects.create(
        campaign=scheduled, local_date=now.date(), due_at=now, began_at=now, reached=audience[0][0].pk
    )
    DeliveryFactory(
        campaign=scheduled, occurrence=begun, customer=audience[0][0], state=DeliveryState.ACCEPTED, not_before=now
    )
    assert campaigns.materialize_due(at=now + timedelta(hours=1)) == 1
    assert Delivery.objects.count() == 5
    assert states(scheduled)[audience[0][0].pk] == DeliveryState.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_materialize_by_three_beats_at_once_asks_each_customer_once(audience, survey, now):
    for _ in range(4):
        schedule(CampaignFactory(survey=survey), now, on=now.date(), clock=now.time())
    done = at_once(*[lambda: campaigns.materialize_due(at=now)] * 3)
    campaigns.materialize_due(at=now)
    assert sum(done) == 4
    assert Delivery.objects.count() == 4 * 5
    assert set(Campaign.objects.values_list("state", flat=True)) == {CampaignState.SENDING}


def test_pause_and_resume(sending, now):
    assert campaigns.pause(campaign=sending, by=BY, at=now).state == CampaignState.PAUSED
    with pytest.raises(campaigns.WrongCampaignState):
        campaigns.pause(campaign=sending, by=BY, at=now)
    assert campaigns.resume(campaign=sending, by=BY, at=now).state == CampaignState.SENDING
    with pytest.raises(campaigns.WrongCampaignState):
        campaigns.resume(campaign=sending, by=BY, at=now)


def test_cancel_stops_what_has_not_left(due, sending, now):
    waiting, deferred, leaving, left = due(), due(), due(), due()
    Delivery.objects.filter(pk=deferred.pk).update(state=DeliveryState.DEFERRED)
    Delivery.objects.filter(pk=leaving.pk).update(
        state=DeliveryState.TRANSMITTING, lease_token="a" * 32, lease_expires_at=now
    )
    Delivery.objects.filter(pk=left.pk).update(state=DeliveryState.ACCEPTED)
    cancelled = campaigns.cancel(campaign=sending, by=BY, at=now)
    assert (cancelled.state, cancelled.finished_at) == (CampaignState.CANCELLED, now)
    assert states(sending) == {
        waiting.customer_id: DeliveryState.SUPPRESSED,
        deferred.customer_id: DeliveryState.SUPPRESSED,
        leaving.customer_id: DeliveryState.TRANSMITTING,
        left.customer_id: DeliveryState.ACCEPTED,
    }


def test_cancel_before_the_start_asks_nobody(audience, scheduled, now):
    campaigns.cancel(campaign=scheduled, by=BY, at=now)
    campaigns.materialize_due(at=now)
    assert not Delivery.objects.exists()


def test_cancel_is_final(scheduled, now):
    campaigns.cancel(campaign=scheduled, by=BY, at=now)
    for verb in (campaigns.cancel, campaigns.pause, campaigns.resume):
        with pytest.raises(campaigns.WrongCampaignState):
            verb(campaign=scheduled, by=BY, at=now)


def test_settle_drops_what_was_put_off_after_the_cancellation(due, sending, now):
    delivery = due()
    Campaign.objects.update(state=CampaignState.CANCELLED)
    Delivery.objects.update(state=DeliveryState.DEFERRED)
    campaigns.settle_states(at=now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.settled_at) == (
        DeliveryState.SUPPRESSED,
        SuppressionReason.CANCELLED,
        now,
    )


@pytest.mark.parametrize(
    ("settled", "final"),
    [
        ([], CampaignState.COMPLETED),
        (["ACCEPTED", "ACCEPTED"], CampaignState.COMPLETED),
        (["ACCEPTED", "REJECTED"], CampaignState.COMPLETED),
        (["ACCEPTED", "UNCERTAIN"], CampaignState.NEEDS_ATTENTION),
        (["UNCERTAIN", "DEFERRED"], CampaignState.SENDING),
        (["ACCEPTED", "PENDING"], CampaignState.SENDING),
    ],
)
def test_settle_derives_the_state_from_the_deliveries(due, sending, now, settled, final):
    for state in settled:
        delivery = due()
        Delivery.objects.filter(pk=delivery.pk).update(state=state)
    campaigns.settle_states(at=now)
    sending.refresh_from_db()
    assert (sending.state, sending.finished_at) == (final, None if final == CampaignState.SENDING else now)


def test_settle_completes_what_a_person_has_looked_at(due, sending, now):
    due()
    Delivery.objects.update(state=DeliveryState.UNCERTAIN)
    assert campaigns.settle_states(at=now) == 1
    assert campaigns.settle_states(at=now) == 0
    Delivery.objects.update(state=DeliveryState.ACCEPTED)
    assert campaigns.settle_states(at=now + timedelta(hours=1)) == 1
    sending.refresh_from_db()
    assert (sending.state, sending.finished_at) == (CampaignState.COMPLETED, now)


def test_hold_out_is_chosen_by_chance_written_down_first_and_not_asked(willing, survey, now):
    people = [willing() for _ in range(40)] + [CustomerFactory()]
    experiment = ExperimentFactory(kind=ExperimentKind.CAMPAIGN, holdout_percent=50)
    campaign = schedule(CampaignFactory(survey=survey, experiment=experiment), now, on=now.date(), clock=now.time())
    assert campaigns.materialize_due(at=now) == 1
    arms = dict(Assignment.objects.values_list("customer_id", "arm"))
    expected = {
        person.pk: arm_of(salt=experiment.salt, holdout_percent=50, customer_id=person.pk) for person in people[:40]
    }
    assert arms == expected
    assert set(Assignment.objects.values_list("assigned_at", "occasion")) == {(now, f"campaign:{campaign.pk}")}
    held_out = Delivery.objects.filter(reason=SuppressionReason.HELD_OUT).values_list("customer_id", flat=True)
    assert set(held_out) == {pk for pk, arm in expected.items() if arm == Arm.HOLDOUT}
    assert 5 < len(held_out) < 35
    pending = Delivery.objects.filter(state=DeliveryState.PENDING).values_list("customer_id", flat=True)
    assert set(pending) == {pk for pk, arm in expected.items() if arm == Arm.TREATED}


def test_segment_chooses_its_members(willing, survey, now):
    vip, asked, _other = SegmentFactory(), willing(), willing()
    SegmentMember.objects.create(segment=vip, customer=asked, since=now)
    campaign = CampaignFactory(survey=survey, segment=vip)
    assert audience_of.preflight(campaign=campaign, at=now).total == 1
