"""Tasks of the site itself."""

from celery import shared_task
from django.utils import timezone

from loyalty_site import heartbeat


@shared_task(name="loyalty_site.note_heartbeat")
def note_heartbeat(**kwargs: object) -> None:
    heartbeat.note(at=timezone.now())
