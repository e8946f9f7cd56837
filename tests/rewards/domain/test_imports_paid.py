"""Tax and gift cards in a file: what is imported earns what the same purchase earns when a till tells it."""

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from customers.domain.imports.report import REASONS
from customers.domain.purchases import LineIn, ReturnLineIn
from customers.models import Category, Purchase
from loyalty_site.lib import actors, money
from rewards.domain import checkout, imports, ledger
from rewards.models import PointsEntry
from tests.factories.customers import CardFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, MultiplierRuleFactory, ProgramFactory
from tests.import_files import COLUMNS, row, write
from tests.rewards.domain.baskets import basket

pytestmark = pytest.mark.django_db
BOUGHT_AT = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def bring(tmp_path, now):
    def bring(*rows):
        path = write(tmp_path / "paid.csv", *rows, columns=(*COLUMNS, "category", "currency", "tax", "gift_card"))
        return imports.run(path=path, by=actors.user(7), at=now)

    return bring


def named(result):
    with result.rejects.open(encoding="utf-8-sig", newline="") as file:
        return [(int(found["row"]), found["column"], found["reason"]) for found in csv.DictReader(file)]


def codes(result):
    """Row, column and code of what was rejected."""
    by_words = {str(words): code for code, words in REASONS.items()}
    return [(number, column, by_words[reason]) for number, column, reason in named(result)]


@pytest.mark.parametrize("earns_on_tax", [True, False])
@pytest.mark.parametrize(("currency", "unit"), [("CNY", 100), ("JPY", 1), ("KWD", 1000)])
@pytest.mark.parametrize("gift_card", [0, 1, 777, 2003, 3905])
def test_earns_as_when_a_till_tells_it(bring, earns_on_tax, currency, unit, gift_card):
    """Told both ways, and the first line brought back both ways, in each currency's smallest unit."""
    ProgramFactory(currency=currency, earns_on_tax=earns_on_tax)
    BaseRuleFactory(points=3, per_minor=17, valid_from=BOUGHT_AT - timedelta(days=1))
    MultiplierRuleFactory(
        multiplier=Decimal("1.5"), category=Category.objects.create(code="FRUIT", name="Fruit"), valid_from=BOUGHT_AT
    )
    store = StoreFactory(code="S1", currency=currency)
    till, file = CardFactory(number="TILL").customer, CardFactory(number="FILE").customer
    goods = [("A", "FRUIT", 1999, 319), ("B", "FRUIT", 1, 0), ("C", "TREATS", 1905, 125)]

    told = replace(
        basket(
            *(LineIn(sku, sku, category, Decimal(1), amount, tax) for sku, category, amount, tax in goods),
            customer=till,
            now=BOUGHT_AT,
            receipt="R-TILL",
            currency=currency,
        ),
        gift_card_minor=gift_card,
    )
    settled = checkout.settle(purchase=told, store=store, till=None, by=actors.SYSTEM, at=BOUGHT_AT)
    back = checkout.ReturnIn("B-1", BOUGHT_AT + timedelta(days=1), [ReturnLineIn(1, Decimal(1), 1999)])
    checkout.take_back(
        purchase=settled.purchase, told=back, store=store, till=None, by=actors.SYSTEM, at=back.returned_at
    )

    def said(minor):
        return str(money.to_decimal(minor, currency))

    def cells(sku, category, amount, tax, **more):
        return row(
            customer="FILE", sku=sku, category=category, amount=said(amount), tax=said(tax), currency=currency,
            receipt_number="R-FILE", purchased_at="2026-05-01T10:00:00Z",
        ) | more  # fmt: skip

    bought = [cells(*one, gift_card=said(gift_card) if one[0] == "B" else "") for one in goods]
    brought_back = cells(
        "A", "FRUIT", -1999, -319, quantity="-1", receipt_number="B-FILE", purchased_at="2026-05-02T10:00:00Z"
    )
    result = bring(*bought, brought_back)

    assert (result.rejected, result.lines, result.returns) == (0, 3, 1)
    sold = Purchase.objects.get(receipt_number="R-FILE")
    assert (sold.paid_minor, sold.gift_card_minor) == (3905, gift_card)
    assert list(sold.lines.order_by("position").values_list("tax_minor", flat=True)) == [319, 0, 125]
    entries = [
        list(PointsEntry.objects.filter(customer=one.pk).order_by("seq").values_list("kind", "points", "breakdown"))
        for one in (till, file)
    ]
    assert entries[0] == entries[1]
    assert [kind for kind, _, _ in entries[0]] == ([] if gift_card == 3905 else ["AWARD", "CLAW_BACK"])
    assert list(ledger.differences()) == []


def test_exact_points(bring):
    """110.00 with 10.00 of tax in it, 22.00 paid by gift cards: (110 − 10) × 88 / 110 = 80 points."""
    ProgramFactory(earns_on_tax=False)
    BaseRuleFactory(points=1, per_minor=100, valid_from=BOUGHT_AT)
    assert bring(row(amount="110.00", tax="10.00", gift_card="22.00")).points_awarded == 80


def test_gift_card_may_stand_in_each_row(bring):
    ProgramFactory()
    bring(row(gift_card="7.50"), row(sku="BREAD", gift_card="7.5"), row(sku="EGGS"))
    assert Purchase.objects.get().gift_card_minor == 750


def test_no_columns_no_tax_and_no_gift_cards(tmp_path, now):
    ProgramFactory()
    imports.run(path=write(tmp_path / "old.csv", row()), by=actors.user(7), at=now)
    purchase = Purchase.objects.get()
    assert (purchase.gift_card_minor, purchase.lines.get().tax_minor) == (0, 0)


BAD = {
    "tax is no number": ([{"tax": "1.2.0"}], [("tax", "not_a_number")]),
    "tax too fine": ([{"tax": "1.205"}], [("tax", "amount_too_fine")]),
    "tax of a yen's part": ([{"tax": "1.5", "currency": "JPY", "amount": "10"}], [("tax", "amount_too_fine")]),
    "more tax than amount": ([{"tax": "10.01"}], [("tax", "tax_exceeds")]),
    "tax below nothing": ([{"tax": "-1.00"}], [("tax", "tax_exceeds")]),
    "gift card is no number": ([{"gift_card": "x"}], [("gift_card", "not_a_number")]),
    "gift card too fine": ([{"gift_card": "0.005"}], [("gift_card", "amount_too_fine")]),
    "gift card far too large": ([{"gift_card": "10000000000"}], [("gift_card", "too_large")]),
    "gift card beyond the goods": (
        [{"gift_card": "20.01"}, {"sku": "BREAD"}],
        [("gift_card", "gift_card_exceeds"), ("gift_card", "gift_card_exceeds")],
    ),
    "gift card below nothing": ([{"gift_card": "-0.01"}], [("gift_card", "gift_card_exceeds")]),
    "two gift cards": (
        [{"gift_card": "1.00"}, {"gift_card": "2.00"}],
        [("gift_card", "two_gift_cards"), ("gift_card", "two_gift_cards")],
    ),
    "one of two rows": (
        [{"gift_card": "1.00"}, {"tax": "?"}],
        [("receipt_number", "other_line_wrong"), ("tax", "not_a_number")],
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_rows_are_named_and_good_ones_land(bring, what):
    ProgramFactory()
    rows, faults = BAD[what]
    first, last = row(receipt_number="GOOD-1", tax="1.00"), row(receipt_number="GOOD-2", gift_card="10.00")
    result = bring(first, *(row(**cells) for cells in rows), last)
    assert codes(result) == [(number, *fault) for number, fault in enumerate(faults, start=3)]
    assert set(Purchase.objects.values_list("receipt_number", flat=True)) == {"GOOD-1", "GOOD-2"}
    assert result.rows == result.lines + result.rejected


def test_goods_of_a_refused_receipt_are_not_brought_back(bring):
    ProgramFactory()
    BaseRuleFactory(valid_from=BOUGHT_AT)
    result = bring(
        row(gift_card="10.01"), row(receipt_number="B-1", quantity="-1", amount="-10.00", purchased_at="2026-05-02")
    )
    assert codes(result) == [(2, "gift_card", "gift_card_exceeds"), (3, "quantity", "return_without_purchase")]


@pytest.mark.parametrize(
    ("again", "rejected"),
    [
        ({}, 0),
        ({"tax": "", "gift_card": ""}, 0),
        ({"tax": "2.00"}, 1),
        ({"gift_card": "3.01"}, 1),
        ({"gift_card": "0"}, 1),
    ],
)
def test_told_again(bring, again, rejected):
    """The same, or without the columns, is known; another tax or another gift card is another receipt."""
    ProgramFactory()
    first = row(tax="1.00", gift_card="3.00")
    bring(first)
    result = bring(first | again)
    assert (result.purchases, result.rejected, result.duplicates) == (0, rejected, 1 - rejected)
    assert not rejected or codes(result) == [(2, "receipt_number", "told_otherwise")]
