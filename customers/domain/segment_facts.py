"""What a segment can be built of: each fact with what is typed for it, its SQL and its sentence.

A fact's `sql` answers the ids of the customers for whom it holds. It takes what was typed as named parameters, and
`at`; nothing that a person typed is ever part of the text. Apps above contribute theirs (`rewards`, `surveys`); the
root puts them together. Statements have no `%` besides their parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Category, Purpose, RfmGroup, Store

Text = Any  # lazy or not: the stubs know lazy texts by a name of their own
Choices = list[tuple[Any, Text]]

DAYS_MAX = 3650
NUMBER_MAX = 1_000_000
AMOUNT_MAX = 10**12  # minor units


@dataclass(frozen=True, slots=True)
class Input:
    """A whole number from `low` to `high`, or one of `choices`. An amount of money (`is_money`) is in minor units, and
    its currency is kept beside it."""

    name: str
    label: Text
    low: int = 1
    high: int = NUMBER_MAX
    initial: Any = None
    choices: Callable[[], Choices] | None = None
    is_money: bool = False

    def takes(self, value: Any) -> bool:
        if self.choices is not None:
            return value in [key for key, _label in self.choices()]
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Fact:
    """`sentence` says it with what was typed, after “who”; `group` is its heading in the menu of facts."""

    title: Text
    group: Text
    sentence: Text
    sql: str
    inputs: tuple[Input, ...]


Facts = Mapping[str, Fact]

PURCHASES, PERSON = _("Purchases"), _("The person")


_IN_THE_LAST = _("in the last … days")


def days(initial: int = 90, label: Text = _IN_THE_LAST) -> Input:
    return Input("days", label, high=DAYS_MAX, initial=initial)


def _stores() -> Choices:
    return list(Store.objects.order_by("name").values_list("pk", "name"))


def _categories() -> Choices:
    return list(Category.objects.order_by("name").values_list("pk", "name"))


_SINCE = "p.purchased_at > %(at)s - make_interval(days => %(days)s) AND p.purchased_at <= %(at)s"
# Paid, without the share of what came back: as rhythms.sql counts it.
_SPENT = """
    round(p.paid_minor * (p.total_minor - coalesce((
        SELECT sum(rl.amount_minor) FROM customers_purchasereturn r
        JOIN customers_purchasereturnline rl ON rl.purchase_return_id = r.id WHERE r.purchase_id = p.id
    ), 0)) / greatest(p.total_minor, 1))
"""

FACTS: Facts = {
    "bought": Fact(
        _("Number of purchases"),
        PURCHASES,
        _("bought at least %(times)s times in the last %(days)s days"),
        f"SELECT p.customer_id FROM customers_purchase p WHERE {_SINCE} GROUP BY 1 HAVING count(*) >= %(times)s",  # noqa: S608 - texts of our own, here and below
        (Input("times", _("at least … times"), initial=1), days()),
    ),
    "spent": Fact(
        _("Money spent"),
        PURCHASES,
        _("spent at least %(amount)s in the last %(days)s days"),
        f"""
        SELECT p.customer_id FROM customers_purchase p WHERE {_SINCE} AND p.currency = %(currency)s
        GROUP BY 1 HAVING sum({_SPENT}) >= %(amount)s
        """,  # noqa: S608
        (Input("amount", _("at least"), high=AMOUNT_MAX, initial=10_000, is_money=True), days(365)),
    ),
    "silent": Fact(
        _("Time since the last purchase"),
        PURCHASES,
        _("bought before, and not for %(days)s days"),
        """
        SELECT p.customer_id FROM customers_purchase p WHERE p.purchased_at <= %(at)s
        GROUP BY 1 HAVING max(p.purchased_at) <= %(at)s - make_interval(days => %(days)s)
        """,
        (days(60, _("not for … days")),),
    ),
    "category": Fact(
        _("Category bought"),
        PURCHASES,
        _("bought from %(category)s in the last %(days)s days"),
        f"""
        SELECT p.customer_id FROM customers_purchase p
        JOIN customers_purchaseline l ON l.purchase_id = p.id
        JOIN customers_product d ON d.id = l.product_id
        WHERE {_SINCE} AND d.category_id IN (
            WITH RECURSIVE below AS (
                SELECT id FROM customers_category WHERE id = %(category)s
                UNION SELECT c.id FROM customers_category c JOIN below ON c.parent_id = below.id
            ) SELECT id FROM below
        )
        """,  # noqa: S608
        (Input("category", _("category, and those below it"), choices=_categories), days()),
    ),
    "store": Fact(
        _("Store of a purchase"),
        PURCHASES,
        _("bought at %(store)s in the last %(days)s days"),
        f"SELECT p.customer_id FROM customers_purchase p WHERE {_SINCE} AND p.store_id = %(store)s",  # noqa: S608
        (Input("store", _("store"), choices=_stores), days()),
    ),
    "rfm": Fact(
        _("RFM group"),
        PURCHASES,
        _("is in the RFM group “%(group)s”"),
        'SELECT y.customer_id FROM customers_rhythm y WHERE y."group" = %(group)s',
        (Input("group", pgettext_lazy("of customers", "group"), choices=lambda: list(RfmGroup.choices)),),
    ),
    "drifting": Fact(
        _("Drifting away"),
        PURCHASES,
        _("is away for twice their usual gap or more"),
        """
        SELECT y.customer_id FROM customers_rhythm y
        WHERE y.drifts_from <= (%(at)s)::date AND y.last_on > (%(at)s)::date - 365
        """,
        (),
    ),
    "staying_away": Fact(
        _("Likely to stay away"),
        PURCHASES,
        _("stays away for the next 28 days with a chance of %(least)s %% or more"),
        "SELECT y.customer_id FROM customers_rhythm y WHERE y.stays_away_percent >= %(least)s",
        (Input("least", _("at least (percent)"), low=0, high=100, initial=40),),
    ),
    "expected": Fact(
        _("Visits expected"),
        PURCHASES,
        _("is expected %(least)s to %(most)s times in the next 365 days"),
        "SELECT y.customer_id FROM customers_rhythm y WHERE y.visits_expected BETWEEN %(least)s AND %(most)s",
        (
            Input("least", _("at least"), low=0, high=366, initial=1),
            Input("most", _("at most"), low=0, high=366, initial=366),
        ),
    ),
    "home": Fact(
        _("Home store"),
        PERSON,
        _("has %(store)s as home store"),
        "SELECT c.id FROM customers_customer c WHERE c.home_store_id = %(store)s",
        (Input("store", _("store"), choices=_stores),),
    ),
    "likes": Fact(
        _("Stated preference"),
        PERSON,
        _("said they like %(category)s"),
        "SELECT l.customer_id FROM customers_preference l WHERE l.category_id = %(category)s",
        (Input("category", _("category"), choices=_categories),),
    ),
    "allows": Fact(
        _("Consent"),
        PERSON,
        _("allows “%(purpose)s”"),
        "SELECT a.customer_id FROM customers_consent a WHERE a.purpose = %(purpose)s AND a.withdrawn_at IS NULL",
        (Input("purpose", _("purpose"), choices=lambda: list(Purpose.choices)),),
    ),
    "birthday": Fact(
        _("Month of the birthday"),
        PERSON,
        _("has their birthday in %(month)s"),
        """
        SELECT c.id FROM customers_customer c
        WHERE extract(month FROM c.birthday) = %(month)s AND c.birthday IS NOT NULL AND c.closed_at IS NULL
        """,
        (Input("month", _("month"), choices=lambda: list(MONTHS.items())),),
    ),
    "joined": Fact(
        _("Time in the programme"),
        PERSON,
        _("joined in the last %(days)s days"),
        "SELECT c.id FROM customers_customer c WHERE c.enrolled_at > %(at)s - make_interval(days => %(days)s)",
        (days(30),),
    ),
    "language": Fact(
        _("Language"),
        PERSON,
        _("reads %(language)s"),
        "SELECT c.id FROM customers_customer c WHERE c.language = %(language)s",
        (Input("language", pgettext_lazy("of a person", "language"), choices=lambda: list(settings.LANGUAGES)),),
    ),
}
