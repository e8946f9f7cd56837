"""Tasks of the site itself."""

import logging

from celery import shared_task
from django.utils import timezone

from customers.domain import built_segments
from loyalty_site import heartbeat
from loyalty_site.segment_facts import FACTS

logger = logging.getLogger(__name__)


@shared_task(name="loyalty_site.note_heartbeat")
def note_heartbeat(**kwargs: object) -> None:
    heartbeat.note(at=timezone.now())


@shared_task(name="loyalty_site.refresh_segments")
def refresh_segments(**kwargs: object) -> None:
    for name in built_segments.refresh_all(facts=FACTS, at=timezone.now()):
        logger.warning("segment %r keeps who was in it: a filter of it is no longer there", name)
