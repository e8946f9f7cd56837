"""Forgetting who had the points."""

from collections.abc import Iterable

from django.db import transaction

from rewards.models import PointsNotice


@transaction.atomic
def erase(*, customer_ids: Iterable[int]) -> None:
    """The books name nobody; what a mail server said of an address does."""
    PointsNotice.objects.filter(customer__in=list(customer_ids)).exclude(smtp_reply="").update(smtp_reply="")
