"""Forgetting who had the points."""

from collections.abc import Iterable

from django.db import transaction

from rewards.models import CouponRedemption, GestureMail, MailingMail, PointsNotice


@transaction.atomic
def erase(*, customer_ids: Iterable[int]) -> None:
    """The books name nobody; what a mail server said of an address does, and what somebody wrote may."""
    ids = list(customer_ids)
    for queue in (PointsNotice, GestureMail, MailingMail):
        queue._default_manager.filter(customer__in=ids).exclude(smtp_reply="").update(smtp_reply="")
    CouponRedemption.objects.filter(customer__in=ids).exclude(reason="").update(reason="")
