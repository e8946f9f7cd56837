"""Mails that wait go to the customer whom a merge leaves, and back while they still wait.

What a sender has in hand stays: it goes to the address that it was written for.
"""

from collections.abc import Mapping
from typing import TypeVar

from django.db.models import OuterRef, QuerySet, Subquery

from customers.domain import merges
from customers.models import CustomerMerge
from rewards.models import GestureMail, MailBarrier, MailingMail, MailState

EXCHANGED = "exchanged mails"
Mail = TypeVar("Mail", GestureMail, MailingMail)
_SAID = ("state", "reason", "coupon_id", "attempts", "not_before", "claimed_at", "settled_at", "smtp_reply")


def carry_over(*, merge: CustomerMerge) -> None:
    """Of a mailing each customer has one row: where the target's says that they could not be written to, as the source
    could, the two rows exchange what they say. Surprises are with the target by now; the caller saves the record."""
    gestures = GestureMail.objects.filter(customer=merge.source_id, surprise__customer=merge.target_id)
    merges.move(merge=merge, rows=_waiting(gestures))
    own = MailingMail.objects.filter(customer=merge.target_id, mailing=OuterRef("mailing"))
    unwritten = own.filter(reason__in=[MailBarrier.NO_EMAIL, MailBarrier.NO_CONSENT])
    mails = _waiting(MailingMail.objects.filter(customer=merge.source_id))
    known, free = Subquery(own.values("pk")), Subquery(unwritten.values("pk"))
    merges.move(merge=merge, rows=mails.alias(known=known).filter(known=None))
    pairs = mails.annotate(free=free).filter(customer=merge.source_id, free__isnull=False)
    merge.moved[EXCHANGED] = [list(pair) for pair in pairs.order_by("pk").values_list("pk", "free")]
    for source, target in merge.moved[EXCHANGED]:
        _exchange(source, target)


def separate(*, merge: CustomerMerge) -> None:
    """What the target was told meanwhile stays there."""
    _give_back(merge, GestureMail.objects.filter(customer=merge.target_id))
    _give_back(merge, MailingMail.objects.filter(customer=merge.target_id))
    for source, target in merge.moved.get(EXCHANGED, []):
        if _waiting(MailingMail.objects.filter(pk=target)).exists():
            _exchange(source, target)


def _give_back(merge: CustomerMerge, mails: QuerySet[Mail]) -> None:
    settled = mails.exclude(pk__in=_waiting(mails).values("pk"))
    merges.move_back(merge=merge, model=mails.model, since=settled)


def _waiting(mails: QuerySet[Mail]) -> QuerySet[Mail]:
    """Those that nobody sends at this moment, kept from senders until the transaction ends."""
    free = mails.filter(state=MailState.PENDING).select_for_update(skip_locked=True, of=("self",), no_key=True)
    return mails.model._default_manager.filter(pk__in=list(free.values_list("pk", flat=True)))


def _exchange(one: int, other: int) -> None:
    """In three steps, as a coupon is in one row at a time."""
    rows: Mapping[int, dict[str, object]] = {
        row.pop("pk"): row for row in MailingMail.objects.filter(pk__in=[one, other]).values("pk", *_SAID)
    }
    MailingMail.objects.filter(pk__in=[one, other]).update(coupon=None)
    MailingMail.objects.filter(pk=one).update(**rows[other])
    MailingMail.objects.filter(pk=other).update(**rows[one])
