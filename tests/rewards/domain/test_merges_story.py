"""Two cards of one person, from the first sale to the day on which they are two again."""

from datetime import timedelta
from decimal import Decimal

import pytest

from customers.domain import customers
from customers.domain.purchases import ReturnLineIn
from customers.models import Purchase
from loyalty_site.lib import actors
from rewards.domain import checkout, ledger, merges, points
from rewards.domain.checkout import ReturnIn
from rewards.models import Surprise
from tests.factories.customers import CardFactory, CustomerFactory
from tests.factories.rewards import CouponFactory, ProgramFactory, SurpriseRuleFactory
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
STAFF = actors.user(7)


@pytest.fixture
def old():
    return CardFactory(number="old-card", customer=CustomerFactory(number="C7K294QX")).customer


@pytest.fixture
def kept():
    return CardFactory(number="new-card", customer=CustomerFactory(number="HTG2MWWK")).customer


def bring_back(purchase, store, at, number, amount):
    told = ReturnIn(number, at, [ReturnLineIn(1, Decimal(0), amount)])
    return checkout.take_back(purchase=purchase, told=told, store=store, till=None, by=STAFF, at=at)


def test_two_cards_of_one_person(settle, store, old, kept, now):
    ProgramFactory(point_value_minor=10)
    SurpriseRuleFactory(threshold_minor=9_000, cooldown_days=0)
    coupon = CouponFactory(customer=old)

    first_told = basket(10_000, customer=old, now=now, receipt="R-1")
    first = settle(first_told)  # 100 points and a surprise
    settle(basket(6_000, customer=kept, now=now, receipt="R-2"))  # 60 points
    paid_told = basket(4_000, customer=old, now=now, receipt="R-3", points=50)
    paid = settle(paid_told)  # 5.00 of 40.00 paid with 50 points, 35 earned
    assert (account(old)[0], account(kept)[0]) == (85, 60)

    record = merges.merge(source=old, target=kept, reason="found the old card", by=STAFF, at=now + DAY)
    assert (account(old)[:2], account(kept)[:2]) == ((0, 0), (145, 0))

    (scanned,) = customers.find(text="old-card")
    assert scanned == kept
    # A till that lost the answers tells both sales again, by the same card.
    told_again = basket(10_000, customer=scanned, now=now, receipt="R-1")
    again = settle(told_again, at=now + DAY)
    assert (again.created, again.purchase, again.entry) == (False, first.purchase, first.entry)
    assert [surprise.pk for surprise in again.surprises] == [surprise.pk for surprise in first.surprises]
    assert (
        settle(basket(4_000, customer=scanned, now=now, receipt="R-3", points=50)).redeemed_entry == paid.redeemed_entry
    )

    # A part of the first purchase comes back; then the coupon of the old card pays at the new one.
    back = bring_back(first.purchase, store, now + 2 * DAY, "B-1", 4_000)
    assert (back.clawed_back.points, back.clawed_back.customer_id) == (-40, kept.pk)
    used = settle(
        basket(2_000, customer=scanned, now=now + 2 * DAY, receipt="R-4", coupons=[coupon.code]), at=now + 2 * DAY
    )
    assert (used.purchase.discount_minor, account(kept)[0]) == (500, 145 - 40 + 15)

    # What was paid with points comes back too: the points to the target.
    back = bring_back(paid.purchase, store, now + 3 * DAY, "B-2", 4_000)
    assert (back.reimbursed.points, back.clawed_back.points) == (50, -35)
    assert account(kept)[:2] == (135, 0)
    assert Surprise.objects.get().customer == kept

    merges.undo(merge=record, by=STAFF, at=now + 4 * DAY)
    assert customers.find(text="old-card") == [old]
    # What is left of the first purchase; the target keeps its own 60 and the 15 earned since.
    assert (account(old)[:2], account(kept)[:2]) == ((60, 0), (75, 0))
    assert set(Purchase.objects.filter(customer=old)) == {first.purchase, paid.purchase}
    assert Purchase.objects.filter(customer=kept).count() == 2
    assert Surprise.objects.get().customer == old

    back = bring_back(first.purchase, store, now + 5 * DAY, "B-3", 6_000)
    assert (back.clawed_back.points, back.clawed_back.customer_id) == (-60, old.pk)
    assert list(ledger.differences()) == []
    assert points.summary(customer=kept, at=now + 5 * DAY).debt == 0
