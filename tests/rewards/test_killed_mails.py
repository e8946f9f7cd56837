"""Senders of the programme's mails, and who chooses their customers, killed with SIGKILL, judged by the SMTP server."""

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
from loyalty_site.lib import actors
from rewards.domain import gesture_mails, mail_queue, mailings, notices
from rewards.models import Assignment, Coupon, Mailing, MailingMail, Surprise
from tests.factories.customers import ConsentFactory, CustomerFactory
from tests.factories.rewards import CouponFactory, ExperimentFactory, OfferFactory, ProgramFactory, SurpriseRuleFactory
from tests.rewards.domain.steps import award

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 6, 10, 12, tzinfo=UTC)


STAFF = actors.user(7)


def lapsing(customers):
    """Points that lapse at the end of June."""
    for customer in customers:
        award(customer, 10, AT - timedelta(days=30))
    assert notices.prepare(at=AT) == len(customers)


def surprised(customers):
    rule = SurpriseRuleFactory()
    for customer in customers:
        coupon = CouponFactory(offer=rule.offer, customer=customer, expires_at=AT + timedelta(days=30))
        told = {"rule": rule, "customer": customer, "arm": "TREATED", "occasion": "purchase:1", "coupon": coupon}
        Surprise.objects.create(**told, happened_at=AT, decided_at=AT)
    assert gesture_mails.prepare(at=AT) == len(customers)


def scheduled():
    experiment = ExperimentFactory(kind="MAILING", holdout_percent=0)
    mailing = Mailing.objects.create(name="June", offer=OfferFactory(), experiment=experiment)
    return mailings.schedule(mailing=mailing, starts_at=AT, by=STAFF, at=AT)


def chosen(customers):
    scheduled()
    assert mailings.materialize_due(at=AT) == 1


KINDS = {notices.QUEUE: lapsing, gesture_mails.QUEUE: surprised, mailings.QUEUE: chosen}


@pytest.fixture(params=KINDS, ids=lambda queue: queue.name)
def queue(request):
    return request.param


@pytest.fixture
def willing(transactional_db):
    def make(number):
        ProgramFactory(expiry_policy="ROLLING", expiry_months=1)
        customers = CustomerFactory.create_batch(number)
        for customer in customers:
            ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
        return customers

    return make


@pytest.fixture
def due(queue, willing):
    """Makes customers to whom a mail of the queue is due; returns their addresses."""

    def make(number):
        customers = willing(number)
        KINDS[queue](customers)
        return [customer.email for customer in customers]

    return make


@pytest.fixture
def start(mail_server):
    def start_worker(queue, *arguments):
        database = connection.settings_dict["NAME"]
        command = [sys.executable, "-m", "tests.rewards.mail_worker", database, str(mail_server.port), AT.isoformat()]
        return subprocess.Popen(
            [*command, queue.name, *arguments], env={**os.environ, "DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}
        )

    return start_worker


def recover(queue):
    """What the timetable does when the leases have ended, and a day later."""
    for later in (AT + mail_queue.LEASE, AT + timedelta(days=1)):
        mail_queue.reconcile(queue=queue, at=later)
        mailer = mail.get_connection()
        mail_queue.send_due(queue=queue, mailer=mailer, clock=lambda at=later: at, until=later + timedelta(seconds=60))


def addresses(queue, state):
    return set(queue.model.objects.filter(state=state).values_list("customer__email", flat=True))


@pytest.mark.parametrize(("step", "copies"), [("claimed", 0), ("taken", 1)])
def test_kill_leaves_one_in_doubt_that_is_never_sent_again(queue, due, start, mail_server, step, copies):
    wanted = due(10)
    assert start(queue, step, "3").wait(60) == -signal.SIGKILL
    (in_doubt,) = addresses(queue, "SENDING")
    assert len(addresses(queue, "ACCEPTED")) == 2
    recover(queue)
    got = Counter(mail_server.recipients)
    assert got.pop(in_doubt, 0) == copies
    assert got == Counter(address for address in wanted if address != in_doubt)
    assert addresses(queue, "UNCERTAIN") == {in_doubt}
    assert len(addresses(queue, "ACCEPTED")) == 9


@pytest.mark.parametrize("queue", [mailings.QUEUE], ids=["mailing"], indirect=True)
def test_kills_at_random_double_nobody_and_lose_nobody(queue, due, start, mail_server):
    """Of one kind: what a random moment can meet between the steps above is the queue's own."""
    wanted = due(120)
    mail_server.seconds_per_mail = 0.01
    rng = random.Random(20261127)
    for _ in range(3):
        workers, taken = [start(queue), start(queue)], len(mail_server.taken)
        deadline = time.monotonic() + 60
        while len(mail_server.taken) == taken and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        for worker in workers:
            worker.kill()
            worker.wait(60)
    recover(queue)
    got, in_doubt, accepted = set(mail_server.recipients), addresses(queue, "UNCERTAIN"), addresses(queue, "ACCEPTED")
    assert len(mail_server.recipients) == len(got)
    assert len(in_doubt) <= 6
    assert accepted <= got <= accepted | in_doubt
    assert accepted | in_doubt == set(wanted)


@pytest.mark.parametrize(("step", "left"), [("portion", 3), ("committed", 6)])
def test_kill_while_customers_are_chosen_keeps_whole_portions_and_the_next_worker_goes_on(
    willing, start, mail_server, step, left
):
    customers = willing(10)
    mailing = scheduled()
    assert start(mailings.QUEUE, step, "2").wait(60) == -signal.SIGKILL
    mailing.refresh_from_db()
    counts = [model.objects.count() for model in (Assignment, MailingMail, Coupon)]
    assert (mailing.state, counts) == ("MATERIALIZING", [left] * 3)
    assert mailings.materialize_due(at=AT + timedelta(minutes=1)) == 1
    assert sorted(Coupon.objects.values_list("customer", flat=True)) == sorted(customer.pk for customer in customers)
    recover(mailings.QUEUE)
    assert sorted(mail_server.recipients) == sorted(customer.email for customer in customers)
