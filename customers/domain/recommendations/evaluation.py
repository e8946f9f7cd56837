"""Measures the recommendations on a file: all but each customer's last basket is known, the last is foretold; or all
before a day is known, and the four weeks from it on are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from customers.domain.recommendations import baselines, measures, model
from customers.domain.recommendations.baskets import Baskets, Flags, Floats, Numbers, build
from customers.domain.recommendations.files import Columns
from customers.domain.recommendations.model import Ranked
from loyalty_site.lib.errors import DomainError

BASKETS_AT_LEAST = 3
WEEKS = 4
PARTS = ("all", "repeat", "new")
NEXT = ("next_basket", "next_basket_repeat")  # the first day of the four weeks on which a customer bought
OURS = "recommendations"


class NobodyToMeasure(DomainError):
    code = "nobody_to_measure"
    message = _(
        "No customer in the file has at least %(least)s baskets, so there is no basket to foretell. Bring a file with "
        "a longer time, and with the customer of each receipt."
    )


class DayOutside(DomainError):
    code = "day_outside"
    message = _("No customer in the file bought both before %(day)s and in the four weeks from then on.")


class CategoriesMissing(DomainError):
    code = "categories_missing"
    message = _("No line of the file has a category. Add the column “category”, or measure products (--at product).")


@dataclass(frozen=True, slots=True, eq=False)
class _Test:
    """`known` is what may be learned from; by customer the day and, by part, what is to be found."""

    known: Baskets
    today: Numbers
    truths: dict[str, measures.Truth]


def evaluate(
    columns: Columns, *, at: str = "product", size: int = 10, sold_at_least: int = 1, since: date | None = None
) -> dict[str, Any]:
    """Numbers for JSON; of the last baskets, or of the four weeks from `since` on. Raises NobodyToMeasure, DayOutside,
    CategoriesMissing."""
    history, category = _history(columns, at)
    if sold_at_least > 1:
        sold = baselines.popular(history)
        history = history.of_products(sold >= sold_at_least).without_empty()
    test = _test(history) if since is None else _weeks(history, since)
    lists = _lists(test, category, size)
    return {
        "at": at,
        "k": size,
        "customers": int((test.truths["all"].sizes > 0).sum()),
        "baskets": len(history.customer),
        "lines": len(history.basket),
        "products": int((baselines.popular(history) > 0).sum()),
        "repeat_share": _share(test.truths["repeat"].sizes, test.truths["all"].sizes),
        **_report(lists, test),
    }


def _history(columns: Columns, at: str) -> tuple[Baskets, Numbers | None]:
    """Baskets of products, with the category of each; or of categories, which have none themselves."""
    has_categories = bool((columns.category >= 0).any())
    product, lines = columns.product, np.ones(len(columns.product), bool)
    if at == "category":
        if not has_categories:
            raise CategoriesMissing
        product = columns.category[columns.product]
        lines = product >= 0
    history = build(
        customer=columns.customer,
        moment=columns.moment,
        day=columns.day,
        receipt=np.arange(len(columns.customer)),
        line_receipt=columns.line_receipt[lines],
        product=product[lines],
    )
    return history.without_empty(), columns.category if has_categories and at == "product" else None


def _test(history: Baskets) -> _Test:
    """Customers with too few baskets are learned from, whole, and not asked."""
    begins, ends = history.begins, history.ends
    asked = ends - begins >= BASKETS_AT_LEAST
    if not asked.any():
        raise NobodyToMeasure(least=BASKETS_AT_LEAST)
    known = history.before(np.where(asked, ends - 1, ends))
    today = np.where(asked, history.day[np.maximum(ends - 1, 0)], 0)
    bought = history.contents((ends - 1)[asked])
    before = np.isin(bought, known.buyer * known.products + known.product)
    truths = {
        part: measures.truth(keys, customers=history.customers, products=history.products)
        for part, keys in zip(PARTS, (bought, bought[before], bought[~before]), strict=True)
    }
    return _Test(known, today, truths)


def _weeks(history: Baskets, since: date) -> _Test:
    """Of who bought before and in these weeks; what nobody bought before cannot be found and is not asked for."""
    begin, end = since.toordinal(), since.toordinal() + 7 * WEEKS
    places = np.arange(len(history.customer))
    earlier = history.day < begin
    came = np.bincount(history.customer[earlier], minlength=history.customers) > 0
    coming = ~earlier & (history.day < end) & came[history.customer]
    if not coming.any():
        raise DayOutside(day=since)
    known = history.only(earlier)
    first_day = np.full(history.customers, end)
    np.minimum.at(first_day, history.customer[coming], history.day[coming])
    sold = baselines.popular(known) > 0

    def bought(baskets: Flags) -> Numbers:
        keys = np.unique(history.contents(places[baskets]))
        return keys[sold[keys % history.products]]

    weeks, following = bought(coming), bought(coming & (history.day == first_day[history.customer]))
    own = known.buyer * known.products + known.product
    again, next_again = np.isin(weeks, own), np.isin(following, own)
    found = (weeks, weeks[again], weeks[~again], following, following[next_again])
    truths = {
        part: measures.truth(keys, customers=history.customers, products=history.products)
        for part, keys in zip(PARTS + NEXT, found, strict=True)
    }
    return _Test(known, np.full(history.customers, begin), truths)


def _lists(test: _Test, category: Numbers | None, size: int) -> dict[str, dict[str, Numbers]]:
    """Lists by part, by rule: customers × `size` products. A part's lists hold candidates of that part alone."""
    learned, sold = model.learn(test.known), baselines.popular(test.known)
    found: dict[str, dict[str, list[Numbers]]] = {part: {} for part in PARTS}
    for _first, ranked in learned.rank(test.known, test.today):
        rules = {OURS: ranked.score - ranked.score.min(initial=0) + 1, **baselines.scores(ranked, sold, category)}
        for rule, score in rules.items():
            for part in PARTS:
                found[part].setdefault(rule, []).append(_best(ranked, score, part, size))
    return {part: {rule: np.concatenate(chunks) for rule, chunks in rules.items()} for part, rules in found.items()}


def _best(ranked: Ranked, score: Floats, part: str, size: int) -> Numbers:
    rows = ranked.rows
    kept = (score > 0) & {"all": np.ones(len(score), bool), "repeat": ~rows.is_new, "new": rows.is_new}[part]
    customers = len(ranked.own.all_kept)
    return measures.best(rows.customer[kept], rows.product[kept], score[kept], customers=customers, size=size)


def _report(lists: dict[str, dict[str, Numbers]], test: _Test) -> dict[str, Any]:
    of = dict(zip(PARTS + NEXT, (*PARTS, "all", "repeat"), strict=True))
    parts = {
        part: {rule: measures.measure(found, truth) for rule, found in lists[of[part]].items()}
        for part, truth in test.truths.items()
    }
    rules = [rule for rule in parts["all"] if rule != OURS]
    asked = test.truths["all"].sizes > 0
    sold = len(np.unique(test.known.product))
    return {
        **{part: _figures(parts[part][OURS]) for part in parts},
        "coverage": _coverage(lists["all"][OURS][asked], sold),
        "baselines": {
            rule: {
                **{part: _figures(parts[part][rule]) for part in parts},
                "coverage": _coverage(lists["all"][rule][asked], sold),
            }
            for rule in rules
        },
        "gain_over": {rule: {part: _gain(parts[part][OURS], parts[part][rule]) for part in parts} for rule in rules},
    }


def _figures(values: Floats) -> dict[str, Any]:
    means = values.mean(axis=0) if len(values) else np.zeros(len(measures.NAMES))
    low_high = measures.intervals(values)
    return {
        "customers": len(values),
        **{name: round(float(mean), 5) for name, mean in zip(measures.NAMES, means, strict=True)},
        "recall_interval": [round(bound, 5) for bound in low_high[0]],
        "ndcg_interval": [round(bound, 5) for bound in low_high[1]],
    }


def _gain(ours: Floats, theirs: Floats) -> dict[str, Any]:
    """The mean difference by customer, with its interval."""
    difference = ours - theirs
    means = difference.mean(axis=0) if len(difference) else np.zeros(len(measures.NAMES))
    bounds = measures.intervals(difference)
    return {
        name: {"mean": round(float(mean), 5), "low": round(low, 5), "high": round(high, 5)}
        for name, mean, (low, high) in zip(measures.NAMES, means, bounds, strict=True)
        if name in ("recall", "ndcg")
    }


def _coverage(lists: Numbers, sold: int) -> float:
    """The share of all products sold that stand in at least one list."""
    return round(len(np.unique(lists[lists >= 0])) / max(sold, 1), 5)


def _share(some: Numbers, of: Numbers) -> float:
    return round(int(some.sum()) / max(int(of.sum()), 1), 5)
