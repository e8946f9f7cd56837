"""What a customer may like: what they buy again and again, and what people who buy the same take too."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from customers.domain import habits
from customers.domain.habits import Habit
from customers.models import Customer, Product, Recommendation, RecommendationKind

if TYPE_CHECKING:
    from customers.domain.neighbors import Neighbors

SIZE = 12
NEW_SLOTS = 4
CHUNK = 1000
NEIGHBOR_PRODUCTS = 2000

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('customers_recommendation'))"


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
    """Best first. Two queries, however many there are."""
    rows = list(customer.recommendations.select_related("product__category").order_by("rank")[:limit])
    because = [row.reason.get("because", 0) for row in rows]
    names = dict(Product.objects.filter(pk__in=because or [0]).values_list("pk", "name"))
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


def refresh(*, at: datetime, customers: Iterable[Customer] | None = None) -> int:
    """Makes the recommendations of `customers` (everybody) anew, in chunks; returns for how many."""
    everybody = list(Customer.objects.filter(closed_at__isnull=True).order_by("pk").values_list("pk", flat=True))
    wanted = everybody if customers is None else [customer.pk for customer in customers]
    neighbors = _neighbors(everybody, at)
    for chunk in _chunks(wanted):
        bought = habits.of_customers(chunk, at=at)
        _replace(chunk, [row for own in bought.values() if own for row in _of_customer(own, neighbors, at)])
    return len(wanted)


def _neighbors(customers: Sequence[int], at: datetime) -> "Neighbors":
    from customers.domain.neighbors import Neighbors  # noqa: PLC0415 - numpy stays out of web processes

    products = habits.most_bought(limit=NEIGHBOR_PRODUCTS, at=at)
    neighbors = Neighbors(products)
    for chunk in _chunks(customers):
        neighbors.count(habits.buyers(chunk, products, at=at))
    neighbors.settle()
    return neighbors


def _of_customer(own: Sequence[Habit], neighbors: "Neighbors", at: datetime) -> Iterator[Recommendation]:
    """Two that they buy again, then a new one, and so on; where one kind runs short the other fills up."""
    again, new = list(islice(_again(own, at.date()), SIZE)), list(islice(_new(own, neighbors), SIZE))
    room_for_new = max(NEW_SLOTS, SIZE - len(again))
    picked = again[: SIZE - min(room_for_new, len(new))]
    for place, row in enumerate(new[:room_for_new]):
        picked.insert(3 * place + 2, row)
    for rank, row in enumerate(picked, start=1):
        row.customer_id, row.rank, row.made_at = own[0].customer_id, rank, at
        yield row


def _again(own: Sequence[Habit], today: date) -> Iterator[Recommendation]:
    for habit in own:
        if habit.is_offered and habit.times > 1 and habit.is_due(today):
            reason: dict[str, object] = {"times": habit.times, "last_on": habit.last_on.isoformat()}
            if habit.is_regular:
                reason["every_days"] = habit.every_days
            score = habit.weight / own[0].weight
            yield Recommendation(product_id=habit.product_id, kind=RecommendationKind.AGAIN, score=score, reason=reason)


def _new(own: Sequence[Habit], neighbors: "Neighbors") -> Iterator[Recommendation]:
    """Nothing that goes by the name of what they buy: another size of the same milk is no news."""
    weights = {habit.product_id: habit.weight / own[0].weight for habit in own if habit.is_offered}
    bought, names = {habit.product_id for habit in own}, {habit.name for habit in own}
    found = neighbors.suggest(habits=weights, without=bought, limit=2 * SIZE)
    for product, score, because in found:
        if neighbors.names[product] not in names:
            score /= found[0][1]
            yield Recommendation(
                product_id=product, kind=RecommendationKind.NEW, score=score, reason={"because": because}
            )


@transaction.atomic
def _replace(customers: Sequence[int], rows: Sequence[Recommendation]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
    Recommendation.objects.filter(customer__in=customers).delete()
    Recommendation.objects.bulk_create(rows, batch_size=5000)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _in_words(row: Recommendation, names: dict[int, str]) -> str:
    if row.kind == RecommendationKind.NEW:
        name = names.get(row.reason["because"], "")
        return gettext("People who buy %(product)s often take this too.") % {"product": name}
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
