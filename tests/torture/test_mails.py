"""Survey mails while workers, Redis and PostgreSQL are killed, judged by the mail server's own record.

Nobody gets a mail twice, nobody is forgotten: whoever has no mail was refused for good by the server or is listed as
uncertain, and so is everybody whose mail may have arrived. `TORTURE_KILLS=100` kills as often and writes to 10,000;
without it a few times, so that the drill itself stays sound.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone

from customers.models import Consent, Customer, Purpose
from loyalty_site import environment
from loyalty_site.embedded import home
from loyalty_site.lib.actors import SYSTEM
from surveys.domain import campaigns
from surveys.models import Campaign, CampaignState, Delivery, DeliveryState
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import CampaignFactory, QuestionFactory, SurveyFactory
from tests.plugins import servers
from tests.plugins.worker import environment_of_processes

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = int(os.environ.get("TORTURE_KILLS", "4"))
IS_LONG = KILLS >= 50
RECIPIENTS = 100 * KILLS if IS_LONG else 120
SECONDS_PER_MAIL = 0.03
WORKERS, BEATS = 2, 2
PATIENCE = 1800 if IS_LONG else 180
STEPS = ("claimed", "begun", "taken")
UNFINISHED = (*campaigns.NOT_HANDED_OVER, DeliveryState.TRANSMITTING)


@dataclass
class Site:
    """Workers, two beats at once and the mail server, all of them processes of their own."""

    place: Path
    chance: random.Random
    port: int = 0
    more: dict[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        record = [str(self.place / "record"), str(self.chance.random()), str(SECONDS_PER_MAIL)]
        self.others = [self._process("tests.torture.sink", str(self.port), *record)]
        self.workers = [self._worker() for _ in range(WORKERS)]
        self.others += [
            self._celery("beat", "--pidfile=", "--schedule", str(self.place / f"beat-{number}"))
            for number in range(BEATS)
        ]

    def kill_a_worker(self) -> None:
        """All processes of one; another one takes its place, which may be meant to die by itself."""
        number = self.chance.randrange(WORKERS)
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait(10)
        self.workers[number] = self._worker()
        self.done["workers killed at random"] += 1

    def stop(self) -> None:
        for process in [*self.workers, *self.others]:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    @property
    def kills(self) -> int:
        return self.done["workers killed at random"] + len(self.deaths)

    @property
    def deaths(self) -> list[str]:
        path = self.place / "deaths"
        return path.read_text().split() if path.exists() else []

    @property
    def record(self) -> list[dict[str, object]]:
        path = self.place / "record"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _worker(self) -> subprocess.Popen[bytes]:
        dies_at = f"{self.chance.choice(STEPS)} {self.chance.randrange(2, 60)}" if self.chance.random() < 0.5 else ""
        return self._celery("worker", "--concurrency", "1", "--without-gossip", "--without-mingle", dies_at=dies_at)

    def _celery(self, *arguments: str, dies_at: str = "") -> subprocess.Popen[bytes]:
        broker = settings.CELERY_BROKER_URL
        return self._process("celery", "-A", "tests.torture.mortal", "-b", broker, *arguments, dies_at=dies_at)

    def _process(self, *module: str, dies_at: str = "") -> subprocess.Popen[bytes]:
        more = {"EMAIL_URL": f"smtp://127.0.0.1:{self.port}", "LOYALTY_DIES_AT": dies_at, **self.more}
        with (self.place / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *module],
                env=environment_of_processes(LOYALTY_DEATHS=str(self.place / "deaths"), **more),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@pytest.fixture
def site(tmp_path):
    ProgramFactory()
    with connection.cursor() as cursor:  # the servers of tests wait for no disk; here what was committed must stay
        cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} SET synchronous_commit = on")
    site = Site(tmp_path, random.Random(20261128))
    yield site
    site.stop()
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} RESET synchronous_commit")


@pytest.fixture
def campaign():
    """To many who allow it, of one survey, due now."""
    survey = SurveyFactory(title={"en": "How was it?"})
    QuestionFactory(survey=survey, text={"en": "Would you recommend us?"})
    people = Customer.objects.bulk_create(CustomerFactory.build_batch(RECIPIENTS))
    at = timezone.now()
    Consent.objects.bulk_create(
        Consent(customer=person, purpose=Purpose.SURVEY_EMAIL, granted_at=at, granted_by="system") for person in people
    )
    return CampaignFactory(
        survey=survey,
        state=CampaignState.SCHEDULED,
        start_date=at.date(),
        starts_at=at - timedelta(minutes=1),
        scheduled_by="user:1",
    )


def test_kills_lose_nobody_and_double_nobody(site, campaign):
    site.start()
    torment(site, campaign)
    settle(campaign)
    report(site)
    assert site.kills >= KILLS
    assert faults(site) == []
    campaigns.settle_states(at=timezone.now())
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.NEEDS_ATTENTION


@pytest.mark.skipif(not IS_LONG, reason="the control is as slow as the drill: make torture")
def test_sender_that_marks_a_batch_when_it_is_sent_is_caught(site, campaign):
    site.more["LOYALTY_SENDS_AS_PEERS_DO"] = "1"
    Customer.objects.filter(pk__gt=Customer.objects.order_by("pk")[600].pk).update(closed_at=timezone.now())
    site.start()
    deadline = time.monotonic() + PATIENCE
    while site.done["workers killed at random"] < 6:
        assert time.monotonic() < deadline
        let_it_send(site, mails=site.chance.randrange(5, 40))
        site.kill_a_worker()
    assert any("got" in fault for fault in faults(site))


def torment(site: Site, campaign: Campaign) -> None:
    """Until enough workers were killed. Every so often Redis loses all it knows, PostgreSQL falls, or somebody presses
    pause and resume."""
    deadline, number = time.monotonic() + PATIENCE, 0
    wait_for(lambda: len(site.record) > 5, deadline, site)
    while site.kills < KILLS:
        assert time.monotonic() < deadline, tail(site)
        let_it_send(site, mails=site.chance.randrange(5, 90 if IS_LONG else 20))
        number += 1
        site.kill_a_worker()
        if number % 3 == 0:
            flush_redis(site)
        if number % 4 == 0:
            pause_and_resume(site, campaign)
        if number % 5 == 0:
            fell_postgres(site)
        if number % 7 == 0 and IS_LONG:
            kill_redis(site)


def let_it_send(site: Site, *, mails: int) -> None:
    """So many more, and then some: kills that come faster than workers start would try nothing."""
    enough, deadline = len(site.record) + mails, time.monotonic() + 15
    while len(site.record) < enough and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(site.chance.uniform(0, 0.2))


def settle(campaign: Campaign) -> None:
    deadline = time.monotonic() + PATIENCE
    while not campaign.deliveries.exists() or campaign.deliveries.filter(state__in=UNFINISHED).exists():
        assert time.monotonic() < deadline, Counter(campaign.deliveries.values_list("state", flat=True))
        time.sleep(0.5)


def faults(site: Site) -> list[str]:
    """What the sender believes beside what the mail server knows."""
    got, said = Counter(), {}
    for line in site.record:
        got[line["to"]] += bool(line["is_taken"])
        said[line["to"]] = str(line["verdict"])
    found = [f"{address} got {copies} mails" for address, copies in got.items() if copies > 1]
    rows = Delivery.objects.values_list("customer__email", "state")
    found += [
        f"{address}: {state}, got {got[address]}, the server said {said.get(address)}"
        for address, state in rows
        if not _agree(state, got[address], said.get(address, ""))
    ]
    missing = Customer.objects.filter(closed_at__isnull=True, deliveries__isnull=True).count()
    return found + [f"{missing} customers have no delivery"] * bool(missing)


def _agree(state: str, copies: int, said: str) -> bool:
    if state == DeliveryState.ACCEPTED:
        return copies == 1
    if state == DeliveryState.REJECTED:
        return copies == 0 and said.startswith(("5", "4", "drop", "hang"))
    return state == DeliveryState.UNCERTAIN


def report(site: Site) -> None:
    states = Counter(Delivery.objects.values_list("state", flat=True))
    in_doubt = set(Delivery.objects.filter(state=DeliveryState.UNCERTAIN).values_list("customer__email", flat=True))
    arrived = {line["to"] for line in site.record if line["is_taken"]}
    verdicts = Counter(str(line["verdict"]) for line in site.record)
    sys.stdout.write(
        f"\n{RECIPIENTS} recipients, {site.kills} kills of workers ({dict(Counter(site.deaths))}), {dict(site.done)}"
        f"\n  the server said {dict(sorted(verdicts.items()))}"
        f"\n  deliveries {dict(states)}; {len(in_doubt & arrived)} of the uncertain arrived"
        f"\n  faults {len(faults(site))}\n"
    )


def pause_and_resume(site: Site, campaign: Campaign) -> None:
    if Campaign.objects.filter(pk=campaign.pk, state=CampaignState.SENDING).exists():
        campaigns.pause(campaign=campaign, by=SYSTEM, at=timezone.now())
        time.sleep(site.chance.uniform(0, 1))
        campaigns.resume(campaign=campaign, by=SYSTEM, at=timezone.now())
        site.done["pauses"] += 1


def flush_redis(site: Site) -> None:
    redis.Redis.from_url(settings.REDIS_CACHE_URL).flushdb()
    site.done["Redis flushed"] += 1


def kill_redis(site: Site) -> None:
    assert servers.own, "the servers are somebody else's"
    os.kill(_pid("run/redis.pid"), signal.SIGKILL)
    _tend(site, "Redis killed")


def fell_postgres(site: Site) -> None:
    """An immediate stop of all of it; where other tests use it too, the connections of this one's processes."""
    if IS_LONG and servers.own:
        os.kill(_pid("postgres/data/postmaster.pid"), signal.SIGQUIT)
        connection.close()
        _tend(site, "PostgreSQL stopped")
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    site.done["all connections of PostgreSQL cut"] += 1


def _pid(file: str) -> int:
    return int((home.data_home(environment.VAR_DIR) / file).read_text().split()[0])


def _tend(site: Site, what: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline
        servers.own.tend()
        try:
            connection.ensure_connection()
            redis.Redis.from_url(settings.REDIS_CACHE_URL).ping()
        except (OperationalError, redis.RedisError):
            time.sleep(0.2)
        else:
            site.done[what] += 1
            return


def wait_for(condition, deadline: float, site: Site) -> None:
    while not condition():
        assert time.monotonic() < deadline, tail(site)
        time.sleep(0.1)


def tail(site: Site) -> str:
    return (site.place / "log").read_text()[-3000:]
