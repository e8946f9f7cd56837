"""Campaigns that ask again and again, or after each purchase: what each tick of the timetable writes down."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction

from loyalty_site.lib import actors
from rewards.models import Arm, Assignment, ExperimentKind
from surveys.domain import campaigns, recipients, surveys
from surveys.models import (
    CampaignState,
    CampaignTrigger,
    Delivery,
    DeliveryState,
    Interval,
    Occurrence,
    OccurrenceState,
    SuppressionReason,
)
from tests.factories.customers import CustomerFactory, PurchaseFactory, StoreFactory
from tests.factories.rewards import ExperimentFactory
from tests.factories.surveys import CampaignFactory, DeliveryFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
BY = actors.user(7)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def schedule(campaign, now):
    return campaigns.schedule(
        campaign=campaign, start_date=now.date(), start_time=now.time(), timezone="UTC", by=BY, at=now
    )


@pytest.fixture
def daily(survey, now):
    def make(**fields):
        terms = {"trigger": CampaignTrigger.RECURRING, "every": 1, "interval": Interval.DAY}
        return schedule(CampaignFactory(survey=survey, **(terms | fields)), now)

    return make


@pytest.fixture
def after_purchase(survey, now):
    def make(stores=(), **fields):
        terms = {"trigger": CampaignTrigger.AFTER_PURCHASE, "delay_hours": 2}
        campaign = CampaignFactory(survey=survey, **(terms | fields))
        campaign.stores.set(stores)
        return schedule(campaign, now)

    return make


def tick(at):
    campaigns.materialize_due(at=at)
    campaigns.settle_states(at=at)


def asked(campaign):
    return Counter(Delivery.objects.filter(campaign=campaign).values_list("customer", flat=True))


def reasons(campaign):
    return Counter(Delivery.objects.filter(campaign=campaign).values_list("reason", flat=True))


def test_recurring_campaign_asks_each_day_and_goes_on(daily, willing, now):
    campaign, first = daily(), willing()
    for hours in range(0, 73, 12):
        tick(now + hours * HOUR)
        if hours == 36:
            later = willing()
    assert asked(campaign) == {first.pk: 4, later.pk: 2}
    occurrences = list(campaign.occurrences.order_by("local_date").values_list("local_date", "due_at", "state"))
    assert occurrences == [(now.date() + n * DAY, now + n * DAY, OccurrenceState.CHOSEN) for n in range(4)]
    campaign.refresh_from_db()
    assert (campaign.state, campaign.finished_at) == (CampaignState.SENDING, None)


def test_recurring_campaign_leaves_out_days_that_were_missed_for_long(daily, willing, now):
    campaign, customer = daily(), willing()
    tick(now)
    tick(now + 5 * DAY - HOUR)
    states = campaign.occurrences.order_by("local_date").values_list("state", flat=True)
    late, chosen = OccurrenceState.LATE, OccurrenceState.CHOSEN
    assert list(states) == [chosen, late, late, late, chosen]
    assert asked(campaign) == {customer.pk: 2}


def test_recurring_campaign_that_was_half_chosen_goes_on_in_time_and_is_late_after(daily, willing, now, monkeypatch):
    monkeypatch.setattr(recipients, "CHUNK", 2)
    campaign, people = daily(), [willing() for _ in range(5)]
    began = {"campaign": campaign, "local_date": now.date(), "due_at": now, "began_at": now}
    Occurrence.objects.create(**began, reached=people[1].pk)
    tick(now + recipients.LATE_AFTER + HOUR)
    first = Delivery.objects.filter(occurrence__local_date=now.date())
    assert list(first.order_by("customer").values_list("customer", "reason")) == [
        (person.pk, SuppressionReason.LATE) for person in people[2:]
    ]
    assert Delivery.objects.filter(occurrence__local_date=now.date() + DAY, state=DeliveryState.PENDING).count() == 5


def test_chunks_ask_everybody_once(daily, willing, now, monkeypatch):
    monkeypatch.setattr(recipients, "CHUNK", 3)
    people = [willing() for _ in range(7)] + [willing(email="")]
    CustomerFactory(closed_at=now)
    campaign = daily()
    tick(now)
    assert asked(campaign) == dict.fromkeys((person.pk for person in people), 1)
    assert reasons(campaign) == {"": 7, SuppressionReason.NO_EMAIL: 1}


def test_recurring_campaign_ends_after_its_last_day(daily, willing, now):
    campaign, customer = daily(end_date=now.date() + DAY), willing()
    for day, state in enumerate([CampaignState.SENDING, CampaignState.SENDING, CampaignState.COMPLETED]):
        tick(now + day * DAY)
        campaign.refresh_from_db()
        assert campaign.state == state
        Delivery.objects.update(state=DeliveryState.ACCEPTED)
    assert asked(campaign) == {customer.pk: 2}
    assert campaign.finished_at == now + 2 * DAY


def test_recurring_campaign_is_over_with_its_survey(daily, willing, survey, now):
    campaign, customer = daily(), willing()
    tick(now)
    surveys.close(survey=survey, by=BY, at=now + HOUR)
    tick(now + DAY)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.CANCELLED
    assert asked(campaign) == {customer.pk: 1}


def test_paused_campaign_asks_nobody_and_makes_good_one_day(daily, willing, now):
    campaign, customer = daily(), willing()
    tick(now)
    campaigns.pause(campaign=campaign, by=BY, at=now)
    tick(now + 3 * DAY)
    assert asked(campaign) == {customer.pk: 1}
    campaigns.resume(campaign=campaign, by=BY, at=now)
    tick(now + 3 * DAY)
    assert asked(campaign) == {customer.pk: 3}  # the day of now, and the one that is 24 hours old


def test_schedule_refuses_a_last_day_before_the_first(survey, now):
    campaign = CampaignFactory(
        survey=survey, trigger=CampaignTrigger.AFTER_PURCHASE, delay_hours=1, end_date=now.date() - DAY
    )
    with pytest.raises(campaigns.EndBeforeStart):
        schedule(campaign, now)


@pytest.mark.django_db(transaction=True)
def test_three_beats_at_once_ask_each_customer_once(daily, after_purchase, willing, now, monkeypatch):
    monkeypatch.setattr(recipients, "CHUNK", 2)
    people = [willing() for _ in range(5)]
    for person in people:
        PurchaseFactory(customer=person, purchased_at=now)
    campaign, following = daily(), after_purchase()
    for _round in range(3):
        at_once(*[lambda: campaigns.materialize_due(at=now + DAY)] * 3)
    assert asked(campaign) == dict.fromkeys((person.pk for person in people), 2)
    assert asked(following) == dict.fromkeys((person.pk for person in people), 1)


def test_purchase_is_asked_about_when_its_hours_are_over(after_purchase, willing, now):
    campaign, buyer = after_purchase(), willing()
    purchase = PurchaseFactory(customer=buyer, purchased_at=now + HOUR)
    PurchaseFactory(customer=buyer, purchased_at=now - HOUR)  # before the campaign began
    PurchaseFactory(customer=None, purchased_at=now + HOUR)
    tick(now + 3 * HOUR - timedelta(seconds=1))
    assert not asked(campaign)
    for hours in (3, 4, 5):
        tick(now + hours * HOUR)
    row = Delivery.objects.get(campaign=campaign)
    assert (row.purchase, row.customer, row.occurrence, row.not_before) == (purchase, buyer, None, now + 3 * HOUR)
    PurchaseFactory(customer=buyer, purchased_at=now + 4 * HOUR)
    tick(now + 6 * HOUR)
    assert asked(campaign) == {buyer.pk: 2}


def test_purchase_that_is_told_late_is_asked_about_within_a_day(after_purchase, willing, now):
    campaign, buyer = after_purchase(), willing()
    tick(now + 10 * DAY)
    at = now + 20 * DAY
    for hours in (2, 25, 27, 100):
        PurchaseFactory(customer=buyer, purchased_at=at - hours * HOUR)
    tick(at - 10 * timedelta(minutes=1))  # so the next tick looks back a day only
    tick(at)
    assert reasons(campaign) == {"": 2, SuppressionReason.LATE: 2}


def test_late_is_kept_for_purchases_that_no_tick_saw(after_purchase, willing, now):
    campaign, buyer = after_purchase(), willing()
    tick(now)
    for day in range(5):
        PurchaseFactory(customer=buyer, purchased_at=now + day * DAY)
    tick(now + 4 * DAY + 3 * HOUR)
    assert reasons(campaign) == {"": 1, SuppressionReason.LATE: 4}
    PurchaseFactory(customer=buyer, purchased_at=now + DAY)  # told days later
    tick(now + 4 * DAY + 4 * HOUR)
    assert sum(reasons(campaign).values()) == 5


def test_purchases_of_the_campaigns_stores_count(after_purchase, willing, now):
    here, there = StoreFactory(), StoreFactory()
    campaign, buyer = after_purchase(stores=[here]), willing(home_store=there)
    PurchaseFactory(customer=buyer, store=here, purchased_at=now)
    PurchaseFactory(customer=buyer, store=there, purchased_at=now)
    tick(now + 3 * HOUR)
    assert [row.purchase.store for row in Delivery.objects.filter(campaign=campaign)] == [here]


def test_purchases_are_taken_some_at_a_time_with_their_reasons(after_purchase, willing, now, monkeypatch):
    monkeypatch.setattr(recipients, "CHUNK", 2)
    campaign = after_purchase()
    for person in (willing(), willing(), willing(email=""), CustomerFactory(), willing()):
        PurchaseFactory(customer=person, purchased_at=now)
    tick(now + 3 * HOUR)
    assert reasons(campaign) == {"": 3, SuppressionReason.NO_EMAIL: 1, SuppressionReason.NO_CONSENT: 1}


def test_who_is_held_out_of_a_standing_campaign_stays_so(after_purchase, willing, now):
    experiment = ExperimentFactory(kind=ExperimentKind.CAMPAIGN, holdout_percent=50)
    campaign, people = after_purchase(experiment=experiment), [willing() for _ in range(20)]
    for hours in (0, 5):
        for person in people:
            PurchaseFactory(customer=person, purchased_at=now + hours * HOUR)
        tick(now + (hours + 2) * HOUR)
    held = set(Assignment.objects.filter(arm=Arm.HOLDOUT).values_list("customer", flat=True))
    assert 0 < len(held) < 20
    rows = Delivery.objects.filter(campaign=campaign)
    assert Counter(rows.filter(reason=SuppressionReason.HELD_OUT).values_list("customer", flat=True)) == (
        dict.fromkeys(held, 2)
    )


def test_campaign_after_purchases_ends_when_the_last_ones_were_asked_about(after_purchase, willing, now):
    campaign, buyer = after_purchase(end_date=now.date(), delay_hours=48), willing()
    PurchaseFactory(customer=buyer, purchased_at=now)
    midnight = datetime.combine(now.date() + DAY, time(), tzinfo=UTC)
    PurchaseFactory(customer=buyer, purchased_at=midnight)
    tick(midnight + 48 * HOUR)
    Delivery.objects.update(state=DeliveryState.ACCEPTED)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    tick(midnight + 72 * HOUR)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.COMPLETED
    assert asked(campaign) == {buyer.pk: 1}


def test_languages_choose(daily, willing, now):
    wanted, _other = willing(language="zh-hans"), willing(language="en")
    campaign = daily(languages=["zh-hans"])
    tick(now)
    assert asked(campaign) == {wanted.pk: 1}


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"occurrence": None}, "delivery_of_an_occurrence_or_a_purchase"),
        ({"purchase": True}, "delivery_of_an_occurrence_or_a_purchase"),
        ({"touch": 2}, "delivery_reminder_says_of_what"),
        ({"reminds": True}, "delivery_reminder_says_of_what"),
        ({"touch": 4, "reminds": True}, "delivery_reminder_says_of_what"),
    ],
)
def test_database_knows_what_a_mail_is_about(sending, now, fields, rule):
    known = {"purchase": PurchaseFactory, "reminds": lambda: DeliveryFactory(campaign=sending)}
    values = {name: known[name]() if value is True else value for name, value in fields.items()}
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        DeliveryFactory(campaign=sending, **values)


@pytest.mark.parametrize(
    "terms",
    [
        {"trigger": "DATE", "delay_hours": 1},
        {"trigger": "DATE", "end_date": date(2026, 6, 1)},
        {"trigger": "AFTER_PURCHASE"},
        {"trigger": "RECURRING", "every": 1},
        {"trigger": "RECURRING", "every": 0, "interval": "DAY"},
    ],
)
def test_database_demands_the_terms_of_a_trigger(terms):
    with pytest.raises(IntegrityError, match="campaign_trigger_says_its_terms"), transaction.atomic():
        CampaignFactory(**terms)
