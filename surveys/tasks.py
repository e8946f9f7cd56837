"""Wake-ups. What is due stands in the database; a task that runs twice or not at all does no harm."""

from datetime import timedelta

from celery import shared_task
from django.core import mail
from django.utils import timezone

from rewards.domain import mail_queue
from surveys.domain import anonymity, campaigns, case_mails, deliveries

# Well under the broker's visibility timeout; the next tick goes on.
SENDING_TIME = timedelta(seconds=50)


@shared_task(name="surveys.materialize_campaigns")
def materialize_campaigns(**kwargs: object) -> None:
    campaigns.materialize_due(at=timezone.now())


@shared_task(name="surveys.send_deliveries")
def send_deliveries(**kwargs: object) -> None:
    until = timezone.now() + SENDING_TIME
    deliveries.send_due(mailer=mail.get_connection(), clock=timezone.now, until=until)
    campaigns.settle_states(at=timezone.now())


@shared_task(name="surveys.reconcile_deliveries")
def reconcile_deliveries(**kwargs: object) -> None:
    deliveries.reconcile(at=timezone.now())
    campaigns.settle_states(at=timezone.now())


@shared_task(name="surveys.mix_answers")
def mix_answers(**kwargs: object) -> None:
    anonymity.mix(at=timezone.now())


@shared_task(name="surveys.send_case_mails")
def send_case_mails(**kwargs: object) -> None:
    until = timezone.now() + SENDING_TIME
    mail_queue.reconcile(queue=case_mails.QUEUE, at=timezone.now())
    mail_queue.send_due(queue=case_mails.QUEUE, mailer=mail.get_connection(), clock=timezone.now, until=until)
