"""Forgetting who answered."""

from collections.abc import Iterable

from django.db import transaction

from surveys.models import Answer, Delivery


@transaction.atomic
def erase(*, customer_ids: Iterable[int]) -> None:
    """Scores stay, words go: they can name the person, as can what a mail server said of their address."""
    ids = list(customer_ids)
    Answer.objects.filter(response__customer__in=ids).exclude(text="").delete()
    Delivery.objects.filter(customer__in=ids).exclude(smtp_reply="").update(smtp_reply="")
