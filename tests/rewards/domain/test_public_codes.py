"""Readable codes for everybody."""

import pytest

from customers.models import AuditEvent
from loyalty_site.lib import codes
from loyalty_site.lib.actors import user
from rewards.domain import coupons, offers, public_codes
from rewards.models import Coupon
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory
from tests.rewards.domain.baskets import basket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]


def issue(now, code="Welcome 10", uses_max=None, **offer):
    return public_codes.issue(offer=OfferFactory(**offer), code=code, uses_max=uses_max, by=user(7), at=now)


def test_code_is_shown_as_it_was_chosen_and_found_however_it_is_typed(now):
    coupon = issue(now)
    assert (coupon.code, str(coupon), coupon.is_public) == ("WELCOME10", "WELCOME10", True)
    assert coupons.find(text="welcome-10") == coupon
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == ("coupon.made_public", "user:7", f"coupon:{coupon.pk}")


def test_everybody_may_use_it_as_often_as_it_says(settle, now):
    coupon = issue(now, uses_max=2)
    for number in range(2):
        told = basket(4000, customer=CustomerFactory(), now=now, receipt=f"R-{number}", coupons=["WELCOME10"])
        assert settle(told).purchase.discount_minor == 500
    with pytest.raises(coupons.CouponAlreadyRedeemed):
        settle(basket(4000, customer=CustomerFactory(), now=now, receipt="R-3", coupons=["WELCOME10"]))
    coupon.refresh_from_db()
    assert coupon.uses_count == 2


def test_it_lasts_as_long_as_its_offer(now):
    end = now.replace(year=2030)
    assert issue(now, valid_to=end, coupon_days=1).expires_at == end


@pytest.mark.parametrize("code", ["", "AB1", "A" * 25, "双十一优惠", "WELCOME%", "ＡＢＣＤ"])
def test_code_that_cannot_be_typed_everywhere_is_refused(now, code):
    with pytest.raises(public_codes.CodeUnfit) as refusal:
        issue(now, code)
    assert "4 to 24" in str(refusal.value)


def test_code_that_looks_like_a_customers_own_is_refused(now):
    with pytest.raises(public_codes.CodeLooksUnique):
        issue(now, "MOON" + codes.generate(length=Coupon.BODY_LENGTH))


def test_code_that_exists_is_refused(now):
    taken = CouponFactory()
    issue(now)
    for code in ("WELCOME10", taken.code[:11] + taken.code[11:]):
        with pytest.raises((public_codes.CodeTaken, public_codes.CodeLooksUnique)):
            issue(now, code)
    assert Coupon.objects.count() == 2


def test_draft_has_no_public_code(now):
    with pytest.raises(offers.OfferNotLive):
        issue(now, published_at=None)
