"""Senders of notices killed with SIGKILL, judged by the SMTP server's own record."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection

from customers.models import Purpose
from rewards.domain import mail_queue, notices
from rewards.models import PointsNotice
from tests.factories.customers import ConsentFactory, CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import award

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.fixture
def due():
    """Makes customers whose points lapse at the end of June, and their notices."""

    def make(number):
        ProgramFactory(expiry_policy="ROLLING", expiry_months=1)
        customers = CustomerFactory.create_batch(number)
        for customer in customers:
            ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
            award(customer, 10, AT - timedelta(days=30))
        assert notices.prepare(at=AT) == number
        return [customer.email for customer in customers]

    return make


@pytest.fixture
def start(mail_server):
    def start_worker(*arguments):
        database = connection.settings_dict["NAME"]
        command = [sys.executable, "-m", "tests.rewards.notice_worker", database, str(mail_server.port), AT.isoformat()]
        return subprocess.Popen(
            [*command, *arguments], env={**os.environ, "DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}
        )

    return start_worker


def recover():
    """What the timetable does when the leases have ended, and a day later."""
    for later in (AT + mail_queue.LEASE, AT + timedelta(days=1)):
        mail_queue.reconcile(queue=notices.QUEUE, at=later)
        mailer = mail.get_connection()
        mail_queue.send_due(
            queue=notices.QUEUE, mailer=mailer, clock=lambda at=later: at, until=later + timedelta(seconds=60)
        )


def addresses(state):
    return set(PointsNotice.objects.filter(state=state).values_list("customer__email", flat=True))


@pytest.mark.parametrize(("step", "copies"), [("claimed", 0), ("taken", 1)])
def test_kill_leaves_one_in_doubt_that_is_never_sent_again(due, start, mail_server, step, copies):
    wanted = due(10)
    assert start(step, "3").wait(60) == -signal.SIGKILL
    (in_doubt,) = addresses("SENDING")
    assert len(addresses("ACCEPTED")) == 2
    recover()
    got = Counter(mail_server.recipients)
    assert got.pop(in_doubt, 0) == copies
    assert got == Counter(address for address in wanted if address != in_doubt)
    assert addresses("UNCERTAIN") == {in_doubt}
    assert len(addresses("ACCEPTED")) == 9


def test_kills_at_random_double_nobody_and_lose_nobody(due, start, mail_server):
    wanted = due(120)
    mail_server.seconds_per_mail = 0.01
    rng = random.Random(20261127)
    for _ in range(3):
        workers, taken = [start(), start()], len(mail_server.taken)
        deadline = time.monotonic() + 60
        while len(mail_server.taken) == taken and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        for worker in workers:
            worker.kill()
            worker.wait(60)
    recover()
    got, in_doubt, accepted = set(mail_server.recipients), addresses("UNCERTAIN"), addresses("ACCEPTED")
    assert len(mail_server.recipients) == len(got)
    assert len(in_doubt) <= 6
    assert accepted <= got <= accepted | in_doubt
    assert accepted | in_doubt == set(wanted)
