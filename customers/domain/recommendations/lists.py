"""A customer's list, with its reasons in words."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from customers.models import Customer, RecommendationKind
from loyalty_site.lib import statements

SIZE = 12
NEW_SLOTS = 4

# With the names that the reasons speak of.
_LIST = """
    SELECT p.sku, p.name, (SELECT name FROM customers_category WHERE id = p.category_id), r.kind, r.score, r.made_at,
        (SELECT name FROM customers_product WHERE id = (r.reason ->> 'because')::bigint),
        (SELECT name FROM customers_category WHERE id = (r.reason ->> 'category')::bigint),
        (SELECT name FROM customers_store WHERE id = (r.reason ->> 'store')::bigint),
        r.reason
    FROM customers_recommendation r
    JOIN customers_customer c ON c.id = r.customer_id AND c.profiling_refused_at IS NULL
    JOIN customers_product p ON p.id = r.product_id AND (p.discontinued_at IS NULL OR p.discontinued_at > %s)
    WHERE r.customer_id = %s ORDER BY r.rank LIMIT %s
"""


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


class _Row(NamedTuple):
    sku: str
    name: str
    category: str | None
    kind: str
    score: float
    made_at: datetime
    because: str | None
    liked: str | None
    store: str | None
    reason: dict[str, Any]


def for_customer(*, customer: Customer, limit: int, at: datetime) -> list[Suggestion]:
    """Best first; none for who switched them off, nothing that is given up at `at`. One query."""
    found = statements.rows(_LIST, (at, customer.pk, limit))
    return [_suggestion(_Row._make((*columns, json.loads(reason)))) for *columns, reason in found]


def _suggestion(row: _Row) -> Suggestion:
    reason, hint = _again(row) if row.kind == RecommendationKind.AGAIN else _new(row)
    return Suggestion(row.sku, row.name, row.category or "", row.kind, row.score, reason, hint)


def _new(row: _Row) -> tuple[str, str]:
    name = {"name": row.because or row.liked or row.store}
    if row.because:
        reason, hint = gettext("People who buy %(name)s often take this too."), gettext("goes with %(name)s")
    elif row.liked:
        reason, hint = gettext("You like %(name)s, and many take this."), gettext("likes %(name)s")
    elif row.store:
        reason, hint = gettext("Many take this at %(name)s."), gettext("popular at %(name)s")
    else:
        return gettext("Many customers take this."), gettext("popular")
    return reason % name, hint % name


def _again(row: _Row) -> tuple[str, str]:
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
    elif days == 1:
        count = 1
        text, hint = (
            gettext("You buy this nearly every day, last on %(day)s."),
            gettext("nearly every day, last on %(day)s"),
        )
    elif 6 <= days <= 8:
        count = 1
        text, hint = (
            gettext("You buy this about every week, last on %(day)s."),
            gettext("about every week, last on %(day)s"),
        )
    elif days < 11:
        count = days
        text = ngettext(
            "You buy this about every %(count)s day, last on %(day)s.",
            "You buy this about every %(count)s days, last on %(day)s.",
            count,
        )
        hint = ngettext(
            "about every %(count)s day, last on %(day)s", "about every %(count)s days, last on %(day)s", count
        )
    else:
        count = round(days / 7)
        text = ngettext(
            "You buy this about every %(count)s week, last on %(day)s.",
            "You buy this about every %(count)s weeks, last on %(day)s.",
            count,
        )
        hint = ngettext(
            "about every %(count)s week, last on %(day)s", "about every %(count)s weeks, last on %(day)s", count
        )
    told = {"count": count, "day": day}
    return text % told, hint % told
