"""Points in sets are the points of one purchase after another, whatever the rules and the order."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from customers.domain import purchases
from customers.domain.purchases import LineIn, ReturnLineIn
from customers.models import Customer, Purchase, PurchaseReturn, PurchaseSource, Store
from loyalty_site.lib import actors
from rewards.domain import backfill, earning, ledger, points, rules, tiers
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
)
from tests.factories.rewards import (
    ProgramFactory,
)
from tests.rewards.domain.backfill.files import START, run


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
