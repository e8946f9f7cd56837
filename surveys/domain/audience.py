"""Whom a campaign is for, and who of them must not get it.

One condition in SQL for all who ask: the preview, the freezing of the audience, the claim and the last look before a
mail leaves.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When

from customers.models import Consent, Customer, Purchase, Purpose, SegmentMember
from surveys.models import Campaign, SuppressionReason


def of(*, campaign: Campaign, at: datetime) -> QuerySet[Customer]:
    """Everybody in the programme whom the campaign's filters choose, sent to or not."""
    stores = Campaign.stores.through._default_manager.filter(campaign_id=campaign.pk)
    chosen = Customer.objects.filter(
        ~Exists(stores) | Exists(stores.filter(store_id=OuterRef("home_store_id"))), closed_at__isnull=True
    )
    if campaign.segment_id:
        chosen = chosen.filter(
            Exists(SegmentMember.objects.filter(segment=campaign.segment_id, customer=OuterRef("pk")))
        )
    if campaign.bought_within_days is None:
        return chosen
    since = at - timedelta(days=campaign.bought_within_days)
    bought = Purchase.objects.filter(customer=OuterRef("pk"), purchased_at__gte=since, purchased_at__lte=at)
    return chosen.filter(Exists(bought))


def suppression_reason() -> Case:
    """Why a customer must not get a survey by mail; empty when they may. An expression over Customer."""
    consents = Consent.objects.filter(customer=OuterRef("pk"), purpose=Purpose.SURVEY_EMAIL, withdrawn_at__isnull=True)
    return Case(
        When(closed_at__isnull=False, then=Value(SuppressionReason.CLOSED)),
        When(email="", then=Value(SuppressionReason.NO_EMAIL)),
        When(~Exists(consents), then=Value(SuppressionReason.NO_CONSENT)),
        default=Value(""),
    )


def mailable() -> QuerySet[Customer]:
    """Everybody who may get a survey by mail."""
    return Customer.objects.alias(barrier=suppression_reason()).filter(barrier="")


def barriers(customer_ids: Iterable[int]) -> dict[int, str]:
    """The suppression reason of each of a few customers."""
    return dict(Customer.objects.filter(pk__in=customer_ids).values_list("pk", suppression_reason()))
