"""Wake-ups: what is due stands in the rows."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.core import mail
from django.utils import timezone

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import (
    alerts,
    code_batches,
    coupon_refusals,
    gesture_mails,
    import_jobs,
    mail_queue,
    mailings,
    notices,
    points,
    surprises,
    tiers,
)

LOTS_AT_ONCE = 2000
CUSTOMERS_AT_ONCE = 2000
# Well under the broker's visibility timeout; the next tick goes on.
SENDING_TIME = timedelta(seconds=50)
# What is nearest to its end comes first.
QUEUES: tuple[mail_queue.Queue[Any], ...] = (notices.QUEUE, gesture_mails.QUEUE, mailings.QUEUE)


@shared_task(name="rewards.expire_points")
def expire_points(**kwargs: object) -> None:
    """Books what has lapsed, in short transactions, so that no till waits for it."""
    now = timezone.now()
    while points.expire(at=now, limit=LOTS_AT_ONCE):
        pass


@shared_task(name="rewards.note_alerts")
def note_alerts(**kwargs: object) -> None:
    alerts.look_over(at=timezone.now())


@shared_task(name="rewards.forget_refusals")
def forget_refusals(**kwargs: object) -> None:
    coupon_refusals.forget(at=timezone.now())


@shared_task(name="rewards.review_tiers")
def review_tiers(**kwargs: object) -> None:
    """Decides who keeps a tier whose time is over, and moves up who reached one that is new or has got cheaper."""
    now = timezone.now()
    while tiers.review(at=now, limit=CUSTOMERS_AT_ONCE, by=SYSTEM):
        pass
    after: int | None = 0
    while after is not None:
        after = tiers.reach_page(after=after, limit=CUSTOMERS_AT_ONCE, by=SYSTEM, at=now)


@shared_task(name="rewards.give_surprises")
def give_surprises(**kwargs: object) -> None:
    surprises.look_over(clock=timezone.now, until=timezone.now() + SENDING_TIME)


@shared_task(name="rewards.prepare_notices")
def prepare_notices(**kwargs: object) -> None:
    notices.prepare(at=timezone.now())


@shared_task(name="rewards.prepare_gesture_mails")
def prepare_gesture_mails(**kwargs: object) -> None:
    gesture_mails.prepare(at=timezone.now())


@shared_task(name="rewards.materialize_mailings")
def materialize_mailings(**kwargs: object) -> None:
    mailings.materialize_due(at=timezone.now())
    mailings.settle_states(at=timezone.now())


@shared_task(name="rewards.send_notices")
def send_notices(**kwargs: object) -> None:
    """All mails of the programme that are due, each kind in its turn."""
    until = timezone.now() + SENDING_TIME
    for queue in QUEUES:
        mail_queue.reconcile(queue=queue, at=timezone.now())
        mail_queue.send_due(queue=queue, mailer=mail.get_connection(), clock=timezone.now, until=until)


@shared_task(name="rewards.run_import")
def run_import(import_id: int | None = None, **kwargs: object) -> None:
    """Checks or imports a file that staff brought; without an id all that wait, or whose worker was killed."""
    for pk in [import_id] if import_id else import_jobs.due(at=timezone.now()):
        import_jobs.work(import_id=pk, clock=timezone.now)


@shared_task(name="rewards.make_codes")
def make_codes(batch_id: int | None = None, **kwargs: object) -> None:
    """Makes a batch of codes; without an id all that wait, or whose worker was killed."""
    for pk in [batch_id] if batch_id else code_batches.due():
        code_batches.work(batch_id=pk, clock=timezone.now)
