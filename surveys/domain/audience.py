"""Whom a campaign is for, and who of them must not get it.

One condition in SQL for all who ask: the preview, the freezing of the audience, the claim and the last look before a
mail leaves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from customers.domain import suppressions
from customers.models import Consent, Customer, Purchase, Purpose, SegmentMember
from surveys.models import Campaign, CampaignTrigger, Delivery, SuppressionReason

# Preflight of what follows purchases: those of so many days.
PREFLIGHT_DAYS = 30

EVERYBODY = Q()


@dataclass(frozen=True, slots=True)
class Preflight:
    """Of `total` customers in the audience `will_send` get the mail; `reasons` says why the others do not. After
    purchases: of the purchases of the last PREFLIGHT_DAYS."""

    total: int
    will_send: int
    reasons: dict[SuppressionReason, int]


def of(*, campaign: Campaign, at: datetime) -> QuerySet[Customer]:
    """Everybody in the programme whom the campaign's filters choose, sent to or not. After purchases, their stores
    choose (`purchases`)."""
    chosen = Customer.objects.filter(closed_at__isnull=True)
    if campaign.languages:
        chosen = chosen.filter(language__in=campaign.languages)
    if campaign.segment_id:
        chosen = chosen.filter(
            Exists(SegmentMember.objects.filter(segment=campaign.segment_id, customer=OuterRef("pk")))
        )
    if campaign.trigger == CampaignTrigger.AFTER_PURCHASE:
        return chosen
    if stores := _stores(campaign):
        chosen = chosen.filter(home_store__in=stores)
    if campaign.bought_within_days is None:
        return chosen
    since = at - timedelta(days=campaign.bought_within_days)
    bought = Purchase.objects.filter(customer=OuterRef("pk"), purchased_at__gte=since, purchased_at__lte=at)
    return chosen.filter(Exists(bought))


def purchases(*, campaign: Campaign) -> QuerySet[Purchase]:
    """Whatever customers bought in the campaign's stores."""
    bought = Purchase.objects.filter(customer__isnull=False)
    stores = _stores(campaign)
    return bought.filter(store__in=stores) if stores else bought


def _stores(campaign: Campaign) -> list[int]:
    return list(campaign.stores.values_list("pk", flat=True))


def preflight(*, campaign: Campaign, at: datetime) -> Preflight:
    """What freezing the audience would give at `at`, in two queries."""
    chosen: QuerySet[Any] = of(campaign=campaign, at=at)
    if campaign.trigger == CampaignTrigger.AFTER_PURCHASE:
        since = at - timedelta(days=PREFLIGHT_DAYS)
        people = chosen.filter(pk=OuterRef("customer_id"))
        bought = purchases(campaign=campaign).filter(purchased_at__gte=since, purchased_at__lte=at)
        why = people.annotate(why=suppression_reason()).values("why")
        chosen = bought.filter(Exists(people)).annotate(reason=Subquery(why))
    else:
        chosen = chosen.annotate(reason=suppression_reason())
    counts = dict(chosen.values_list("reason").annotate(n=Count("pk")).order_by("reason"))
    will_send = counts.pop("", 0)
    return Preflight(
        total=will_send + sum(counts.values()),
        will_send=will_send,
        reasons={SuppressionReason(reason): n for reason, n in counts.items()},
    )


def suppression_reason(*, of: Q = EVERYBODY) -> Case:
    """Why a customer must not get a survey by mail; empty when they may. An expression over Customer.

    `of` narrows the consents to those of the customers who are asked about: of a part of them PostgreSQL would read the
    consents of all.
    """
    consents = Consent.objects.filter(of, customer=OuterRef("pk"), purpose=Purpose.SURVEY_EMAIL)
    consents = consents.filter(withdrawn_at__isnull=True)
    return Case(
        When(closed_at__isnull=False, then=Value(SuppressionReason.CLOSED)),
        When(email="", then=Value(SuppressionReason.NO_EMAIL)),
        When(suppressions.holds_back(), then=Value(SuppressionReason.SUPPRESSED_ADDRESS)),
        When(~Exists(consents), then=Value(SuppressionReason.NO_CONSENT)),
        default=Value(""),
    )


def mailable() -> QuerySet[Customer]:
    """Everybody who may get a survey by mail."""
    return Customer.objects.alias(barrier=suppression_reason()).filter(barrier="")


def barriers(customer_ids: Iterable[int]) -> dict[int, str]:
    """The suppression reason of each of a few customers."""
    return dict(Customer.objects.filter(pk__in=customer_ids).values_list("pk", suppression_reason()))


def answered() -> QuerySet[Delivery]:
    """The mails that were answered, of anonymous surveys too."""
    return Delivery.objects.filter(Q(response__isnull=False) | Q(answered_on__isnull=False))


def is_answered() -> Exists:
    """Whether what a reminder reminds of was answered. An expression over Delivery."""
    return Exists(answered().filter(pk=OuterRef("reminds_id")))
