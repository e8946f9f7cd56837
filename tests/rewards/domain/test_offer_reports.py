"""What came of offers, counted by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from customers.models import Purchase
from rewards.domain import offer_reports
from rewards.domain.offer_reports import StoreShare, Totals, Week
from rewards.models import Coupon, CouponRedemption, CouponState
from tests.factories.customers import CustomerFactory, PurchaseFactory, StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory

ISSUED = datetime(2026, 5, 1, 8, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _programme():
    ProgramFactory(timezone="Asia/Shanghai")


def use(coupon, at, purchase=None, minor=0, rolled_back=False):
    return CouponRedemption.objects.create(
        coupon=coupon,
        offer=coupon.offer,
        customer=coupon.customer,
        purchase=purchase,
        discount_minor=minor,
        redeemed_at=at,
        redeemed_by="system",
        rolled_back_at=at if rolled_back else None,
        rolled_back_by="system" if rolled_back else "",
    )


def coupons(offer, number, **more):
    return [CouponFactory(offer=offer, customer=CustomerFactory(), issued_at=ISSUED, **more) for _ in range(number)]


def test_report_counts_each_use_coupon_and_basket_once():
    offer, other = OfferFactory(), OfferFactory()
    held = coupons(offer, 4, uses_max=3)
    CouponFactory(offer=offer, customer=held[0].customer, issued_at=ISSUED)
    CouponFactory(offer=offer, customer=None, issued_at=ISSUED)
    north, south = StoreFactory(name="North"), StoreFactory(name="South")
    monday = datetime(2026, 5, 3, 16, tzinfo=UTC)  # midnight in Shanghai
    shared = PurchaseFactory(store=north, total_minor=5000)
    use(held[0], monday, shared, 100)
    use(held[1], monday, shared, 200)
    use(held[0], monday + timedelta(days=15), PurchaseFactory(store=south, total_minor=300), 50)
    use(held[2], monday - timedelta(seconds=1), None, 0)
    use(held[3], monday, PurchaseFactory(store=south, total_minor=900), 70, rolled_back=True)
    (elsewhere,) = coupons(other, 1)
    use(elsewhere, monday, shared, 999)

    found = offer_reports.report(offer=offer)

    assert found.totals == Totals(
        issued=6, holders=4, used=3, redeemed=4, discount_minor=350, baskets=2, spend_minor=5300, rolled_back=1
    )
    assert found.totals.rate.estimate == 0.5
    assert [round(bound, 4) for bound in (found.totals.rate.low, found.totals.rate.high)] == [0.1876, 0.8124]
    assert found.weeks == [
        Week(date(2026, 4, 27), 1, 0),
        Week(date(2026, 5, 4), 2, 300),
        Week(date(2026, 5, 11), 0, 0),
        Week(date(2026, 5, 18), 1, 50),
    ]
    assert found.stores == [
        StoreShare(north.pk, north.code, "North", 2, 300, 1, 5000),
        StoreShare(south.pk, south.code, "South", 1, 50, 1, 300),
        StoreShare(None, None, "", 1, 0, 0, 0),
    ]
    hours = [2 * 24 + 8 - 1 / 3600, 2 * 24 + 8, 2 * 24 + 8, 17 * 24 + 8]
    assert found.waited.median == timedelta(hours=hours[1])
    assert found.waited.lower == timedelta(hours=hours[0] + (hours[1] - hours[0]) * 0.75)
    assert found.waited.upper == timedelta(hours=hours[2] + (hours[3] - hours[2]) * 0.25)


def test_report_of_what_nobody_has_yet():
    found = offer_reports.report(offer=OfferFactory())

    assert found.totals == Totals()
    assert (found.totals.rate, found.waited, list(found.weeks), list(found.stores)) == (None, None, [], [])


def test_compared_says_something_of_each_offer_in_one_query(django_assert_num_queries):
    busy, quiet = OfferFactory(), OfferFactory()
    (coupon,) = coupons(busy, 1, state=CouponState.REDEEMED, uses_count=1)
    use(coupon, ISSUED, None, 5)

    with django_assert_num_queries(1):
        found = offer_reports.compared(offers=[busy, quiet])

    assert found[busy.pk] == Totals(issued=1, holders=1, used=1, redeemed=1, discount_minor=5)
    assert found[quiet.pk] == Totals()
    assert Coupon.objects.count() == 1
    assert not Purchase.objects.exists()
