"""What staff see of mails that may have arrived, of a campaign that was stopped, and of a server that takes nothing."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.models import AuditEvent
from loyalty_site.lib.mail_causes import Cause
from loyalty_site.lib.mail_replies import ServerUnavailable
from rewards.domain import mail_server
from rewards.models import MailServer
from surveys.models import CampaignState, DeliveryState
from tests.factories.surveys import CampaignFactory, DeliveryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def uncertain(sending):
    return DeliveryFactory(campaign=sending, state=DeliveryState.UNCERTAIN)


@pytest.mark.parametrize(("act", "state"), [("send_again", "PENDING"), ("assume_delivered", "ACCEPTED")])
def test_uncertain_mail_is_decided_by_a_person(staff, uncertain, act, state):
    page = staff.get(reverse("admin:surveys_delivery_change", args=[uncertain.pk]))
    url = reverse(f"admin:surveys_delivery_{act}", args=[uncertain.pk])
    assert url in page.content.decode()
    assert "Nobody knows whether this mail arrived" in page.content.decode()
    assert staff.get(url).status_code == 200
    uncertain.refresh_from_db()
    assert uncertain.state == DeliveryState.UNCERTAIN
    staff.post(url)
    uncertain.refresh_from_db()
    assert uncertain.state == state
    assert AuditEvent.objects.get().subject == f"delivery:{uncertain.pk}"


def test_settled_mail_offers_no_decision(staff, sending):
    settled = DeliveryFactory(campaign=sending, state=DeliveryState.ACCEPTED)
    page = staff.get(reverse("admin:surveys_delivery_change", args=[settled.pk])).content.decode()
    assert "send_again" not in page
    assert "Nobody knows" not in page


def test_campaign_that_was_stopped_says_why_and_goes_on(staff, survey, now):
    stopped = CampaignFactory(
        survey=survey,
        state=CampaignState.NEEDS_ATTENTION,
        attention="554 5.7.1 spam",
        starts_at=now,
        scheduled_by="user:1",
        materialized_at=now,
    )
    page = staff.get(reverse("admin:surveys_campaign_change", args=[stopped.pk])).content.decode()
    assert "The mail server refuses what the mail says: “554 5.7.1 spam”." in page
    staff.post(reverse("admin:surveys_campaign_resume", args=[stopped.pk]))
    stopped.refresh_from_db()
    assert (stopped.state, stopped.attention) == (CampaignState.SENDING, "")


def test_server_that_takes_nothing_is_on_the_first_page_and_can_be_tried(staff):
    at = timezone.now()
    admission = mail_server.admit(wanted=1, per_minute=None, at=at)
    mail_server.refused(error=ServerUnavailable("535 5.7.8 no", Cause.SENDER), admission=admission, at=at)
    assert "The mail server takes no mails: 535 5.7.8 no" in staff.get("/admin/").content.decode()
    server = MailServer.objects.get()
    assert server.paused_until == at + timedelta(minutes=5)
    assert "takes nothing" in staff.get(reverse("admin:rewards_mailserver_changelist")).content.decode()
    staff.post(reverse("admin:rewards_mailserver_try_now", args=[server.pk]))
    assert mail_server.admit(wanted=5, per_minute=None, at=timezone.now()).places == 1
