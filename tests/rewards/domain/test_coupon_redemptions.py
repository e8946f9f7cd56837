"""Uses of coupons, one by one and in each other's way."""

from datetime import timedelta

import pytest

from loyalty_site.lib.actors import SYSTEM, till, user
from rewards.domain import coupon_redemptions, coupons, offers
from rewards.models import Coupon, CouponRedemption, CouponState, OfferKind
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import OfferFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def gift():
    return OfferFactory(kind=OfferKind.GIFT, amount_minor=None)


def issue(offer, now, customer=None, reference="test:1", by=SYSTEM):
    return coupons.issue(offer=offer, customer=customer, reference=reference, by=by, at=now)


# --- redeem a gift at the counter


def redeem(coupon, now, customer=None):
    return coupon_redemptions.redeem(coupon=coupon, customer=customer, by=till(3), at=now)


def test_redeem_hands_over_a_gift_once(gift, now):
    coupon = issue(gift, now)
    redeem(coupon, now)
    stored = Coupon.objects.get()
    used = CouponRedemption.objects.get()
    assert (stored.state, used.redeemed_at, used.redeemed_by, used.discount_minor) == (
        CouponState.REDEEMED,
        now,
        "till:3",
        0,
    )
    with pytest.raises(coupons.CouponAlreadyRedeemed) as refusal:
        redeem(coupon, now)
    assert str(refusal.value) == f"Coupon {coupon.display_code} was redeemed already."
    gift.refresh_from_db()
    assert gift.redeemed_count == 1


def test_redeem_of_a_discount_needs_a_purchase(now):
    with pytest.raises(coupons.CouponWorthNothing):
        redeem(issue(OfferFactory(), now), now)


def test_redeem_is_refused_with_the_exact_reason(gift, now, customer):
    coupon = issue(gift, now, customer)
    with pytest.raises(coupons.CouponNotYours):
        redeem(coupon, now, CustomerFactory())
    with pytest.raises(coupons.CouponExpired):
        redeem(coupon, now + 31 * DAY, customer)
    offers.withdraw(offer=gift, by=SYSTEM, at=now)
    with pytest.raises(offers.OfferWithdrawn):
        redeem(coupons.find(text=coupon.code), now, customer)


@pytest.mark.django_db(transaction=True)
def test_sixteen_tills_redeem_one_coupon_once(gift, now):
    for number in range(5):
        coupon = issue(gift, now, reference=f"test:{number}")
        results = at_once(*[lambda code=coupon.code: redeem(coupons.find(text=code), now)] * 16)
        refused = [result for result in results if isinstance(result, coupons.CouponAlreadyRedeemed)]
        assert len(refused) == 15
    gift.refresh_from_db()
    assert gift.redeemed_count == 5


@pytest.mark.django_db(transaction=True)
def test_void_against_redeem_has_one_winner(gift, now):
    for number in range(5):
        coupon = issue(gift, now, reference=f"test:{number}")
        results = at_once(
            lambda code=coupon.code: redeem(coupons.find(text=code), now),
            lambda code=coupon.code: coupons.void(coupon=coupons.find(text=code), reason="lost", by=user(7), at=now),
        )
        names = [type(result).__name__ for result in results]
        assert names in (["CouponRedemption", "CouponAlreadyRedeemed"], ["CouponVoid", "NoneType"])


def test_limit_that_is_overrun_undoes_everything(settle, now):
    offer = OfferFactory(redemptions_max=1, is_stackable=True)
    codes = [issue(offer, now, reference=f"test:{number}").code for number in range(2)]
    with pytest.raises(offers.OfferLimitReached):
        settle(basket(4000, customer=None, now=now, coupons=codes))
    assert set(Coupon.objects.values_list("state", "uses_count")) == {(CouponState.ISSUED, 0)}
    assert not CouponRedemption.objects.exists()
