from datetime import UTC, datetime, timedelta

import pytest

from customers.models import AuditEvent
from loyalty_site.lib import codes
from loyalty_site.lib.actors import SYSTEM, till, user
from rewards.domain import coupon_redemptions, coupons, offers
from rewards.models import Coupon, CouponState, OfferKind
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def gift():
    return OfferFactory(kind=OfferKind.GIFT, amount_minor=None)


def issue(offer, now, customer=None, reference="test:1", by=SYSTEM):
    return coupons.issue(offer=offer, customer=customer, reference=reference, by=by, at=now)


# --- issue


def test_issue_gives_a_code_of_the_offer_that_nobody_guesses(customer, now):
    coupon = issue(OfferFactory(code_prefix="MOON"), now, customer)
    stored = Coupon.objects.get()
    assert (stored, stored.customer, stored.state, stored.issued_at) == (coupon, customer, CouponState.ISSUED, now)
    assert (stored.code[:4], len(stored.code)) == ("MOON", 16)
    assert codes.is_well_formed(stored.code[4:])


def test_issue_for_the_same_cause_gives_the_first_coupon(customer, now):
    offer = OfferFactory()
    first = issue(offer, now, customer)
    assert issue(offer, now + DAY, customer) == first
    assert issue(offer, now, customer, "test:2") != first
    assert issue(OfferFactory(), now, customer) != first


def test_issue_takes_another_code_when_one_exists(now, monkeypatch):
    taken = CouponFactory()
    drawn = iter([taken.code, taken.code, "23456789ABCD"])
    monkeypatch.setattr(codes, "generate", lambda *, length: next(drawn))
    assert issue(OfferFactory(), now).code == "23456789ABCD"


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"published_at": None}, offers.OfferNotLive),
        ({"withdrawn_at": datetime(2026, 2, 1, tzinfo=UTC)}, offers.OfferWithdrawn),
    ],
)
def test_issue_of_an_offer_that_is_not_live_is_refused(now, values, refusal):
    with pytest.raises(refusal):
        issue(OfferFactory(**values), now)


def test_issue_by_staff_is_in_the_log(now):
    coupon = issue(OfferFactory(), now, by=user(7))
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == ("coupon.issued", "user:7", f"coupon:{coupon.pk}")


@pytest.mark.parametrize(
    ("timezone", "days", "valid_to", "expires"),
    [
        ("UTC", 1, None, "2026-05-22T00:00:00+00:00"),
        ("Asia/Shanghai", 30, None, "2026-06-19T16:00:00+00:00"),
        ("Asia/Shanghai", 30, datetime(2026, 6, 1, tzinfo=UTC), "2026-06-01T00:00:00+00:00"),
        ("America/New_York", 170, None, "2026-11-07T05:00:00+00:00"),  # after the clocks went back
    ],
)
def test_coupon_lasts_full_days_of_the_programs_zone(now, timezone, days, valid_to, expires):
    ProgramFactory(timezone=timezone)
    coupon = issue(OfferFactory(coupon_days=days, valid_to=valid_to), now)
    assert coupon.expires_at.astimezone(UTC).isoformat() == expires


@pytest.mark.django_db(transaction=True)
def test_sixteen_issues_for_one_cause_make_one_coupon(now):
    offer = OfferFactory()
    results = at_once(*[lambda: issue(offer, now)] * 16)
    assert {coupon.pk for coupon in results} == {Coupon.objects.get().pk}


# --- find


def test_find_takes_the_code_as_people_type_it(now):
    coupon = issue(OfferFactory(code_prefix="MOON"), now)
    assert coupons.find(text=f" {coupon.display_code.lower().replace('-', ' - ')} ") == coupon


def test_find_tells_a_typing_error_from_an_unknown_code():
    code = codes.generate(length=12)
    with pytest.raises(coupons.CouponUnknown):
        coupons.find(text=code)
    with pytest.raises(coupons.CouponMistyped):
        coupons.find(text=("3" if code[0] == "2" else "2") + code[1:])
    with pytest.raises(coupons.CouponMistyped):
        coupons.find(text=code[:-1])
    with pytest.raises(coupons.CouponMistyped) as refusal:
        coupons.find(text="")
    assert refusal.value.code == "coupon_mistyped"


# --- void


def void(coupon, now):
    coupons.void(coupon=coupon, reason="printed wrong", by=user(7), at=now)


def test_void_ends_a_coupon_with_its_reason(gift, now):
    coupon = issue(gift, now)
    void(coupon, now)
    void(coupon, now)
    event = AuditEvent.objects.get()
    assert (coupon.state, event.action, event.reason) == (CouponState.VOID, "coupon.voided", "printed wrong")
    with pytest.raises(coupons.CouponVoid):
        coupon_redemptions.redeem(coupon=coupon, customer=None, by=till(3), at=now)


def test_void_of_a_redeemed_coupon_is_refused(gift, now):
    coupon = issue(gift, now)
    coupon_redemptions.redeem(coupon=coupon, customer=None, by=till(3), at=now)
    with pytest.raises(coupons.CouponAlreadyRedeemed):
        void(coupon, now)
