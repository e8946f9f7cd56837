"""Survey mails per second: claimed, written, handed over, committed, each for itself, by one and several workers."""

import smtplib
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
from django.core.mail import EmailMultiAlternatives

from benchmarks import rows as make
from benchmarks import sink
from benchmarks.clients import WARM_UP, Calls, Clients
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import FEW, Site

TARGET, LATE_TARGET = 0.50, 0.90
WORKERS = (1, 2, 4)
LATENCIES = (0.020, 0.100)
MOST_PER_SECOND = 1500

# What must be written down for each mail at least: who has it in hand, and what became of it.
CLAIM = """
\\set n :n + 1
UPDATE surveys_delivery SET state = 'TRANSMITTING', lease_token = gen_random_uuid(), lease_expires_at = now()
WHERE id = (SELECT min(id) + :n - 1 FROM surveys_delivery) AND state = 'PENDING';
UPDATE surveys_delivery SET state = 'ACCEPTED', lease_token = NULL, lease_expires_at = NULL, settled_at = now()
WHERE id = (SELECT min(id) + :n - 1 FROM surveys_delivery) AND state = 'TRANSMITTING';
"""

_ACCEPTED = "SELECT count(*) FROM surveys_delivery WHERE state = 'ACCEPTED'"

Database = psycopg.Connection[Any]


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    most = FEW + round(MOST_PER_SECOND * scale.seconds)
    with site.database() as database:
        make.programme()
        make.customers(database, most)
        campaign = _campaign(database)
        _fill(database, campaign)
        message = _message(campaign)
        bare = site.pgbench(CLAIM, clients=1, seconds=scale.seconds, n=0)
        for workers in WORKERS:
            row = partial(_row, database, scale, campaign, message, workers=workers)
            yield row(latency=0).noted(f"bare claim and commit of a delivery by one client of pgbench: {bare:,.0f} /s")
        for latency in LATENCIES:
            yield _row(database, scale, campaign, message, workers=2, latency=latency)


def _row(database: Database, scale: Scale, campaign: int, message: bytes, *, workers: int, latency: float) -> Row:
    server = f", a server that takes {1000 * latency:.0f} ms for each" if latency else ""
    with sink.running(latency) as port, Clients(workers) as clients:

        def limit(_turn: int) -> float:
            return workers / latency if latency else _bare(port, message, scale.seconds)

        def ours(_turn: int) -> float:
            _fill(database, campaign)
            return _sent(database, clients, port, workers, scale.seconds)

        return side_by_side(
            work=f"survey mails, {_number(workers, 'worker')}{server}",
            beside="what the connections allow" if latency else "bare smtplib, one connection, the same mail ready",
            limit=limit,
            ours=ours,
            unit="/s",
            target=LATE_TARGET if latency else TARGET,
            scale=scale,
        )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _campaign(database: Database) -> int:
    from surveys.models import Campaign, Occurrence, Question, Survey

    database.execute("UPDATE customers_customer SET email = 'customer' || id || '@example.org'")
    database.execute(
        "INSERT INTO customers_consent (customer_id, purpose, granted_at, granted_by, withdrawn_by)"
        " SELECT id, 'survey_email', %s, 'system', '' FROM customers_customer",
        [make.AT],
    )
    survey = Survey.objects.create(title={"en": "How was it?"}, published_at=make.AT)
    Question.objects.create(survey=survey, position=1, kind="NPS", text={"en": "Would you recommend us?"})
    campaign = Campaign.objects.create(
        name="Visits", survey=survey, state="SENDING", starts_at=make.AT, scheduled_by="system", materialized_at=make.AT
    )
    Occurrence.objects.create(campaign=campaign, local_date=make.AT.date(), due_at=make.AT, began_at=make.AT)
    return int(campaign.pk)


def _fill(database: Database, campaign: int) -> None:
    """A delivery for everybody."""
    database.execute("TRUNCATE surveys_delivery, customers_contact CASCADE")
    database.execute(
        "INSERT INTO surveys_delivery"
        " (campaign_id, occurrence_id, customer_id, touch, state, reason, attempts, not_before, smtp_reply)"
        " SELECT %s, occurrence.id, customer.id, 1, 'PENDING', '', 0, %s, ''"
        " FROM customers_customer customer, surveys_occurrence occurrence",
        [campaign, make.AT],
    )
    database.execute("VACUUM ANALYZE surveys_delivery")


def _message(campaign: int) -> bytes:
    return _compose(campaign).message().as_bytes(linesep="\r\n")


def _compose(campaign: int) -> EmailMultiAlternatives:
    from rewards.models import Program
    from surveys.domain import invitations
    from surveys.models import Delivery

    delivery = Delivery.objects.filter(campaign=campaign).select_related("campaign__survey", "customer").first()
    assert delivery is not None
    return invitations.compose(delivery=delivery, program=Program.objects.current())


def _bare(port: int, message: bytes, seconds: float) -> float:
    with smtplib.SMTP("127.0.0.1", port) as server:
        number, began = 0, time.perf_counter()
        while number < FEW or time.perf_counter() - began < seconds:
            server.sendmail("hello@example.org", [f"customer{number}@example.org"], message)
            number += 1
        return number / (time.perf_counter() - began)


def _sent(database: Database, clients: Clients, port: int, workers: int, seconds: float) -> float:
    runs_per_second = clients.rate(sending, [(port, seconds)] * workers, seconds=seconds)
    (accepted,) = database.execute(_ACCEPTED).fetchone() or (0,)
    if accepted < 1:
        raise RuntimeError("no mail left")
    return float(accepted * runs_per_second / workers)


def sending(port: int, seconds: float) -> Calls:
    """One run of the sender, after the mail was written a few times."""
    from django.utils import timezone

    from loyalty_site.lib.smtp import EmailBackend
    from surveys.domain import deliveries
    from surveys.models import Campaign

    campaign = Campaign.objects.get().pk
    mailer = EmailBackend(host="127.0.0.1", port=port, timeout=5)

    def send() -> None:
        # With few mails it ends when all have left, however slow the machine is.
        until = timezone.now() + timedelta(seconds=seconds if seconds >= 1 else 60)
        deliveries.send_due(mailer=mailer, clock=timezone.now, until=until)

    return [lambda: _compose(campaign)] * WARM_UP + [send]
