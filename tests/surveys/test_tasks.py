"""The tasks as the timetable runs them, against a real SMTP server."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from loyalty_site.celery import app
from loyalty_site.lib import actors
from surveys import tasks
from surveys.domain import campaigns
from surveys.models import CampaignState, Delivery, DeliveryState
from tests.factories.surveys import CampaignFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)


def test_timetable_knows_the_tasks():
    planned = {row["task"] for row in app.conf.beat_schedule.values()}
    assert {
        task.name for task in (tasks.materialize_campaigns, tasks.send_deliveries, tasks.reconcile_deliveries)
    } <= planned


def test_tasks_take_a_campaign_from_its_time_to_its_end(survey, willing, mail_server):
    customers = [willing(), willing(), willing(email="")]
    campaign = CampaignFactory(survey=survey)
    with time_machine.travel(NOW, tick=False) as clock:
        campaigns.schedule(
            campaign=campaign,
            start_date=NOW.date(),
            start_time=NOW.time(),
            timezone="UTC",
            by=actors.user(1),
            at=NOW,
        )
        tasks.materialize_campaigns(from_an_older_deploy=True)
        tasks.send_deliveries()
        clock.shift(timedelta(minutes=1))
        tasks.reconcile_deliveries()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.finished_at) == (CampaignState.COMPLETED, NOW)
    assert mail_server.recipients == [customers[0].email, customers[1].email]


def test_reconcile_task_lists_what_nobody_knows(due, sending):
    row = due()
    Delivery.objects.filter(pk=row.pk).update(
        state=DeliveryState.TRANSMITTING, lease_token="a" * 32, lease_expires_at=NOW
    )
    with time_machine.travel(NOW, tick=False):
        tasks.reconcile_deliveries()
    sending.refresh_from_db()
    assert sending.state == CampaignState.NEEDS_ATTENTION
