"""Forgetting who answered."""

from collections.abc import Iterable

import pgtrigger
from django.db import transaction

from surveys.models import Answer, Case, CaseEvent, CaseMail, Delivery, PartialResponse


@transaction.atomic
def erase(*, customer_ids: Iterable[int]) -> None:
    """Scores stay, words go: they can name the person, as can what a mail server said of their address."""
    ids = list(customer_ids)
    Answer.objects.filter(response__customer__in=ids).exclude(text="").delete()
    PartialResponse.objects.filter(delivery__customer__in=ids).delete()
    Delivery.objects.filter(customer__in=ids).exclude(smtp_reply="").update(smtp_reply="")
    _forget_words(ids)


def _forget_words(customer_ids: list[int]) -> None:
    """Of their cases what happened when stays, and nothing of what anybody wrote or to whom."""
    own = Case.objects.filter(customer__in=customer_ids) | Case.objects.filter(response__customer__in=customer_ids)
    ids = list(own.values_list("pk", flat=True))
    Case.objects.filter(pk__in=ids).update(subject="", address="")
    with pgtrigger.ignore("surveys.CaseEvent:append_only"):
        CaseEvent.objects.filter(case__in=ids).update(text="", address="", message_id="", attachments=[])
    CaseMail.objects.filter(event__case__in=ids).exclude(smtp_reply="").update(smtp_reply="")
