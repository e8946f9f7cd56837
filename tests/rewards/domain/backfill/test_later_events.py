"""What an import finds booked before it, and what comes after it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from customers.models import Category, Purchase, Store
from loyalty_site.lib import actors
from rewards.domain import backfill, ledger, points
from rewards.models import (
    EntryKind,
    ExpiryPolicy,
    PointsAccount,
    PointsEntry,
    PointsLot,
)
from tests.factories.customers import (
    CardFactory,
    PurchaseFactory,
)
from tests.factories.rewards import (
    ProgramFactory,
)
from tests.import_files import row
from tests.rewards.domain.backfill.files import START, run


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
