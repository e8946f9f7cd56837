"""Loads of the demo that begin with nothing, go on, or are refused."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError
from django.db import connection
from django.db.models import Sum

from customers.domain import audit
from customers.models import (
    Customer,
    Product,
    Purchase,
    PurchaseLine,
    Store,
    User,
)
from loyalty_site import environment
from loyalty_site.demo import journey, loading, past
from loyalty_site.lib import actors
from rewards.models import (
    Coupon,
    PointsAccount,
    PointsEntry,
    Program,
    RewardRedemption,
)
from surveys.models import (
    Delivery,
)
from tests.factories.customers import StoreFactory
from tests.loyalty_site.seeding import NOW, seed, told

HOUSEHOLDS = 6

pytestmark = pytest.mark.django_db


def everything():
    models = [Customer, Store, User, Product, Purchase, PurchaseLine, PointsEntry, Coupon, RewardRedemption, Delivery]
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.django_db(transaction=True)  # as in life: several connections book
def test_seed_demo_books_what_the_data_tells():
    said = seed("--households", str(HOUSEHOLDS))

    expected = told(HOUSEHOLDS)
    assert Customer.objects.count() == expected.household_id.nunique() == HOUSEHOLDS
    assert Purchase.objects.count() == expected.basket_id.nunique()
    assert PurchaseLine.objects.count() == len(expected)
    assert Store.objects.count() == expected.store_id.nunique()
    total = Purchase.objects.aggregate(total=Sum("total_minor"))["total"]
    assert total == PurchaseLine.objects.aggregate(total=Sum("amount_minor"))["total"]
    assert total == round(expected.sales_value.sum() * 100)
    assert "The demo is loaded" in said
    assert not list((environment.VAR_DIR / "demo").glob(f"*{connection.settings_dict['NAME']}*"))


def test_seed_demo_again_changes_nothing():
    seed("--households", "2")
    before, balances = everything(), list(PointsAccount.objects.order_by("pk").values())

    seed("--households", "2")

    assert everything() == before
    assert list(PointsAccount.objects.order_by("pk").values()) == balances


def test_seed_demo_with_more_households_adds_them_on_the_same_dates():
    seed("--households", "2")
    seed("--households", "4", at=datetime(2026, 6, 3, tzinfo=UTC))

    assert PurchaseLine.objects.count() == len(told(4))
    assert Purchase.objects.latest("purchased_at").purchased_at < NOW


def test_seed_demo_goes_on_after_an_interruption(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(past, "tell", lambda *_args, **_kwargs: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            seed("--households", "2")
    assert not loading.is_complete()

    seed("--households", "2", "--if-needed", at=datetime(2026, 5, 21, 10, 30, tzinfo=UTC))

    assert loading.is_complete()
    assert PurchaseLine.objects.count() == len(told(2))
    assert Purchase.objects.latest("purchased_at").purchased_at < NOW


def test_seed_demo_if_needed_leaves_a_chain_of_ones_own():
    StoreFactory()

    assert seed("--if-needed") == ""
    assert not Program.objects.exists()


def test_seed_demo_says_where_refused_lines_are():
    """Lines of tomorrow are refused by the importer, from whomever they come."""
    audit.record(actor=actors.SYSTEM, action=loading.STARTED, subject="x:1", data={"last_day": "2026-05-22"}, at=NOW)

    with pytest.raises(CommandError, match=r"lines were refused, see .*purchases-\w+\.parquet\.rejects\.csv"):
        seed("--households", "1")
    assert not loading.is_complete()


def test_seed_demo_refuses_where_there_is_no_demo(settings):
    settings.LOYALTY_DEMO = False

    with pytest.raises(CommandError, match="never in production"):
        seed()
    assert not Store.objects.exists()


@pytest.mark.parametrize("households", ["0", "-3", "many", "1.5", ""])
def test_seed_demo_refuses_what_is_no_number(households):
    with pytest.raises(CommandError, match="not a number of households"):
        seed(f"--households={households}")


def test_seed_demo_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(journey, "PACKAGE", "no_such_package")

    with pytest.raises(CommandError, match="pip install"):
        seed()
