"""A customer's list, with its reasons in words."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, F, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from customers.models import Category, Customer, Product, Recommendation, RecommendationKind, Store

SIZE = 12
NEW_SLOTS = 4

_NAMED: tuple[tuple[str, type[Model]], ...] = (("because", Product), ("category", Category), ("store", Store))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A recommendation for people: `reason` is a sentence to the customer in the active language, `hint` says it in few
    words to whoever serves them."""

    sku: str
    name: str
    category: str
    kind: str
    score: float
    reason: str
    hint: str


def for_customer(*, customer: Customer, limit: int, at: datetime) -> list[Suggestion]:
    """Best first; none for who switched them off, nothing that is given up at `at`. One query."""
    rows = _rows(at).filter(customer=customer, customer__profiling_refused_at__isnull=True)
    return [_suggestion(row) for row in rows.order_by("rank")[:limit]]


def _rows(at: datetime) -> QuerySet[Recommendation, Any]:
    """With the names that their reasons speak of."""
    offered = Q(product__discontinued_at__isnull=True) | Q(product__discontinued_at__gt=at)
    return Recommendation.objects.filter(offered).annotate(
        product_sku=F("product__sku"),
        product_name=F("product__name"),
        product_category=F("product__category__name"),
        **{f"{key}_name": _name(key, model) for key, model in _NAMED},
    )


def _name(key: str, model: type[Model]) -> Subquery:
    pk = Cast(KeyTextTransform(key, OuterRef("reason")), BigIntegerField())
    return Subquery(model._default_manager.filter(pk=pk).values("name"))


def _suggestion(row: Any) -> Suggestion:
    reason, hint = _again(row) if row.kind == RecommendationKind.AGAIN else _new(row)
    return Suggestion(
        sku=row.product_sku,
        name=row.product_name,
        category=row.product_category or "",
        kind=row.kind,
        score=row.score,
        reason=reason,
        hint=hint,
    )


def _new(row: Any) -> tuple[str, str]:
    for name, reason, hint in (
        (row.because_name, gettext("People who buy %(name)s often take this too."), gettext("goes with %(name)s")),
        (row.category_name, gettext("You like %(name)s, and many take this."), gettext("likes %(name)s")),
        (row.store_name, gettext("Many take this at %(name)s."), gettext("popular at %(name)s")),
    ):
        if name:
            return reason % {"name": name}, hint % {"name": name}
    return gettext("Many customers take this."), gettext("popular")


def _again(row: Any) -> tuple[str, str]:
    last_on, days = date.fromisoformat(row.reason["last_on"]), row.reason.get("every_days")
    is_long_ago = row.made_at.date() - last_on > timedelta(days=300)
    day = date_format(last_on, "DATE_FORMAT" if is_long_ago else "MONTH_DAY_FORMAT")
    if days is None:
        count = row.reason["times"]
        text = ngettext(
            "You bought this on %(count)s day, last on %(day)s.",
            "You bought this on %(count)s days, last on %(day)s.",
            count,
        )
        hint = ngettext("bought on %(count)s day, last on %(day)s", "bought on %(count)s days, last on %(day)s", count)
    elif days < 6 or 8 < days < 11:
        count = days
        text = ngettext(
            "You buy this nearly every day, last on %(day)s.",
            "You buy this about every %(count)s days, last on %(day)s.",
            count,
        )
        hint = ngettext("nearly every day, last on %(day)s", "about every %(count)s days, last on %(day)s", count)
    else:
        count = round(days / 7)
        text = ngettext(
            "You buy this about every week, last on %(day)s.",
            "You buy this about every %(count)s weeks, last on %(day)s.",
            count,
        )
        hint = ngettext("about every week, last on %(day)s", "about every %(count)s weeks, last on %(day)s", count)
    told = {"count": count, "day": day}
    return text % told, hint % told
