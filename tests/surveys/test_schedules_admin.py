"""When a campaign asks, as staff type it and as its pages tell it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from customers.domain import consents
from customers.models import Purpose
from loyalty_site.lib import actors
from rewards.models import Experiment
from surveys.models import Campaign, CampaignState, CampaignTrigger, Occurrence, OccurrenceState
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.surveys import CampaignFactory, SurveyFactory
from tests.loyalty_site import rows
from tests.surveys.admin_forms import act

pytestmark = pytest.mark.django_db
ADD = "/admin/surveys/campaign/add/"
RECURRING = {"trigger": "RECURRING", "every": 2, "interval": "WEEK"}


def typed(**fields):
    told = {"name": "Ask", "survey": SurveyFactory().pk, "trigger": "DATE", "reminders": 0, "reminder_days": 3}
    return {**told, "holdout_percent": 0, **fields}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, ("DATE", None, None, "", None, [])),
        (
            {"trigger": "DATE", "delay_hours": 3, "every": 2, "interval": "DAY", "end_date": "2030-01-01"},
            ("DATE", None, None, "", None, []),
        ),
        ({"trigger": "AFTER_PURCHASE", "delay_hours": 3, "every": 1}, ("AFTER_PURCHASE", 3, None, "", None, [])),
        (
            {**RECURRING, "end_date": "2030-01-01", "languages": ["zh-hans"]},
            ("RECURRING", None, 2, "WEEK", date(2030, 1, 1), ["zh-hans"]),
        ),
    ],
)
def test_trigger_keeps_its_own_fields(staff, fields, kept):
    staff.post(ADD, typed(**fields))
    names = ("trigger", "delay_hours", "every", "interval", "end_date", "languages")
    assert Campaign.objects.values_list(*names).get() == kept


def test_draft_that_has_no_hold_out_yet_gets_one(staff):
    draft = CampaignFactory(experiment=None)
    for percent in (20, 30):
        staff.post(
            f"/admin/surveys/campaign/{draft.pk}/change/", typed(survey=draft.survey_id, holdout_percent=percent)
        )
        draft.refresh_from_db()
        assert draft.experiment.holdout_percent == percent
    assert Experiment.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"trigger": "AFTER_PURCHASE"}, {"delay_hours"}),
        ({"trigger": "RECURRING"}, {"every", "interval"}),
        ({"trigger": "RECURRING", "every": 0, "interval": "DAY"}, {"every"}),
        ({"trigger": "SOMETIMES"}, {"trigger"}),
        ({"languages": ["tlh"]}, {"languages"}),
        ({"reminders": 3}, {"reminders"}),
        ({"reminder_days": 0}, {"reminder_days"}),
    ],
)
def test_what_a_trigger_lacks_is_told_beside_its_field(staff, fields, missing):
    answer = staff.post(ADD, typed(**fields))
    assert set(answer.context["adminform"].form.errors) == missing
    assert not Campaign.objects.exists()


def test_recurring_campaign_is_never_just_now(staff):
    campaign = CampaignFactory(**RECURRING)
    answer = staff.post(act(campaign, "schedule"), {"when": "now", "timezone": "UTC"})
    assert "when" in answer.context["form"].errors
    later = {"when": "later", "start_date": "2030-03-01", "start_time": "09:00", "timezone": "Asia/Shanghai"}
    staff.post(act(campaign, "schedule"), later)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.starts_at) == (CampaignState.SCHEDULED, datetime(2030, 3, 1, 1, tzinfo=UTC))
    page = staff.get(f"/admin/surveys/campaign/{campaign.pk}/change/").content.decode()
    assert "Every 2 weeks, from March 1, 2030, 9 a.m. (Asia/Shanghai) on." in page
    assert "Next: March 1, 2030, 9 a.m. (Asia/Shanghai)" in page


def test_campaign_after_purchases_may_start_now_on_the_clock_of_its_zone(staff):
    campaign = CampaignFactory(trigger=CampaignTrigger.AFTER_PURCHASE, delay_hours=2, end_date=date(2040, 1, 1))
    staff.post(act(campaign, "schedule"), {"when": "now", "timezone": "Asia/Shanghai"})
    campaign.refresh_from_db()
    assert timezone.now() - campaign.starts_at < timedelta(minutes=2)
    assert (campaign.timezone, campaign.ends_at) == ("Asia/Shanghai", datetime(2040, 1, 1, 16, tzinfo=UTC))


def test_last_day_before_the_first_is_refused(staff):
    campaign = CampaignFactory(trigger=CampaignTrigger.AFTER_PURCHASE, delay_hours=2, end_date=date(2020, 1, 1))
    answer = staff.post(act(campaign, "schedule"), {"when": "now", "timezone": "UTC"})
    assert "The last day comes before the first one." in str(answer.context["form"].non_field_errors())


def test_preflight_is_drawn(staff):
    willing = CustomerFactory()
    consents.grant(customer=willing, purpose=Purpose.SURVEY_EMAIL, by=actors.SYSTEM, at=rows.AT)
    CustomerFactory.create_batch(3)
    page = staff.get(act(CampaignFactory(), "schedule"))
    assert [(bar["name"], bar["count"], bar["width"]) for bar in page.context["bars"]] == [
        ("may be asked", 1, 140.0),
        ("no consent", 3, 420.0),
    ]
    assert "4 → 1" in page.content.decode()


def test_preflight_of_purchases_counts_the_last_month(staff):
    buyer = CustomerFactory()
    consents.grant(customer=buyer, purpose=Purpose.SURVEY_EMAIL, by=actors.SYSTEM, at=rows.AT)
    for days in (1, 2, 31):
        PurchaseFactory(customer=buyer, purchased_at=timezone.now() - timedelta(days=days))
    PurchaseFactory(customer=CustomerFactory(), purchased_at=timezone.now() - timedelta(days=1))
    campaign = CampaignFactory(trigger=CampaignTrigger.AFTER_PURCHASE, delay_hours=2)
    page = staff.get(act(campaign, "schedule"))
    assert (page.context["preflight"].total, page.context["preflight"].will_send) == (3, 2)
    assert "Of 3 purchases of the last 30 days 2 could have been asked about" in page.content.decode()


def test_campaign_tells_what_was_missed_and_how_far_the_choosing_is(staff):
    campaign = CampaignFactory(
        **RECURRING, state=CampaignState.SENDING, start_date=date(2026, 1, 1), start_time=rows.AT.time(),
        starts_at=rows.AT, scheduled_by="system",
    )  # fmt: skip
    customer = CustomerFactory()
    states = (OccurrenceState.CHOSEN, OccurrenceState.LATE, OccurrenceState.MATERIALIZING)
    for days, state in enumerate(states):
        day = date(2026, 1, 1) + timedelta(days=days)
        reached = customer.pk // 2 if state == OccurrenceState.MATERIALIZING else 0
        Occurrence.objects.create(
            campaign=campaign, local_date=day, due_at=rows.AT, state=state, began_at=rows.AT, reached=reached
        )
    page = staff.get(f"/admin/surveys/campaign/{campaign.pk}/change/")
    assert page.context["progress"]["choosing"] == round(100 * (customer.pk // 2) / customer.pk)
    text = page.content.decode()
    assert "Asked 1 time so far." in text
    assert "1 time was missed by more than a day and is left out." in text
