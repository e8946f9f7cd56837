"""Uses of coupons, one by one and in each other's way."""

from datetime import UTC, datetime, timedelta

import pytest

from customers.models import AuditEvent
from loyalty_site.lib.actors import SYSTEM, till, user
from rewards.domain import coupon_books, coupon_redemptions, coupons, merges, offer_reports, offers
from rewards.models import Coupon, CouponRedemption, CouponState, OfferKind, OfferPeriod, OfferTally
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import OfferFactory, ProgramFactory
from tests.races import at_once
from tests.rewards.domain.baskets import back, basket

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


def test_gifts_count_what_they_cost_and_give_it_back(now, books_balance):
    ProgramFactory()
    offer = OfferFactory(kind=OfferKind.GIFT, amount_minor=None, cost_minor=600, budget_minor=1_000)
    first, second = (issue(offer, now, reference=f"test:{number}") for number in range(2))
    used = redeem(first, now)
    offer.refresh_from_db()
    assert offer.redeemed_minor == 600
    told = offer_reports.report(offer=offer)
    assert (told.totals.discount_minor, told.weeks[0].discount_minor, told.stores[0].discount_minor) == (600,) * 3
    assert coupon_books.differences() == []
    with pytest.raises(offers.OfferBudgetSpent):
        redeem(coupons.find(text=second.code), now)
    coupon_redemptions.roll_back(redemption=used, by=SYSTEM, at=now)
    redeem(coupons.find(text=second.code), now)
    offer.refresh_from_db()
    assert (offer.redeemed_count, offer.redeemed_minor) == (1, 600)


@pytest.mark.django_db(transaction=True)
def test_budget_that_the_last_gift_would_overrun_holds(now, books_balance):
    ProgramFactory()
    offer = OfferFactory(kind=OfferKind.GIFT, amount_minor=None, cost_minor=600, budget_minor=2_000)
    given = [issue(offer, now, reference=f"test:{number}") for number in range(12)]
    results = at_once(*[lambda one=one: redeem(one, now) for one in given])
    assert sum(isinstance(result, CouponRedemption) for result in results) == 3
    assert sum(isinstance(result, offers.OfferBudgetSpent) for result in results) == 9
    offer.refresh_from_db()
    assert offer.redeemed_minor == 1_800


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


# --- a gift comes back


def roll_back(used, now, reason="spilled"):
    return coupon_redemptions.roll_back(redemption=used, reason=reason, by=till(4), at=now)


def test_gift_that_comes_back_makes_its_coupon_good_again_once(gift, now, customer):
    coupon = issue(gift, now, customer)
    used = redeem(coupons.find(text=coupon.code), now, customer)
    assert OfferTally.objects.values_list("used", flat=True).get() == 1
    assert [roll_back(used, now + DAY) for _ in range(2)] == [True, False]
    coupon.refresh_from_db()
    gift.refresh_from_db()
    assert (coupon.state, coupon.uses_count, gift.redeemed_count) == (CouponState.ISSUED, 0, 0)
    assert (used.rolled_back_at, used.rolled_back_by, used.reason) == (now + DAY, "till:4", "spilled")
    assert OfferTally.objects.values_list("used", flat=True).get() == 0
    event = AuditEvent.objects.get(action="coupon.given_back")
    assert (event.reason, event.data) == ("spilled", {"redemption": used.pk})
    assert redeem(coupons.find(text=coupon.code), now, customer).pk != used.pk


def test_what_a_purchase_redeemed_comes_back_with_its_goods(settle, now):
    code = issue(OfferFactory(), now).code
    (used,) = settle(basket(4000, customer=None, now=now, coupons=[code])).coupons
    with pytest.raises(coupon_redemptions.RedeemedInPurchase):
        roll_back(used, now)


def test_void_coupon_stays_void_when_a_use_of_it_comes_back(gift, now):
    coupon = issue(gift, now)
    Coupon.objects.update(uses_max=2)
    used = redeem(coupons.find(text=coupon.code), now)
    coupons.void(coupon=coupon, reason="lost", by=user(7), at=now)
    roll_back(used, now)
    assert Coupon.objects.values_list("state", "uses_count").get() == (CouponState.VOID, 0)


# --- how often


def sell(settle, code, now, customer=None, receipt="R-1"):
    return settle(basket(4000, customer=customer, now=now, receipt=receipt, coupons=[code]), at=now)


def test_code_is_good_as_often_as_its_offer_said_when_it_was_issued(settle, now):
    offer = OfferFactory(code_max=3)
    coupon = issue(offer, now)
    offers.change_limits(offer=offer, code_max=1, by=SYSTEM, at=now)
    for number in range(3):
        sell(settle, coupon.code, now, receipt=f"R-{number}")
    with pytest.raises(coupons.CouponAlreadyRedeemed):
        sell(settle, coupon.code, now, receipt="R-9")
    assert issue(offer, now, reference="test:2").uses_max == 1


def test_uses_are_counted_before_anybody_thinks_of_a_limit(settle, now, customer):
    """A limit that is set later knows what the customer used before."""
    offer = OfferFactory(code_max=None)
    code = issue(offer, now).code
    for number in range(2):
        sell(settle, code, now, customer, f"R-{number}")
    offers.change_limits(offer=offer, customer_max=2, by=SYSTEM, at=now)
    with pytest.raises(offers.CustomerLimitReached):
        sell(settle, code, now, customer, "R-9")
    assert sell(settle, code, now, CustomerFactory(), "R-10").created


def test_customers_limit_knows_both_cards_after_a_merge_and_each_its_own_again(settle, now):
    offer = OfferFactory(code_max=None, customer_max=2)
    code = issue(offer, now).code
    old, kept = CustomerFactory.create_batch(2)
    sell(settle, code, now, old, "R-1")
    sell(settle, code, now, kept, "R-2")
    record = merges.merge(source=old, target=kept, reason="", by=user(7), at=now)
    with pytest.raises(offers.CustomerLimitReached):
        sell(settle, code, now, kept, "R-3")
    merges.undo(merge=record, by=user(7), at=now)
    old.refresh_from_db()
    assert dict(OfferTally.objects.values_list("customer", "used")) == {old.pk: 1, kept.pk: 1}
    assert sell(settle, code, now, kept, "R-3").created


def test_return_after_a_merge_gives_back_to_who_they_are_now(settle, take_back, now):
    offer = OfferFactory(code_max=None, customer_max=1)
    code = issue(offer, now).code
    old, kept = CustomerFactory.create_batch(2)
    bought = sell(settle, code, now, old).purchase
    merges.merge(source=old, target=kept, reason="", by=user(7), at=now)
    bought.refresh_from_db()
    take_back(bought, back(1, 4000, now=now))
    assert sell(settle, code, now, kept, "R-2").created


def test_limit_in_a_period_comes_back_with_the_goods(settle, take_back, now, customer):
    offer = OfferFactory(code_max=None, period=OfferPeriod.DAY, period_max=1)
    code = issue(offer, now).code
    bought = sell(settle, code, now, customer).purchase
    with pytest.raises(offers.PeriodLimitReached):
        sell(settle, code, now, None, "R-2")
    take_back(bought, back(1, 4000, now=now))
    assert sell(settle, code, now, None, "R-2").created


# --- when


def test_coupon_is_good_from_the_nth_day_after_its_issue(now):
    ProgramFactory(timezone="Asia/Shanghai")  # it is 18:30 there
    coupon = issue(OfferFactory(starts_after_days=2, coupon_days=1), now)
    starts = datetime(2026, 5, 21, 16, tzinfo=UTC)
    assert (coupon.starts_at, coupon.expires_at) == (starts, starts + 2 * DAY)
    early = coupons.refusal_before_purchase(coupon=coupon, customer=None, at=starts - timedelta(seconds=1))
    assert early.code == "coupon_not_yet_good"
    assert coupons.refusal_before_purchase(coupon=coupon, customer=None, at=starts) is None


def test_coupon_that_would_be_good_only_after_its_offer_is_not_issued(now):
    ProgramFactory(timezone="UTC")
    offer = OfferFactory(starts_after_days=2, valid_to=now + DAY)
    with pytest.raises(offers.OfferNotLive):
        issue(offer, now)


# --- many at once are void


def test_void_all_leaves_what_was_redeemed_and_says_how_many(gift, now):
    used, good, void = (issue(gift, now, reference=f"test:{n}") for n in range(3))
    redeem(coupons.find(text=used.code), now)
    coupons.void(coupon=void, reason="first", by=user(7), at=now)
    other = issue(OfferFactory(), now)
    told = {"reason": "misprint", "by": user(7), "at": now}
    assert coupons.void_all(coupons=Coupon.objects.filter(offer=gift), **told) == coupons.Voided(1, 1)
    assert coupons.void_all(coupons=Coupon.objects.filter(offer=gift), **told) == coupons.Voided(0, 1)
    states = dict(Coupon.objects.values_list("pk", "state"))
    assert states == {used.pk: "REDEEMED", good.pk: "VOID", void.pk: "VOID", other.pk: "ISSUED"}
    noted = AuditEvent.objects.filter(action="coupon.voided", reason="misprint")
    assert list(noted.values_list("actor", "subject")) == [("user:7", f"coupon:{good.pk}")]


# --- the proof of the counters


def test_counters_that_are_off_are_named(gift, now, customer):
    coupon = issue(gift, now, customer)
    redeem(coupons.find(text=coupon.code), now, customer)
    assert coupon_books.differences() == []
    CouponRedemption.objects.update(rolled_back_at=now, rolled_back_by="system")
    off = [f"coupon:{coupon.pk}", f"offer:{gift.pk}", f"tally:{gift.pk}:{customer.pk}:"]
    assert [(one.what, one.claimed, one.used) for one in coupon_books.differences()] == [(what, 1, 0) for what in off]
