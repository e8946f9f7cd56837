from datetime import timedelta

import pytest

from rewards.domain import queries
from rewards.models import CouponState
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory, RewardFactory
from tests.rewards.domain.steps import award, fulfil, request

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_available_coupons_are_those_that_a_till_would_take(customer, now, django_assert_num_queries):
    never = CouponFactory(customer=customer)
    later = CouponFactory(customer=customer, expires_at=now + 2 * DAY)
    soon = CouponFactory(
        customer=customer,
        expires_at=now + DAY,
        offer=OfferFactory(valid_to=now + DAY, withdrawn_at=now + DAY, redemptions_max=1),
    )
    CouponFactory()
    CouponFactory(customer=CustomerFactory())
    CouponFactory(customer=customer, expires_at=now)
    CouponFactory(customer=customer, state=CouponState.VOID)
    for values in (
        {"published_at": None},
        {"published_at": now + DAY},
        {"withdrawn_at": now},
        {"valid_to": now},
        {"valid_from": now + DAY},
        {"redemptions_max": 0},
    ):
        CouponFactory(customer=customer, offer=OfferFactory(**values))
    with django_assert_num_queries(1):
        found = queries.available_coupons(customer=customer, at=now)
        assert [coupon.offer.currency for coupon in found] == ["CNY"] * 3
    assert found == [soon, later, never]


def test_past_coupons_are_newest_first(customer, now):
    CouponFactory(customer=customer)
    expired = CouponFactory(customer=customer, expires_at=now)
    void = CouponFactory(customer=customer, state=CouponState.VOID)
    assert queries.past_coupons(customer=customer, at=now, limit=5) == [void, expired]
    assert queries.past_coupons(customer=customer, at=now, limit=1) == [void]


def test_catalogue_shows_what_is_offered_the_cheapest_first(now):
    dear, cheap = RewardFactory(cost_points=200, offered_to=now + DAY), RewardFactory(cost_points=100, stock=0)
    RewardFactory(offered_from=now + DAY)
    RewardFactory(offered_to=now)
    assert queries.catalogue(at=now) == [cheap, dear]


def test_pending_redemptions_wait_to_be_picked_up(customer, now):
    award(customer, 1000, now)
    second = request(customer, RewardFactory(), now + DAY, "web:2")
    first = request(customer, RewardFactory(), now, "web:1")
    fulfil(request(customer, RewardFactory(), now, "web:3"), now)
    assert queries.pending_redemptions(customer=customer) == [first, second]


def test_ledger_pages_by_number(customer, now):
    for number in range(1, 6):
        award(customer, number, now, f"a:{number}")
    award(CustomerFactory(), 9, now)
    pages = [queries.ledger_page(customer=customer, before_seq=before, limit=2) for before in (None, 4, 2)]
    assert [[entry.points for entry in page] for page in pages] == [[5, 4], [3, 2], [1]]
