"""Uses that are kept for somebody: theirs never counts against them, others' is not to be had, each ends by itself."""

from datetime import timedelta

import pytest

from loyalty_site.lib.actors import SYSTEM, till, user
from rewards.domain import checkout, coupon_holds, coupon_redemptions, coupons, offers
from rewards.models import CouponHold, OfferKind
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory
from tests.rewards.domain.baskets import basket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def gift():
    return CouponFactory(offer=OfferFactory(kind=OfferKind.GIFT, amount_minor=None))


def hold(coupon, now, number=1, customer=None, ttl=10 * MINUTE):
    return coupon_holds.hold(coupon=coupons.find(text=coupon.code), customer=customer, ttl=ttl, by=till(number), at=now)


def redeem(coupon, now, number=1, customer=None):
    return coupon_redemptions.redeem(coupon=coupons.find(text=coupon.code), customer=customer, by=till(number), at=now)


def test_hold_keeps_the_use_from_others_until_it_ends(gift, now):
    kept = hold(gift, now)
    assert (kept.actor, kept.held_at, kept.expires_at) == ("till:1", now, now + 10 * MINUTE)
    assert len(kept.public_id) >= 22
    for refused in (hold, redeem):
        with pytest.raises(coupons.CouponHeld):
            refused(gift, now + 9 * MINUTE, 2)
    assert redeem(gift, now + 10 * MINUTE, 2).redeemed_by == "till:2"


def test_own_redemption_captures_the_hold(gift, now):
    kept = hold(gift, now)
    redeem(gift, now + MINUTE)
    kept.refresh_from_db()
    assert (kept.captured_at, kept.released_at) == (now + MINUTE, None)
    with pytest.raises(coupon_holds.CouponHoldCaptured):
        coupon_holds.release(hold=kept, at=now + 2 * MINUTE)


def test_held_again_is_the_same_hold_for_longer(gift, now):
    first = hold(gift, now)
    again = hold(gift, now + 5 * MINUTE)
    assert (again.pk, again.public_id, again.expires_at) == (first.pk, first.public_id, now + 15 * MINUTE)
    assert CouponHold.objects.count() == 1


def test_hold_for_a_customer_is_theirs_wherever_they_go(now):
    customer = CustomerFactory()
    coupon = CouponFactory(customer=customer, offer=OfferFactory(kind=OfferKind.GIFT, amount_minor=None))
    kept = hold(coupon, now, 1, customer)
    moved = hold(coupon, now, 2, customer)
    assert (moved.pk, moved.actor) == (kept.pk, "till:2")
    redeem(coupon, now, 3, customer)
    moved.refresh_from_db()
    assert moved.captured_at == now


def test_tills_hold_for_one_customer_is_not_for_another(gift, now):
    gift.uses_max = None
    gift.save()
    one, other = CustomerFactory.create_batch(2)
    first, second = hold(gift, now, 1, one), hold(gift, now, 1, other)
    assert first.pk != second.pk
    redeem(gift, now, 1, other)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.captured_at, second.captured_at) == (None, now)


def test_hold_before_anybody_knows_the_customer_is_theirs(gift, now):
    kept = hold(gift, now, 1)
    redeem(gift, now, 1, CustomerFactory())
    kept.refresh_from_db()
    assert kept.captured_at == now


def test_released_use_is_free_and_releasing_again_changes_nothing(gift, now):
    kept = hold(gift, now)
    for minutes in (1, 2):
        assert coupon_holds.release(hold=kept, at=now + minutes * MINUTE).released_at == now + MINUTE
    assert redeem(gift, now + 3 * MINUTE, 2)


def test_as_many_hold_as_there_are_uses(gift, now):
    gift.uses_max = 3
    gift.save()
    redeem(gift, now, 9)
    hold(gift, now, 1)
    hold(gift, now, 2)
    with pytest.raises(coupons.CouponHeld):
        hold(gift, now, 3)
    with pytest.raises(coupons.CouponHeld):
        redeem(gift, now, 3)
    redeem(gift, now, 2)
    redeem(gift, now, 1)
    with pytest.raises(coupons.CouponAlreadyRedeemed):
        redeem(gift, now, 1)


def test_what_speaks_against_the_coupon_speaks_against_holding_it(gift, now):
    with pytest.raises(coupons.CouponNotYours):
        hold(CouponFactory(customer=CustomerFactory()), now, 1, CustomerFactory())
    offers.withdraw(offer=gift.offer, by=SYSTEM, at=now)
    with pytest.raises(offers.OfferWithdrawn):
        hold(gift, now)
    void = CouponFactory()
    coupons.void(coupon=void, reason="lost", by=user(1), at=now)
    with pytest.raises(coupons.CouponVoid):
        hold(void, now)
    assert not CouponHold.objects.exists()


def test_hold_is_no_use_of_the_offer(gift, now):
    """A hold keeps the code, not the offer's limits: those are counted when it is redeemed."""
    offers.change_limits(offer=gift.offer, redemptions_max=1, by=SYSTEM, at=now)
    other = CouponFactory(offer=gift.offer)
    hold(gift, now, 1)
    redeem(other, now, 2)
    with pytest.raises(offers.OfferLimitReached):
        redeem(gift, now, 1)


def test_quote_tells_what_others_hold_and_nothing_of_ones_own(store, now):
    coupon = CouponFactory()
    hold(coupon, now, 1)
    told = basket(4000, customer=None, now=now, coupons=[coupon.code])
    others = checkout.quote(purchase=told, store=store, by=till(2), at=now)
    own = checkout.quote(purchase=told, store=store, by=till(1), at=now)
    assert {code: error.code for code, error in others.refusals.items()} == {coupon.display_code: "coupon_held"}
    assert (own.discounts, own.refusals) == ({coupon.display_code: 500}, {})


def test_hold_of_a_code_nobody_knows(now):
    with pytest.raises(coupon_holds.CouponHoldUnknown):
        coupon_holds.by_id(text="1")
