"""Workers killed with SIGKILL, judged by the SMTP server's own record."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from surveys.domain import campaigns, deliveries
from surveys.models import CampaignState, Delivery, DeliveryState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def start(mail_server, now):
    def start_worker(*arguments):
        database = connection.settings_dict["NAME"]
        command = [sys.executable, "-m", "tests.surveys.worker", database, str(mail_server.port), now.isoformat()]
        return subprocess.Popen(
            [*command, *arguments], env={**os.environ, "DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}
        )

    return start_worker


def recover(now):
    """What the timetable does when the leases have ended."""
    deliveries.reconcile(at=now + deliveries.LEASE)
    later = now + deliveries.LEASE
    mailer = mail.get_connection()
    return deliveries.send_due(mailer=mailer, clock=lambda: later, until=later + timedelta(seconds=60))


def by_state():
    return dict(Counter(Delivery.objects.values_list("state", flat=True)))


@pytest.mark.parametrize(
    ("step", "copies", "after_recovery"),
    [
        ("claimed", 1, {DeliveryState.ACCEPTED: 10}),
        ("begun", 0, {DeliveryState.ACCEPTED: 9, DeliveryState.UNCERTAIN: 1}),
        ("taken", 1, {DeliveryState.ACCEPTED: 9, DeliveryState.UNCERTAIN: 1}),
    ],
)
def test_kill_leaves_at_most_one_in_doubt(due, sending, start, mail_server, now, step, copies, after_recovery):
    rows = [due() for _ in range(10)]
    assert start(step, "3").wait(60) == -signal.SIGKILL
    in_hand = DeliveryState.CLAIMED if step == "claimed" else DeliveryState.TRANSMITTING
    assert by_state()[DeliveryState.ACCEPTED] == 2
    assert Delivery.objects.get(pk=rows[2].pk).state == in_hand
    assert deliveries.reconcile(at=now) == 0
    recover(now)
    assert by_state() == after_recovery
    got = Counter(mail_server.recipients)
    assert got.pop(rows[2].customer.email, 0) == copies
    assert got == Counter(row.customer.email for row in rows if row != rows[2])
    campaigns.settle_states(at=now)
    sending.refresh_from_db()
    assert (sending.state == CampaignState.NEEDS_ATTENTION) == (DeliveryState.UNCERTAIN in after_recovery)


def test_kills_at_random_double_nobody_and_lose_nobody(due, start, mail_server, now):
    rows = [due() for _ in range(200)]
    mail_server.seconds_per_mail = 0.01
    rng = random.Random(20261123)
    for _ in range(3):
        workers, taken = [start(), start()], len(mail_server.taken)
        deadline = time.monotonic() + 60
        while len(mail_server.taken) == taken and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        for worker in workers:
            worker.kill()
            worker.wait(60)
        deliveries.reconcile(at=now + deliveries.LEASE)
    recover(now)
    got = Counter(mail_server.recipients)
    assert set(got.values()) == {1}
    in_doubt = set(Delivery.objects.filter(state=DeliveryState.UNCERTAIN).values_list("customer__email", flat=True))
    accepted = set(Delivery.objects.filter(state=DeliveryState.ACCEPTED).values_list("customer__email", flat=True))
    assert len(in_doubt) <= 6
    assert accepted <= got.keys() <= accepted | in_doubt
    assert accepted | in_doubt == {row.customer.email for row in rows}
