"""Campaigns in the back office."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from customers.domain import consents
from customers.models import Purpose, User
from loyalty_site.lib import actors
from rewards.models import ExperimentKind
from surveys.domain import campaigns
from surveys.models import (
    Campaign,
    CampaignState,
    Delivery,
    DeliveryState,
)
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ExperimentFactory
from tests.factories.surveys import CampaignFactory, DeliveryFactory
from tests.loyalty_site import rows
from tests.surveys.admin_forms import act

pytestmark = pytest.mark.django_db


@pytest.fixture
def audience():
    """Two who may be asked, one who said no, one without an address."""
    people = [CustomerFactory() for _ in range(3)] + [CustomerFactory(email="", phone="+8613812345678")]
    for customer in (*people[:2], people[3]):
        consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=actors.SYSTEM, at=rows.AT)
    return people


def test_preflight_says_who_will_get_it_and_why_the_others_not(staff, audience):
    page = staff.get(act(CampaignFactory(), "schedule"))
    preflight = page.context["preflight"]
    assert (preflight.total, preflight.will_send) == (4, 2)
    assert {reason.value: number for reason, number in preflight.reasons.items()} == {"NO_CONSENT": 1, "NO_EMAIL": 1}
    text = page.content.decode()
    assert "4 → 2" in text
    assert "no e-mail address" in text
    assert Campaign.objects.get().state == CampaignState.DRAFT


def test_campaign_is_scheduled_on_the_clock_of_a_zone(staff):
    campaign = CampaignFactory()
    later = {"when": "later", "start_date": "2030-03-01", "start_time": "09:00", "timezone": "Asia/Shanghai"}
    answer = staff.post(act(campaign, "schedule"), later, follow=True)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.starts_at) == (CampaignState.SCHEDULED, datetime(2030, 3, 1, 1, tzinfo=UTC))
    assert "9 a.m. (Asia/Shanghai)" in answer.content.decode()


def test_campaign_may_start_now(staff):
    campaign = CampaignFactory()
    staff.post(act(campaign, "schedule"), {"when": "now", "timezone": "Asia/Shanghai"})
    campaign.refresh_from_db()
    assert timezone.now() - campaign.starts_at < timedelta(minutes=2)
    assert campaign.state == CampaignState.SCHEDULED


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"when": "later", "start_time": "09:00", "timezone": "UTC"}, "start_date"),
        ({"when": "later", "start_date": "2030-03-01", "timezone": "UTC"}, "start_time"),
        ({"when": "now", "timezone": "Mars/Base"}, "timezone"),
        ({"timezone": "UTC"}, "when"),
        ({"when": "later", "start_date": "2020-03-01", "start_time": "09:00", "timezone": "UTC"}, "__all__"),
    ],
)
def test_campaign_is_not_scheduled_without(staff, told, field):
    answer = staff.post(act(CampaignFactory(), "schedule"), told)
    assert field in answer.context["form"].errors
    assert Campaign.objects.get().state == CampaignState.DRAFT


def test_campaign_is_paused_resumed_and_cancelled(staff, audience):
    campaign = CampaignFactory()
    staff.post(act(campaign, "schedule"), {"when": "now", "timezone": "UTC"})
    campaigns.materialize_due(at=timezone.now())
    states = []
    for name in ("pause", "resume", "cancel"):
        staff.post(act(campaign, name))
        campaign.refresh_from_db()
        states.append(campaign.state)
    assert states == [CampaignState.PAUSED, CampaignState.SENDING, CampaignState.CANCELLED]
    refused = staff.post(act(campaign, "resume"))
    assert "That is not possible now" in str(refused.context["form"].non_field_errors())


def test_campaign_shows_how_far_it_is(staff):
    campaign = CampaignFactory(state=CampaignState.SENDING, starts_at=rows.AT, scheduled_by="system")
    DeliveryFactory(campaign=campaign)
    DeliveryFactory(campaign=campaign, state=DeliveryState.ACCEPTED)
    DeliveryFactory(campaign=campaign, state=DeliveryState.SUPPRESSED, reason="NO_CONSENT")
    progress = staff.get(f"/admin/surveys/campaign/{campaign.pk}/change/").context["progress"]
    assert (progress["addressed"], progress["done"], progress["percent"]) == (2, 1, 50)
    for row in progress["states"]:
        listed = staff.get(row["url"]).context["cl"].result_list
        assert [delivery.state for delivery in listed] == [row["state"]] * row["number"]


def test_new_campaign_leads_from_its_survey_to_who_will_get_it(staff, survey):
    begun = staff.get(act(survey, "send"))
    assert f'<option value="{survey.pk}" selected' in staff.get(begun.url).content.decode()
    told = {"name": "November", "survey": survey.pk, "trigger": "DATE", "reminders": 0, "reminder_days": 3}
    saved = staff.post(begun.url, {**told, "holdout_percent": 10, "_save": "Save"})
    assert saved.url == act(Campaign.objects.get(), "schedule")


def test_preflight_counts_the_held_out_too(staff, audience):
    campaign = CampaignFactory(experiment=ExperimentFactory(kind=ExperimentKind.CAMPAIGN, holdout_percent=50))
    page = " ".join(staff.get(act(campaign, "schedule")).content.decode().split())
    assert "About 1 of these (50 %) are held out by chance and not asked" in page
    assert "Mails: about 1." in page


def test_scheduled_campaign_shows_only_what_it_says(staff):
    campaign = CampaignFactory(state=CampaignState.SCHEDULED, starts_at=rows.AT, scheduled_by="system")
    page = staff.get(f"/admin/surveys/campaign/{campaign.pk}/change/")
    shown = {name for fieldset in page.context["adminform"] for line in fieldset for name in line.fields}
    assert {"name", "survey", "trigger", "reminders", "segment"} <= shown
    assert shown.isdisjoint({"delay_hours", "every", "interval", "end_date", "reminder_days"})


def test_scheduled_campaign_keeps_its_audience(staff):
    campaign = CampaignFactory(state=CampaignState.SCHEDULED, starts_at=rows.AT, scheduled_by="system")
    staff.post(f"/admin/surveys/campaign/{campaign.pk}/change/", {"name": "Renamed", "bought_within_days": "7"})
    campaign.refresh_from_db()
    assert (campaign.name, campaign.bought_within_days) == ("Renamed", None)


PREVIEW = "/admin/surveys/campaign/preview/"


def typed(**fields):
    names = ("subject", "introduction")
    return {f"{name}_{n}": "" for name in names for n in ("en", "zh-hans")} | fields


def test_preview_shows_the_mail_in_the_words_that_are_typed(staff, survey):
    survey.introduction = {"en": "We read every answer.", "zh-hans": "每一份回复都会读。"}
    survey.save()
    words = typed(survey=survey.pk, introduction_en="Dear {first_name}, <b> {program} asks.")
    words["subject_en"] = "{program} asks {first_name}"
    answer = staff.post(PREVIEW, words).json()
    mails = answer["mails"]
    assert "Dear Mei, &lt;b&gt; Loyalty Site asks." in mails["en"]
    assert "We read every answer." not in mails["en"]
    assert "每一份回复都会读。" in mails["zh-hans"]
    assert "How was it?" in mails["en"]
    assert answer["heads"]["en"] == {"sender": "Loyalty Site <hello@example.org>", "subject": "Loyalty Site asks Mei"}
    assert answer["heads"]["zh-hans"]["subject"] == "您满意吗？"


def test_preview_says_what_cannot_be_named(staff, survey):
    told = staff.post(PREVIEW, typed(survey=survey.pk, subject_en="Hello {name}"))
    assert told.json()["problem"] == "{name} is not known here. What you can write: {first_name} {program} {title}."
    assert staff.post(PREVIEW, typed()).json()["problem"] == "Choose the survey, and its mail stands here."
    assert staff.post(f"{PREVIEW}?of=x", typed()).status_code == 200


def test_preview_of_a_campaign_under_way_knows_its_survey(staff, sending):
    page = staff.get(f"/admin/surveys/campaign/{sending.pk}/change/").text
    assert f'data-mail-preview="{PREVIEW}?of={sending.pk}"' in page
    mails = staff.post(f"{PREVIEW}?of={sending.pk}", typed(**{"introduction_zh-hans": "{title}，请回复"})).json()[
        "mails"
    ]
    assert "您满意吗？，请回复" in mails["zh-hans"]
    sending.refresh_from_db()
    assert sending.introduction == {}


def test_campaign_refuses_words_that_cannot_be_filled(staff, survey):
    sent = typed(name="June", survey=survey.pk, trigger="DATE", reminders=0, reminder_days=3, holdout_percent=0)
    for wrong in ("{coupon}", "{ first_name}", "half {"):
        page = staff.post("/admin/surveys/campaign/add/", sent | {"introduction_en": wrong})
        assert "What you can write" in str(page.context["adminform"].form.errors["introduction"])
    assert not Campaign.objects.exists()
    staff.post("/admin/surveys/campaign/add/", sent | {"subject_en": "{first_name}?", "subject_zh-hans": "{program}"})
    assert Campaign.objects.get().subject == {"en": "{first_name}?", "zh-hans": "{program}"}


def test_trial_mail_has_the_campaigns_words(staff, survey):
    campaign = CampaignFactory(survey=survey, subject={"en": "{first_name}, a word?"})
    User.objects.update(first_name="Lena", last_name="Ou")
    staff.post(act(campaign, "trial_mail"), {"language": "en"})
    staff.post(act(campaign, "trial_mail"), {"language": "zh-hans"})
    assert [sent.subject for sent in mail.outbox] == ["Lena, a word?", "您满意吗？"]
    assert "/news/" not in mail.outbox[0].body
    assert not Delivery.objects.exists()
