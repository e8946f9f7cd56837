"""Points in sets are the points of one purchase after another, whatever the rules and the order."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError

from customers.models import Category, Customer, Product, Purchase, PurchaseReturn, Store
from loyalty_site.lib import actors
from rewards.domain import backfill, earning, imports, ledger, points, rules
from rewards.models import (
    EntryKind,
    ExpiryPolicy,
    PeriodEnd,
    PointsAccount,
    PointsAllocation,
    PointsEntry,
    PointsLot,
    ShortfallPolicy,
)
from tests.factories.customers import CardFactory, CategoryFactory, ProductFactory, PurchaseFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, MultiplierRuleFactory, ProgramFactory
from tests.import_files import row, write

START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("store", "receipt_number", "customer", "purchased_at", "sku", "quantity", "amount", "currency")


@pytest.fixture
def catalog():
    """Two stores, two categories, four products and rules that change, overlap and leave something out."""
    stores = [StoreFactory(code=f"S{n}") for n in range(2)]
    fruit, wine = CategoryFactory(code="FRUIT"), CategoryFactory(code="WINE")
    for sku, category in (("A", fruit), ("B", fruit), ("C", wine), ("D", None)):
        ProductFactory(sku=sku, category=category)
    spring = START + timedelta(days=40)
    BaseRuleFactory(points=1, per_minor=100, valid_from=START + timedelta(days=3), valid_to=spring)
    BaseRuleFactory(version=2, points=3, per_minor=70, valid_from=spring)
    BaseRuleFactory(code="rival", points=1, per_minor=90, valid_from=START, valid_to=START + timedelta(days=70))
    MultiplierRuleFactory(code="fruit", category=fruit, multiplier="1.5", valid_from=START)
    MultiplierRuleFactory(code="a", product=Product.objects.get(sku="A"), multiplier="2.125", valid_from=spring)
    MultiplierRuleFactory(code="here", store=stores[1], multiplier="3", valid_from=spring)
    MultiplierRuleFactory(code="no-wine", category=wine, multiplier="0", valid_from=spring)
    MultiplierRuleFactory(code="over", multiplier="9", valid_from=START, valid_to=START + timedelta(days=1))


def some_rows(rng, owner):
    """Sixty receipts of three customers and of nobody; every fourth brings back a part of an earlier line."""
    rows, bought = [], []
    moments = sorted(rng.sample(range(120 * 24 * 60), 60))
    for number, minute in enumerate(moments):
        shared = {
            "store": f"S{rng.randrange(2)}",
            "receipt_number": f"{owner}-{number}",
            "customer": rng.choice([f"{owner}1", f"{owner}2", f"{owner}3", ""]),
            "purchased_at": (START + timedelta(minutes=minute)).isoformat(),
            "currency": rng.choice(["CNY"] * 5 + ["EUR"]),
        }
        if number % 4 == 3 and bought:
            rows.append(take_back(rng, bought, shared))
            continue
        for _ in range(rng.randint(1, 4)):
            cells = {"sku": rng.choice("ABCD"), "quantity": rng.randint(1, 5), "amount": rng.randint(0, 9000)}
            rows.append(
                shared | {**cells, "quantity": f"{cells['quantity']}", "amount": f"{cells['amount'] / 100:.2f}"}
            )
            if shared["customer"]:
                bought.append(rows[-1])
    return rows


def take_back(rng, bought, shared):
    line = rng.choice(bought)
    part = rng.randint(1, int(line["quantity"]))
    amount = Decimal(line["amount"]) * part / int(line["quantity"])
    same = {name: line[name] for name in ("store", "customer", "sku", "currency")}
    return shared | same | {"quantity": f"-{part}", "amount": f"-{amount:.2f}".replace("-0.00", "0.00")}


def run(path, rows, **options):
    return imports.run(
        path=write(path, *rows, columns=COLUMNS), by=actors.SYSTEM, at=START + timedelta(days=130), **options
    )


def replay(owner):
    """The same through the ledger's door, event by event, with each claw-back from two baskets."""
    purchases = Purchase.objects.filter(receipt_number__startswith=f"{owner}-", customer__isnull=False)
    backs = PurchaseReturn.objects.filter(purchase__in=purchases)
    events = [(bought.purchased_at, 0, bought.pk, bought) for bought in purchases]
    events += [(back.returned_at, 1, back.pk, back) for back in backs]
    kept = {}
    for moment, is_return, _, event in sorted(events, key=lambda event: event[:3]):
        if is_return:
            claw_back(event, kept, moment)
        else:
            kept[event.pk] = {line.position: line.amount_minor for line in event.lines.all()}
            earned = points_of(event, kept[event.pk])
            if earned.points:
                points.award(
                    customer=event.customer,
                    points=earned.points,
                    reference=f"purchase:{event.pk}",
                    breakdown=earned.breakdown,
                    by=actors.SYSTEM,
                    at=moment,
                )


def claw_back(back, kept, moment):
    amounts = kept[back.purchase_id]
    before = points_of(back.purchase, amounts).points
    for part in back.lines.select_related("line"):
        amounts[part.line.position] -= part.amount_minor
    lost = before - points_of(back.purchase, amounts).points
    entry = PointsEntry.objects.filter(kind=EntryKind.AWARD, reference=f"purchase:{back.purchase_id}").first()
    if lost and entry:
        points.claw_back(entry=entry, points=lost, reference=f"return:{back.pk}", by=actors.SYSTEM, at=moment)


def points_of(purchase, amounts):
    lines = [
        earning.Line(amounts[line.position], product=line.product_id, category=line.product.category_id)
        for line in purchase.lines.select_related("product").order_by("position")
    ]
    return earning.points_for(
        basket=earning.Basket(store=purchase.store_id, currency=purchase.currency, lines=lines),
        rules=rules.effective(at=purchase.purchased_at, currency="CNY"),
    )


def books(owner):
    """The ledger of each customer without its ids: entries in order with their lots, the account."""
    names = dict(Purchase.objects.values_list("pk", "receipt_number"))
    names_of_returns = dict(PurchaseReturn.objects.values_list("pk", "return_number"))
    found = {}
    for card in "123":
        customer = Customer.objects.filter(cards__number=f"{owner}{card}").first()
        entries = []
        for entry in PointsEntry.objects.filter(customer=customer and customer.pk).order_by("seq"):
            kind, _, pk = entry.reference.partition(":")
            name = {"purchase": names, "return": names_of_returns}.get(kind, {}).get(int(pk), entry.reference)
            lot = PointsLot.objects.filter(entry=entry).values_list("points", "remaining", "available_at", "expires_at")
            taken = PointsAllocation.objects.filter(entry=entry).order_by("lot__entry__seq")
            entries.append(
                (
                    entry.seq,
                    entry.kind,
                    entry.points,
                    entry.balance_after,
                    name.removeprefix(owner),
                    entry.happened_at,
                    entry.actor,
                    entry.reason,
                    entry.breakdown,
                    list(lot),
                    list(taken.values_list("lot__entry__seq", "points")),
                )
            )
        account = PointsAccount.objects.filter(customer=customer and customer.pk).values_list(
            "balance", "debt", "last_seq"
        )
        found[card] = (entries, list(account))
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_import_books_what_one_purchase_after_another_would(seed, catalog, tmp_path):
    ProgramFactory(
        pending_days=[0, 14][seed % 2],
        expiry_policy=[ExpiryPolicy.ROLLING, ExpiryPolicy.NEVER][seed % 3 == 2],
        expiry_months=1,
        expiry_period_end=PeriodEnd.MONTH,
        shortfall_policy=ShortfallPolicy.values[seed % 2],
        timezone="Asia/Shanghai",
    )
    at_once = some_rows(random.Random(seed), "A")
    one_by_one = [
        cells | {name: cells[name].replace("A", "B", 1) for name in ("receipt_number", "customer")} for cells in at_once
    ]

    result = run(tmp_path / "a.csv", at_once, chunk_receipts=7)
    facts = run(tmp_path / "b.csv", one_by_one, award_points=False)
    replay("B")

    assert result.returns == facts.returns > 0
    assert facts.points_awarded == 0
    assert books("A") == books("B")
    assert list(ledger.differences()) == []
    awards = PointsEntry.objects.filter(kind=EntryKind.AWARD, reference__startswith="purchase:")
    assert result.points_awarded == sum(awards.values_list("points", flat=True)) / 2 > 0


@pytest.mark.django_db
def test_import_repays_a_debt_first(catalog, tmp_path):
    ProgramFactory()
    customer = CardFactory(number="A1").customer
    first = points.award(customer=customer, points=50, reference="survey-response:1", by=actors.SYSTEM, at=START)
    points.redeem(customer=customer, points=50, reference="redemption:1", by=actors.SYSTEM, at=START)
    points.claw_back(entry=first, points=50, reference="back", by=actors.SYSTEM, at=START)
    bought = [
        row(customer="A1", receipt_number=f"A-{n}", purchased_at=f"2026-01-1{n}T00:00Z", sku="D", amount="30.00")
        for n in range(3)
    ]

    run(tmp_path / "a.csv", bought)

    account = PointsAccount.objects.get(customer=customer)
    lots = PointsLot.objects.filter(customer=account).order_by("pk").values_list("points", "remaining")
    assert (account.balance, account.debt) == (49, 0)
    assert list(lots) == [(50, 0), (33, 0), (33, 16), (33, 33)]
    assert list(ledger.differences()) == []


@pytest.mark.django_db
def test_points_that_lapsed_before_the_import_are_expired_afterwards(catalog, tmp_path):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    bought = [
        row(customer=f"A{n}", receipt_number=f"A-{n}", purchased_at="2026-01-10T00:00Z", sku="D", amount="30.00")
        for n in range(40)
    ]
    run(tmp_path / "a.csv", bought)

    changed = points.expire(at=START + timedelta(days=130), limit=1000)

    assert changed == 40
    assert set(PointsAccount.objects.values_list("balance", "last_seq")) == {(0, 2)}
    lapses = PointsEntry.objects.filter(kind=EntryKind.EXPIRE).values_list("points", "happened_at").distinct()
    assert list(lapses) == [(-33, datetime(2026, 3, 1, tzinfo=UTC))]
    assert list(ledger.differences()) == []


@pytest.mark.django_db
def test_return_of_a_purchase_awarded_earlier_takes_its_points_back(catalog, tmp_path):
    ProgramFactory()
    bought = row(customer="A1", purchased_at="2026-01-10T00:00Z", sku="D", quantity="3", amount="30.00")
    run(tmp_path / "a.csv", [bought])

    back = bought | {"receipt_number": "B-1", "purchased_at": "2026-02-20", "quantity": "-1", "amount": "-10.00"}
    run(tmp_path / "b.csv", [back])

    entries = PointsEntry.objects.order_by("seq").values_list("kind", "points", "balance_after")
    assert list(entries) == [("AWARD", 33, 33), ("CLAW_BACK", -11, 22)]
    assert list(ledger.differences()) == []


@pytest.mark.django_db
def test_award_purchases_again_is_refused(catalog, tmp_path):
    ProgramFactory()
    run(tmp_path / "a.csv", [row(customer="A1", purchased_at="2026-01-10T00:00Z", sku="D")])

    with pytest.raises(IntegrityError):
        backfill.award_purchases(purchases=list(Purchase.objects.values_list("pk", flat=True)), by=actors.SYSTEM)


@pytest.mark.django_db
def test_award_purchases_of_nobody_awards_nothing(catalog):
    purchase = PurchaseFactory(customer=None, total_minor=1000, store=Store.objects.first())

    assert backfill.award_purchases(purchases=[purchase.pk], by=actors.SYSTEM) == 0
    assert backfill.award_purchases(purchases=[], by=actors.SYSTEM) == 0
    assert not PointsAccount.objects.exists()
    assert Category.objects.count() == 2
