"""Opened links of mails: remembered apart from answers, because programs open them too."""

from datetime import datetime

from surveys.models import Delivery, Intent

# So many scores within so short a time: nobody makes up their mind like that.
SCORES = 3
SECONDS = 10


def note(
    *, delivery: Delivery, score: int | None = None, is_head: bool = False, is_trap: bool = False, at: datetime
) -> None:
    """The first time of each kind of hit; later ones change nothing. An anonymous survey keeps no score."""
    if delivery.campaign.survey.is_anonymous:
        score = None
    hit = Intent(delivery=delivery, score=score, is_head=is_head, is_trap=is_trap, at=at)
    Intent.objects.bulk_create([hit], ignore_conflicts=True)
