"""The Celery app as production runs it, with everything that takes minutes in seconds, and mortal: `celery -A
tests.torture.mortal`.

LOYALTY_DIES_AT names a step of a delivery and a count (`claimed 3`): there the process kills itself with SIGKILL,
after it has added a line to LOYALTY_DEATHS. LOYALTY_SENDS_AS_PEERS_DO replaces the sender by one that marks a batch
when all of it is sent: what the drill must catch.
"""

import os
from datetime import timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402 - needs the apps
from django.db import transaction  # noqa: E402

from loyalty_site.celery import app  # noqa: E402
from loyalty_site.lib import mail_replies  # noqa: E402
from rewards.domain import mail_server  # noqa: E402
from rewards.models import PauseCause, Program  # noqa: E402
from surveys import tasks  # noqa: E402
from surveys.domain import deliveries, invitations  # noqa: E402
from surveys.models import Delivery, DeliveryState  # noqa: E402
from tests.surveys.worker import die_at  # noqa: E402

SECOND = 1.0

settings.EMAIL_TIMEOUT = 2
deliveries.LEASE = timedelta(seconds=6)
deliveries.SERVER_PAUSE = timedelta(seconds=1)
mail_server.PROBE = timedelta(seconds=2)
mail_server.PAUSES = {cause: (timedelta(seconds=0.2), timedelta(seconds=1)) for cause in PauseCause}
mail_replies.FIRST_PAUSE, mail_replies.LONGEST_PAUSE = timedelta(seconds=0.5), timedelta(seconds=2)
tasks.SENDING_TIME = timedelta(seconds=3)
app.conf.broker_transport_options = {"visibility_timeout": 5, "socket_connect_timeout": 2}
app.conf.beat_schedule = {
    "materialize": {"task": "surveys.materialize_campaigns", "schedule": SECOND, "options": {"expires": 5}},
    "send": {"task": "surveys.send_deliveries", "schedule": SECOND / 2, "options": {"expires": 5}},
    "reconcile": {"task": "surveys.reconcile_deliveries", "schedule": SECOND, "options": {"expires": 5}},
}


def send_as_peers_do(*, mailer, clock, until, wait=None):
    program = Program.objects.current()
    with transaction.atomic():
        waiting = Delivery.objects.filter(state=DeliveryState.PENDING).select_for_update(skip_locked=True, of=("self",))
        batch = list(waiting.select_related("campaign__survey", "customer").order_by("pk")[:50])
        for delivery in batch:
            mail_replies.hand_over(invitations.compose(delivery=delivery, program=program), mailer)
        done = Delivery.objects.filter(pk__in=[delivery.pk for delivery in batch])
        done.update(state=DeliveryState.ACCEPTED, settled_at=clock())
    mail_replies.hang_up(mailer)
    return len(batch)


if os.environ.get("LOYALTY_SENDS_AS_PEERS_DO"):
    deliveries.send_due = send_as_peers_do
if os.environ.get("LOYALTY_DIES_AT"):
    step, count = os.environ["LOYALTY_DIES_AT"].split()
    die_at(step, int(count), deaths=os.environ["LOYALTY_DEATHS"])
