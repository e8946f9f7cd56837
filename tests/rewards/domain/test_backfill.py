"""Points in sets are the points of one purchase after another, whatever the rules and the order."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError

from customers.domain import purchases
from customers.domain.purchases import LineIn, ReturnLineIn
from customers.models import Category, Customer, Product, Purchase, PurchaseReturn, PurchaseSource, Store
from loyalty_site.lib import actors
from rewards.domain import backfill, earning, imports, ledger, points, rules, tiers
from rewards.models import (
    EntryKind,
    ExpiryPolicy,
    PeriodEnd,
    PointsAccount,
    PointsAllocation,
    PointsEntry,
    PointsLot,
    Program,
    ShortfallPolicy,
    TierChange,
    TierChangeReason,
)
from tests.factories.customers import (
    CardFactory,
    CategoryFactory,
    ProductFactory,
    PurchaseFactory,
    StoreFactory,
)
from tests.factories.rewards import (
    BaseRuleFactory,
    CapRuleFactory,
    MultiplierRuleFactory,
    ProgramFactory,
    TierFactory,
)
from tests.import_files import row, write

START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("store", "receipt_number", "customer", "purchased_at", "sku", "quantity", "amount", "currency")


@pytest.fixture
def catalog():
    """Two stores, two categories, four products and rules that change, overlap and leave something out."""
    stores = [StoreFactory(code=f"S{n}", timezone=zone) for n, zone in enumerate(["Asia/Shanghai", "America/New_York"])]
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


@pytest.fixture
def fine_print(catalog):
    """Rules by tier, weekday and hour, and caps over each other, that change too."""
    gold, silver = TierFactory(rank=2, name={"en": "Gold"}), TierFactory(rank=1, name={"en": "Silver"})
    for owner in "AB":
        first = CardFactory(number=f"{owner}1").customer
        second = CardFactory(number=f"{owner}2").customer
        steps = [
            (first, None, silver, 10),
            (first, silver, gold, 60),
            (second, None, gold, 20),
            (second, gold, None, 90),
        ]
        for customer, before, after, day in steps:
            TierChange.objects.create(
                customer=customer,
                from_tier=before,
                to_tier=after,
                happened_at=START + timedelta(days=day),
                why=TierChangeReason.REACHED,
                actor="system",
            )
    summer = START + timedelta(days=80)
    MultiplierRuleFactory(code="silver", tier=silver, multiplier="1.75", valid_from=START)
    MultiplierRuleFactory(code="gold", tier=gold, multiplier="2.25", valid_from=START)
    MultiplierRuleFactory(code="weekend", weekdays=[6, 7], multiplier="2.5", valid_from=START)
    MultiplierRuleFactory(
        code="night", weekdays=[3, 5], time_from=time(20), time_to=time(6, 30), multiplier="4", valid_from=START
    )
    CapRuleFactory(code="basket", points=150, cap_period="PURCHASE", valid_from=START)
    CapRuleFactory(code="day", points=160, cap_period="DAY", valid_from=START, valid_to=summer)
    CapRuleFactory(code="week", points=180, cap_period="WEEK", valid_from=START)
    CapRuleFactory(code="month", points=260, cap_period="MONTH", valid_from=START, valid_to=summer)
    CapRuleFactory(code="month", version=2, points=330, cap_period="MONTH", valid_from=summer)
    CapRuleFactory(code="year", points=600, cap_period="YEAR", valid_from=START)


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
    """The same through the ledger's door, event by event, with each claw-back from the award's own breakdown."""
    purchases = Purchase.objects.filter(receipt_number__startswith=f"{owner}-", customer__isnull=False)
    backs = PurchaseReturn.objects.filter(purchase__in=purchases)
    events = [(bought.purchased_at, 0, bought.pk, bought) for bought in purchases]
    events += [(back.returned_at, 1, back.pk, back) for back in backs]
    returned = {}
    for moment, is_return, _, event in sorted(events, key=lambda event: event[:3]):
        if is_return:
            claw_back(event, returned.setdefault(event.purchase_id, {}), moment)
        else:
            award(event)


def award(purchase):
    earned = points_of(purchase)
    if earned.points:
        points.award(
            customer=purchase.customer,
            points=earned.points,
            reference=f"purchase:{purchase.pk}",
            breakdown=earned.breakdown,
            by=actors.SYSTEM,
            at=purchase.purchased_at,
        )


def claw_back(back, returned, moment):
    entry = PointsEntry.objects.filter(kind=EntryKind.AWARD, reference=f"purchase:{back.purchase_id}").first()
    lines = lines_of(back.purchase)
    left = [earning.points_left(breakdown=entry.breakdown, lines=lines, returned=returned)] if entry else [0]
    for part in back.lines.select_related("line"):
        returned[part.line.position] = returned.get(part.line.position, 0) + part.amount_minor
    left += [earning.points_left(breakdown=entry.breakdown, lines=lines, returned=returned)] if entry else [0]
    lost = left[0] - left[1]
    if lost:
        points.claw_back(entry=entry, points=lost, reference=f"return:{back.pk}", by=actors.SYSTEM, at=moment)


def lines_of(purchase):
    return [
        earning.Line(line.amount_minor, line.discount_minor, line.product_id, line.product.category_id, line.tax_minor)
        for line in purchase.lines.select_related("product").order_by("position")
    ]


def points_of(purchase):
    at, program = purchase.purchased_at, Program.objects.current()
    known = rules.effective(at=at, currency="CNY", earns_on_tax=program.earns_on_tax)
    caps = rules.with_earned_before(caps=known.caps, customer=purchase.customer, at=at)
    basket = earning.Basket(
        store=purchase.store_id,
        currency=purchase.currency,
        lines=lines_of(purchase),
        points_value_minor=purchase.points_value_minor,
        gift_card_minor=purchase.gift_card_minor,
        tier=tiers.tier_at(customer=purchase.customer, at=at),
        local_at=at.astimezone(ZoneInfo(purchase.store.timezone)),
    )
    return earning.points_for(basket=basket, rules=replace(known, caps=caps))


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
            lot = PointsLot.objects.filter(entry=entry).values_list(
                "points", "remaining", "available_at", "expires_at", "idle_months"
            )
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
@pytest.mark.parametrize("seed", range(8))
def test_import_books_what_one_purchase_after_another_would(seed, catalog, tmp_path):
    ProgramFactory(
        pending_days=[0, 14][seed % 2],
        expiry_policy=ExpiryPolicy.values[seed % 4],
        expiry_months=1,
        expiry_days="01-31, 02-29",
        expiry_period_end=PeriodEnd.MONTH,
        shortfall_policy=ShortfallPolicy.values[seed // 2 % 2],
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
@pytest.mark.parametrize("seed", range(10, 16))
def test_import_with_tiers_hours_and_caps_books_what_one_purchase_after_another_would(seed, fine_print, tmp_path):
    ProgramFactory(timezone=["Asia/Shanghai", "America/New_York"][seed % 2])
    at_once = some_rows(random.Random(seed), "A")
    one_by_one = [
        cells | {name: cells[name].replace("A", "B", 1) for name in ("receipt_number", "customer")} for cells in at_once
    ]

    first = 30 if seed % 2 else 60  # a second file finds caps that the first has filled in part
    early = [cells for cells in at_once if int(cells["receipt_number"].removeprefix("A-")) < first]
    run(tmp_path / "a1.csv", early)
    if late := at_once[len(early) :]:
        run(tmp_path / "a2.csv", late)
    run(tmp_path / "b.csv", one_by_one, award_points=False)
    replay("B")

    assert books("A") == books("B")
    assert list(ledger.differences()) == []
    said = [entry.breakdown for entry in PointsEntry.objects.filter(kind=EntryKind.AWARD)]
    cut = {cap["code"] for breakdown in said for cap in breakdown.get("caps", [])}
    counted = {note["code"] for breakdown in said for note in breakdown["multipliers"]}
    assert len(cut & {"basket", "day", "week", "month", "year"}) >= 3
    assert len(counted & {"silver", "gold", "weekend", "night"}) >= 3


def some_facts(rng, owner_of):
    """Forty purchases as told, with what is to come back of them: [(what `record` takes, [return lines, …]), …]."""
    for number in range(40):
        amounts = [rng.randrange(9000) for _ in range(rng.randint(1, 4))]
        discounts = [rng.choice([0, rng.randint(0, amount)]) for amount in amounts]
        left = sum(amounts) - sum(discounts)
        points_value = rng.choice([0, rng.randint(0, left)])
        told = {
            "receipt_number": f"{number}",
            "purchased_at": START + timedelta(minutes=rng.randrange(100 * 24 * 60)),
            "lines": [
                LineIn(rng.choice("ABCD"), "", "", Decimal(1), amount, rng.randint(0, amount // 5))
                for amount in amounts
            ],
            "discounts": discounts,
            "points_value_minor": points_value,
            "gift_card_minor": rng.choice([0, rng.randint(0, left - points_value)]),
        }
        back = [ReturnLineIn(n, Decimal("0.3"), amount * rng.randrange(3) // 4) for n, amount in enumerate(amounts, 1)]
        yield rng.choice(owner_of), told, number % 3, back


def record(owner, number, told):
    purchase, _ = purchases.record(
        **told | {"receipt_number": f"{owner}-{told['receipt_number']}"},
        store=Store.objects.get(code="S0"),
        till=None,
        customer=Customer.objects.get(cards__number=f"{owner}{number}"),
        currency="CNY",
        source=PurchaseSource.STAFF,
        fingerprint=b"",
        by=actors.SYSTEM,
        at=START,
    )
    return purchase


def bring_back(purchase, lines, step):
    back, _ = purchases.record_return(
        purchase=purchase,
        store=purchase.store,
        return_number=f"{purchase.receipt_number}-{step}",
        returned_at=purchase.purchased_at + timedelta(days=3 + 100 * step),
        lines=lines,
        fingerprint=b"",
        by=actors.SYSTEM,
        at=START,
    )
    return back.pk


@pytest.mark.django_db
@pytest.mark.parametrize("earns_on_tax", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_backfill_of_discounts_tax_gift_cards_and_points_is_that_of_single_purchases(seed, earns_on_tax, fine_print):
    """A first return comes with its purchase, a second one when that is in the books."""
    ProgramFactory(earns_on_tax=earns_on_tax)
    facts = list(some_facts(random.Random(seed), "12"))
    for owner in "AB":
        bought = [record(owner, number, told) for number, told, _, _ in facts]
        for step in range(2):
            backs = [
                bring_back(purchase, back, step)
                for purchase, (_, _, times, back) in zip(bought, facts, strict=True)
                if times > step
            ]
            if owner == "A":
                fresh = [] if step else [purchase.pk for purchase in bought]
                backfill.award_purchases(purchases=fresh, returns=backs, by=actors.SYSTEM, at=START)
    replay("B")

    assert books("A") == books("B")
    said = [entry.breakdown for entry in PointsEntry.objects.filter(kind=EntryKind.AWARD)]
    assert any("gift_card_minor" in breakdown for breakdown in said)
    assert any("tax_minor" in breakdown for breakdown in said) is not earns_on_tax
    assert any("caps" in breakdown for breakdown in said)


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
        backfill.award_purchases(
            purchases=list(Purchase.objects.values_list("pk", flat=True)), by=actors.SYSTEM, at=START
        )


@pytest.mark.django_db
def test_award_purchases_of_nobody_awards_nothing(catalog):
    purchase = PurchaseFactory(customer=None, total_minor=1000, store=Store.objects.first())

    assert backfill.award_purchases(purchases=[purchase.pk], by=actors.SYSTEM, at=START) == 0
    assert backfill.award_purchases(purchases=[], by=actors.SYSTEM, at=START) == 0
    assert not PointsAccount.objects.exists()
    assert Category.objects.count() == 2
