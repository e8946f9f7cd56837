"""Everything about one customer, from all apps, for the back office's page of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case as Chosen
from django.db.models import Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from customers.admin import rhythm_pictures
from customers.domain import customers
from customers.domain.recommendations import lists
from customers.models import AuditEvent, Consent, Customer, CustomerMerge, Purchase, Purpose, Rhythm
from loyalty_site.lib.admin import actor_label, list_url, named, own_stores
from rewards.domain import explanations, points, queries, tiers
from rewards.models import Coupon, PointsEntry, RewardRedemption, TierChange
from surveys.domain import cases as cases_domain
from surveys.models import WAITING, Case, SurveyResponse

NEWEST = 8
ALLOW, WITHDRAW = CONSENT_VERBS = ("allow", "withdraw")


def show(request: HttpRequest, *, customer: Customer, at: datetime) -> dict[str, Any]:
    """The page's context: what this member of staff may see, the newest of each."""
    sections: dict[str, tuple[str, Callable[[], Any]]] = {
        "ledger": ("rewards.view_pointsentry", lambda: ledger(customer)),
        "purchases": ("customers.view_purchase", lambda: purchases(request, customer)),
        "coupons": ("rewards.view_coupon", lambda: coupons(customer)),
        "redemptions": ("rewards.view_rewardredemption", lambda: redemptions(customer)),
        "responses": ("surveys.view_surveyresponse", lambda: responses(customer)),
        "cases": ("surveys.view_case", lambda: cases(request, customer)),
        "consents": ("customers.view_consent", lambda: consents(customer)),
        "events": ("customers.view_auditevent", lambda: events(customer)),
        "rhythm": ("customers.view_rhythm", lambda: rhythm(customer, at)),
        "recommended": ("customers.view_recommendation", lambda: recommended(customer, at)),
        "standing": ("rewards.view_tiermembership", lambda: tiers.standing(customer=customer, at=at)),
    }
    allowed = {name: read() for name, (permission, read) in sections.items() if request.user.has_perm(permission)}
    number = [("q", customer.number)]
    return {
        "customer_row": customer,
        "summary": points.summary(customer=customer, at=at),
        "now": at,
        **allowed,
        "links": {
            "ledger": list_url(PointsEntry, number),
            "purchases": list_url(Purchase, number),
            "coupons": list_url(Coupon, number),
            "redemptions": list_url(RewardRedemption, number),
            "responses": list_url(SurveyResponse, number),
            "cases": list_url(Case, number),
            "new_case": f"{reverse('admin:surveys_case_add')}?customer={customer.number}",
            "consents": list_url(Consent, number),
            "tiers": list_url(TierChange, number),
            "events": list_url(AuditEvent, [("q", f"customer:{customer.pk}")]),
        },
        "may_open_cases": request.user.has_perm("surveys.add_case") and customer.closed_at is None,
        "profiling_verb": profiling_verb(customer),
        "may_change_consents": request.user.has_perm("customers.change_consent"),
        "merges": merges(customer) if request.user.has_perm("customers.view_customermerge") else [],
    }


def profiling_verb(customer: Customer) -> str:
    """What can be done about their recommendations."""
    return WITHDRAW if customer.profiling_refused_at is None else ALLOW


def recommended(customer: Customer, at: datetime) -> list[lists.Suggestion]:
    return lists.for_customer(customer=customer, limit=NEWEST, at=at)


def rhythm(customer: Customer, at: datetime) -> dict[str, Any] | None:
    """How they buy and what they may bring, in words and drawings; None before the first night after a purchase."""
    row = Rhythm.objects.filter(customer=customer).first()
    if row is None:
        return None
    return {
        "row": row,
        "away": rhythm_pictures.away(row, today=timezone.localdate(at)),
        "stays_away": rhythm_pictures.stays_away(row),
        "ahead": rhythm_pictures.ahead(row),
        "url": list_url(Rhythm, [("group__exact", row.group)]),
    }


def ledger(customer: Customer) -> Sequence[PointsEntry]:
    return explanations.explained(queries.ledger_page(customer=customer, limit=NEWEST))


def purchases(request: HttpRequest, customer: Customer) -> list[Purchase]:
    bought = Purchase.objects.filter(customer=customer).select_related("store")
    stores = own_stores(request)
    return list((bought.filter(store__in=stores) if stores else bought).order_by("-purchased_at", "-id")[:NEWEST])


def coupons(customer: Customer) -> list[Coupon]:
    return list(Coupon.objects.filter(customer=customer).select_related("offer").order_by("-pk")[:NEWEST])


def redemptions(customer: Customer) -> list[RewardRedemption]:
    taken = RewardRedemption.objects.filter(customer=customer).select_related("reward")
    return list(taken.order_by("-pk")[:NEWEST])


def responses(customer: Customer) -> list[SurveyResponse]:
    """Those too that were given before a merge: they stay with the customer whom the mail was for."""
    given = SurveyResponse.objects.filter(customer__in=customers.family(customer=customer)).select_related("survey")
    return list(given.prefetch_related("answers__question").order_by("-pk")[:NEWEST])


def cases(request: HttpRequest, customer: Customer) -> list[Case]:
    """What waits first; staff who belong to stores see those of their stores."""
    own = cases_domain.seen_by(stores=own_stores(request)).filter(customer__in=customers.family(customer=customer))
    is_over = Chosen(When(state__in=WAITING, then=Value(0)), default=Value(1))
    return list(own.select_related("store").order_by(is_over, "due_at", "-pk")[:NEWEST])


def consents(customer: Customer) -> list[dict[str, Any]]:
    """One row for each purpose, allowed or not."""
    given = Consent.objects.filter(customer=customer, withdrawn_at__isnull=True).annotate(giver=named("granted_by"))
    by_purpose = {consent.purpose: consent for consent in given}
    return [
        {
            "purpose": purpose,
            "consent": by_purpose.get(purpose),
            "giver": actor_label(getattr(by_purpose.get(purpose), "giver", "")),
            "url": reverse(
                "admin:customers_customer_consent",
                args=[customer.pk, purpose.value, WITHDRAW if purpose in by_purpose else ALLOW],
            ),
        }
        for purpose in Purpose
    ]


def merges(customer: Customer) -> list[CustomerMerge]:
    """Those that made the customer what they are, newest first."""
    joined = CustomerMerge.objects.filter(target=customer, undone_at__isnull=True).select_related("source", "target")
    return list(joined.order_by("-pk"))


def events(customer: Customer) -> list[dict[str, Any]]:
    rows = AuditEvent.objects.filter(subject=f"customer:{customer.pk}").annotate(named_actor=named("actor"))
    return [{"event": event, "who": actor_label(event.named_actor)} for event in rows.order_by("-id")[:NEWEST]]
