"""A second load of the demo's mailings."""

import pytest

from loyalty_site.demo import journey
from rewards.models import Coupon, CouponRedemption, Offer, OfferTally
from tests.loyalty_site.demo.test_mailings import HOUSEHOLDS, raw
from tests.loyalty_site.seeding import seed

pytestmark = pytest.mark.django_db


def test_again_changes_nothing_and_more_households_add_theirs(monkeypatch):
    def state():
        tables = (Offer, Coupon, CouponRedemption, OfferTally, Offer.products.through)
        return [list(table.objects.order_by("pk").values()) for table in tables]

    monkeypatch.setattr(journey, "households", lambda _count: HOUSEHOLDS[:2])
    seed("--households", "7")
    before = state()
    seed("--households", "7")
    assert state() == before
    monkeypatch.setattr(journey, "households", lambda _count: HOUSEHOLDS)
    seed("--households", "7")
    mailed = Coupon.objects.filter(offer__code_prefix__startswith="MAIL")
    assert mailed.count() == len(raw("campaigns"))
    assert CouponRedemption.objects.filter(coupon__in=mailed).count() == len(raw("coupon_redemptions"))
