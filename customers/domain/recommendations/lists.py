"""A customer's list, with its reasons in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from customers.models import Category, Customer, Product, Recommendation, RecommendationKind, Store

SIZE = 12
NEW_SLOTS = 4

Names = dict[str, dict[int, str]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A recommendation for people: `reason` is a sentence in the active language."""

    sku: str
    name: str
    category: str
    kind: str
    score: float
    reason: str


def for_customer(*, customer: Customer, limit: int) -> list[Suggestion]:
    """Best first; none for who switched them off. At most four queries, however many there are."""
    shown = customer.recommendations.filter(customer__profiling_refused_at__isnull=True)
    rows = list(shown.select_related("product__category").order_by("rank")[:limit])
    names = _names(rows)
    return [
        Suggestion(
            sku=row.product.sku,
            name=row.product.name,
            category=row.product.category.name if row.product.category else "",
            kind=row.kind,
            score=row.score,
            reason=_in_words(row, names),
        )
        for row in rows
    ]


def _names(rows: Iterable[Recommendation]) -> Names:
    """Of what reasons speak of."""
    found: Names = {}
    for key, model in (("because", Product), ("category", Category), ("store", Store)):
        ids = {row.reason[key] for row in rows if key in row.reason}
        found[key] = dict(model._default_manager.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    return found


def _in_words(row: Recommendation, names: Names) -> str:
    if row.kind == RecommendationKind.AGAIN:
        return _again(row)
    for key, words in (
        ("because", gettext("People who buy %(name)s often take this too.")),
        ("category", gettext("You like %(name)s, and many take this.")),
        ("store", gettext("Many take this at %(name)s.")),
    ):
        if name := names[key].get(row.reason.get(key, 0)):
            return words % {"name": name}
    return gettext("Many customers take this.")


def _again(row: Recommendation) -> str:
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
    elif days < 6 or 8 < days < 11:
        count = days
        text = ngettext(
            "You buy this nearly every day, last on %(day)s.",
            "You buy this about every %(count)s days, last on %(day)s.",
            count,
        )
    else:
        count = round(days / 7)
        text = ngettext(
            "You buy this about every week, last on %(day)s.",
            "You buy this about every %(count)s weeks, last on %(day)s.",
            count,
        )
    return text % {"count": count, "day": day}
