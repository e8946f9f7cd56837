"""Whom a mailing is for, and who of them must not get it: one condition in SQL for the preview and the freezing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, Exists, OuterRef, QuerySet, Value, When

from customers.domain import profiling, suppressions
from customers.models import Consent, Customer, Purchase, Purpose, SegmentMember
from rewards.domain.redeemers import histories
from rewards.models import MailBarrier, Mailing


@dataclass(frozen=True, slots=True)
class Preflight:
    """Of `total` customers in the audience `mailable` may be written to; `reasons` says why the others may not. Of the
    mailable ones `chosen` are the likeliest to use the offer, or come by lot (`is_lot`) where too little is known; who
    switched recommendations off is not ranked. Of the chosen the hold-out takes its part."""

    total: int
    mailable: int
    reasons: Mapping[MailBarrier, int]
    chosen: int
    is_lot: bool


def of(*, mailing: Mailing, at: datetime) -> QuerySet[Customer]:
    """Everybody in the programme whom the mailing's filters choose, and who is in the segment that its offer is for."""
    stores = Mailing.stores.through._default_manager.filter(mailing_id=mailing.pk)
    chosen = Customer.objects.filter(
        ~Exists(stores) | Exists(stores.filter(store_id=OuterRef("home_store_id"))), closed_at__isnull=True
    )
    for segment in {mailing.segment_id, mailing.offer.segment_id} - {None}:
        chosen = chosen.filter(Exists(SegmentMember.objects.filter(segment=segment, customer=OuterRef("pk"))))
    if mailing.bought_within_days is None:
        return chosen
    since = at - timedelta(days=mailing.bought_within_days)
    bought = Purchase.objects.filter(customer=OuterRef("pk"), purchased_at__gte=since, purchased_at__lte=at)
    return chosen.filter(Exists(bought))


def barrier() -> Case:
    """Why a customer must not get offers by mail; empty when they may. An expression over Customer."""
    allowed = Consent.objects.filter(
        customer=OuterRef("pk"), purpose=Purpose.MARKETING_EMAIL, withdrawn_at__isnull=True
    )
    return Case(
        When(email="", then=Value(MailBarrier.NO_EMAIL)),
        When(suppressions.holds_back(), then=Value(MailBarrier.SUPPRESSED_ADDRESS)),
        When(~Exists(allowed), then=Value(MailBarrier.NO_CONSENT)),
        default=Value(""),
    )


def preflight(*, mailing: Mailing, at: datetime) -> Preflight:
    """What freezing the audience would find at `at`; no query for each customer."""
    audience = of(mailing=mailing, at=at).annotate(barrier=barrier())
    counts = dict(audience.values_list("barrier").annotate(n=Count("pk")).order_by("barrier"))
    mailable = counts.pop("", 0)
    reasons = {MailBarrier(reason): number for reason, number in counts.items()}
    rankable = audience.filter(profiling.ALLOWED, barrier="").count() if mailing.likely_max else mailable
    chosen = min(rankable, mailing.likely_max or mailable)
    is_lot = chosen < rankable and not histories.is_enough(histories.past(at=at))
    total = mailable + sum(counts.values())
    return Preflight(total=total, mailable=mailable, reasons=reasons, chosen=chosen, is_lot=is_lot)
