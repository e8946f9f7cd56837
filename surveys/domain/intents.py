"""Opened links of mails: remembered apart from answers, because programs open them too."""

from datetime import datetime, timedelta

from django.db import transaction

from surveys.models import Delivery, Intent

# So many scores within so short a time: nobody makes up their mind like that.
SCORES = 3
WITHIN = timedelta(seconds=10)


@transaction.atomic
def note(
    *, delivery: Delivery, score: int | None = None, is_head: bool = False, is_trap: bool = False, at: datetime
) -> None:
    """The first time of each kind of hit; later ones change nothing. An anonymous survey keeps no score.

    What a person does not do says of the delivery that a program opened it: HEAD, the trap, SCORES scores WITHIN.
    """
    if delivery.campaign.survey.is_anonymous:
        score = None
    if score is not None:  # of hits at the same moment each sees those before it
        Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    hit = Intent(delivery=delivery, score=score, is_head=is_head, is_trap=is_trap, at=at)
    Intent.objects.bulk_create([hit], ignore_conflicts=True)
    if is_head or is_trap or (score is not None and _is_in_a_hurry(delivery, at)):
        Delivery.objects.filter(pk=delivery.pk, opened_by_program=False).update(opened_by_program=True)


def _is_in_a_hurry(delivery: Delivery, at: datetime) -> bool:
    lately = Intent.objects.filter(delivery=delivery, is_head=False, score__isnull=False, at__gte=at - WITHIN)
    return lately.count() >= SCORES
