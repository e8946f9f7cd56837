"""Goods brought back at a till: points, coupons and surprises of their purchase go back too."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from customers.domain.purchases import (
    LineIn,
    ReturnConflict,
    ReturnExceedsPurchase,
    ReturnLineIn,
    ReturnLineUnknown,
)
from customers.models import AuditEvent, PurchaseReturn, PurchaseReturnLine, Till
from loyalty_site.lib.actors import SYSTEM, till, user
from rewards.domain import checkout, coupons
from rewards.models import (
    Coupon,
    CouponRedemption,
    CouponState,
    EarningRule,
    EntryKind,
    ExpiryPolicy,
    Offer,
    OfferKind,
    PointsEntry,
    ShortfallPolicy,
    SurpriseRule,
)
from tests.factories.customers import CategoryFactory, StoreFactory
from tests.factories.rewards import (
    CouponFactory,
    MultiplierRuleFactory,
    OfferFactory,
    ProgramFactory,
    SurpriseRuleFactory,
)
from tests.rewards.domain.baskets import back, basket, line
from tests.rewards.domain.steps import account, award, redeem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def facts():
    """How many rows there are of what a return writes, and how the coupons stand."""
    counts = [model.objects.count() for model in (PurchaseReturn, PurchaseReturnLine, PointsEntry, CouponRedemption)]
    return counts, list(Coupon.objects.order_by("pk").values_list("state", "uses_count"))


# --- points that the goods earned


def test_return_takes_back_what_its_goods_earned(settle, take_back, customer, now):
    purchase = settle(basket(4000, 3000, customer=customer, now=now)).purchase
    told = take_back(purchase, back(2, 3000, now=now + DAY), at=now + DAY, by=till(3))
    made = PurchaseReturn.objects.get()
    assert (told.purchase_return, told.created, told.reimbursed, told.coupons) == (made, True, None, ())
    entry = told.clawed_back
    assert (entry.kind, entry.points, entry.reference) == (EntryKind.CLAW_BACK, -30, f"return:{made.pk}")
    assert (entry.actor, entry.happened_at) == ("till:3", now + DAY)
    assert (told.summary.balance, told.summary.available) == (40, 40)
    assert (made.recorded_by, made.returned_at) == ("till:3", now + DAY)


@pytest.mark.parametrize("parts", [[1], [1] * 100, [99, 1], [34, 33, 33], [7, 93]])
def test_parts_together_take_back_exactly_what_was_earned(settle, take_back, customer, now, parts):
    """999 minor units earn 9 points; no part of a hundredth earns any by itself."""
    goods = LineIn("1", "Rice", "FOOD", Decimal(100), 999)
    purchase = settle(replace(basket(customer=customer, now=now), lines=[goods])).purchase
    assert account(customer)[0] == 9
    left, amount = 100, 999
    for number, quantity in enumerate(parts):
        left -= quantity
        part = amount - 999 * left // 100
        amount -= part
        take_back(purchase, back(1, part, quantity=quantity, number=f"B-{number}", now=now))
        kept = 999 * left // 100
        assert account(customer)[0] == kept // 100
    assert (left == 0) == (account(customer)[0] == 0)


def test_return_is_computed_by_the_rules_of_the_purchase_not_by_todays(settle, take_back, customer, now):
    MultiplierRuleFactory(code="fruit", category=CategoryFactory(code="FRUIT"), multiplier="2.5", valid_from=now)
    goods = [line(1000, "1", "FRUIT"), line(1000, "2", "BREAD")]
    purchase = settle(basket(*goods, customer=customer, now=now)).purchase
    assert account(customer)[0] == 35
    EarningRule.objects.all().delete()
    assert take_back(purchase, back(1, 1000, now=now)).clawed_back.points == -25
    assert take_back(purchase, back(2, 1000, now=now, number="B-2")).clawed_back.points == -10


def test_discount_goes_with_the_goods(settle, take_back, customer, now):
    coupon = CouponFactory(customer=customer)
    purchase = settle(basket(3000, 2000, customer=customer, now=now, coupons=[coupon.code])).purchase
    assert account(customer)[0] == 45
    assert take_back(purchase, back(1, 3000, now=now)).clawed_back.points == -27


def test_return_that_costs_no_whole_point_books_no_entry_and_counts_later(settle, take_back, customer, now):
    purchase = settle(basket(1050, 1050, customer=customer, now=now)).purchase
    assert account(customer)[0] == 21
    small = take_back(purchase, back(1, 9, now=now, quantity=0))
    assert (small.clawed_back.points, account(customer)[0]) == (-1, 20)
    assert take_back(purchase, back(1, 90, now=now, number="B-2", quantity=0)).clawed_back is None
    assert take_back(purchase, back(1, 951, now=now, number="B-3")).clawed_back.points == -10


def test_award_that_was_computed_elsewhere_goes_with_the_amount(take_back, customer, store, now):
    told = basket(4000, 2000, customer=customer, now=now)
    EarningRule.objects.all().delete()
    purchase = checkout.settle(purchase=told, store=store, till=None, by=SYSTEM, at=now).purchase
    award(customer, 100, now, f"purchase:{purchase.pk}")
    assert take_back(purchase, back(2, 2000, now=now)).clawed_back.points == -34
    assert take_back(purchase, back(1, 4000, now=now, number="B-2")).clawed_back.points == -66


def test_gift_line_without_amount_comes_back_without_points(settle, take_back, customer, now):
    purchase = settle(basket(4000, 0, customer=customer, now=now)).purchase
    told = take_back(purchase, back(2, 0, now=now))
    assert (told.created, told.clawed_back, account(customer)[0]) == (True, None, 40)


def test_spent_points_become_a_debt(settle, take_back, customer, now):
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    redeem(customer, 30, now)
    assert take_back(purchase, back(1, 4000, now=now)).summary.debt == 30


def test_spent_points_are_forgiven_within_the_balance(settle, take_back, customer, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    redeem(customer, 30, now)
    told = take_back(purchase, back(1, 4000, now=now))
    assert (told.clawed_back.points, told.clawed_back.breakdown["forgiven"]) == (-10, 30)
    assert account(customer)[:2] == (0, 0)


def test_late_return_counts_what_lapsed_whether_or_not_the_lapse_is_booked(settle, take_back, customer, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    later = now + 90 * DAY
    award(customer, 15, later)
    told = take_back(purchase, back(1, 4000, now=now + 5 * DAY), at=later)
    assert (told.clawed_back.points, told.clawed_back.breakdown["lapsed"], account(customer)[0]) == (0, 40, 15)


# --- coupons and surprises


def test_coupon_is_good_again_when_all_of_the_purchase_is_back(settle, take_back, customer, now):
    offer = OfferFactory(redemptions_max=1, budget_minor=500)
    coupon = CouponFactory(customer=customer, offer=offer, expires_at=now + 9 * DAY)
    told = basket(4000, 3000, customer=customer, now=now, coupons=[coupon.code])
    purchase = settle(told).purchase
    assert take_back(purchase, back(1, 4000, now=now)).coupons == ()
    assert Coupon.objects.get().state == CouponState.REDEEMED
    done = take_back(purchase, back(2, 3000, now=now, number="B-2"), by=user(7))
    assert done.coupons == (coupon,)
    stored = Coupon.objects.get()
    assert (stored.state, stored.uses_count) == (CouponState.ISSUED, 0)
    assert stored.expires_at == now + 9 * DAY
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get() == (0, 0)
    given = CouponRedemption.objects.get()
    assert (given.coupon, given.purchase_return, given.discount_minor) == (coupon, done.purchase_return, 500)
    assert (given.rolled_back_at, given.rolled_back_by) == (now, "user:7")
    event = AuditEvent.objects.get(action="coupon.given_back")
    assert (event.subject, event.actor) == (f"coupon:{coupon.pk}", "user:7")
    assert event.data == {"return": done.purchase_return.pk, "purchase": purchase.pk}
    again = settle(replace(told, receipt_number="R-2"))
    assert (again.purchase.discount_minor, again.coupons[0].coupon) == (500, coupon)


def test_receipt_told_again_after_its_return_still_names_its_coupons(settle, take_back, customer, now):
    used = [CouponFactory(customer=customer, offer=OfferFactory(is_stackable=True)) for _ in range(2)]
    told = basket(4000, customer=customer, now=now, coupons=[coupon.code for coupon in used])
    first = settle(told)
    take_back(first.purchase, back(1, 4000, now=now))
    again = settle(told)
    assert (again.created, [one.coupon_id for one in again.coupons]) == (False, sorted(one.pk for one in used))
    assert {one.discount_minor for one in again.coupons} == {500}
    assert set(Coupon.objects.values_list("state", flat=True)) == {CouponState.ISSUED}


def test_part_of_a_line_or_of_its_amount_is_not_all(settle, take_back, customer, now):
    coupon = CouponFactory(customer=customer)
    goods = LineIn("1", "Rice", "FOOD", Decimal(2), 4000)
    told = replace(basket(customer=customer, now=now, coupons=[coupon.code]), lines=[goods])
    purchase = settle(told).purchase
    take_back(purchase, back(1, 3999, quantity=2, now=now))
    assert Coupon.objects.get().state == CouponState.REDEEMED
    assert take_back(purchase, back(1, 1, quantity=0, now=now, number="B-2")).coupons == (coupon,)


def test_expired_coupon_comes_back_expired(settle, take_back, customer, now):
    coupon = CouponFactory(customer=customer, expires_at=now + DAY)
    told = basket(4000, customer=customer, now=now, coupons=[coupon.code])
    take_back(settle(told).purchase, back(1, 4000, now=now), at=now + 2 * DAY)
    late = replace(told, receipt_number="R-2", purchased_at=now + 2 * DAY)
    with pytest.raises(coupons.CouponExpired):
        settle(late, at=now + 2 * DAY)


def test_anonymous_return_is_a_fact_and_its_coupon_is_good_again(settle, take_back, now):
    coupon = CouponFactory()
    purchase = settle(basket(4000, customer=None, now=now, coupons=[coupon.code])).purchase
    told = take_back(purchase, back(1, 4000, now=now))
    assert (told.created, told.clawed_back, told.reimbursed, told.summary) == (True, None, None, None)
    assert told.coupons == (coupon,)
    assert not PointsEntry.objects.exists()


def test_unused_surprise_of_the_purchase_is_void_and_stays_counted(settle, take_back, customer, now):
    SurpriseRuleFactory(threshold_minor=1)
    settled = settle(basket(4000, 1000, customer=customer, now=now))
    (surprise,) = settled.surprises
    take_back(settled.purchase, back(1, 4000, now=now))
    assert Coupon.objects.get().state == CouponState.ISSUED
    take_back(settled.purchase, back(2, 1000, now=now, number="B-2"))
    assert Coupon.objects.get(pk=surprise.coupon_id).state == CouponState.VOID
    assert SurpriseRule.objects.get().given_count == 1
    assert AuditEvent.objects.get(action="coupon.voided").reason.startswith("return:")
    assert settle(basket(4000, customer=customer, now=now, receipt="R-2")).surprises == ()


def test_used_surprise_stays_used_until_its_own_purchase_comes_back_and_is_void_then(settle, take_back, customer, now):
    SurpriseRuleFactory(threshold_minor=1)
    cause = settle(basket(4000, customer=customer, now=now))
    coupon = cause.surprises[0].coupon
    used = settle(basket(3000, customer=customer, now=now, receipt="R-2", coupons=[coupon.code]))
    assert take_back(cause.purchase, back(1, 4000, now=now)).coupons == ()
    assert Coupon.objects.get(pk=coupon.pk).state == CouponState.REDEEMED
    assert take_back(used.purchase, back(1, 3000, now=now, number="B-2")).coupons == (coupon,)
    assert Coupon.objects.get(pk=coupon.pk).state == CouponState.VOID


def test_used_surprise_is_good_again_while_its_cause_stands(settle, take_back, customer, now):
    SurpriseRuleFactory(threshold_minor=1)
    coupon = settle(basket(4000, customer=customer, now=now)).surprises[0].coupon
    used = settle(basket(3000, customer=customer, now=now, receipt="R-2", coupons=[coupon.code]))
    take_back(used.purchase, back(1, 3000, now=now))
    assert Coupon.objects.get(pk=coupon.pk).state == CouponState.ISSUED


# --- told again, refused


def test_return_told_again_gives_the_first_result_and_books_nothing(settle, take_back, customer, now):
    coupon = CouponFactory(customer=customer)
    purchase = settle(basket(4000, customer=customer, now=now, coupons=[coupon.code])).purchase
    first, before = take_back(purchase, back(1, 4000, now=now)), facts()
    same = replace(back(1, 4000, now=now), lines=[ReturnLineIn(1, Decimal("1.000"), 4000)])
    again = take_back(purchase, same, at=now + DAY)
    assert facts() == before
    assert (first.created, again.created) == (True, False)
    for name in ("purchase_return", "clawed_back", "reimbursed", "coupons", "summary"):
        assert getattr(again, name) == getattr(first, name)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: replace(told, lines=[ReturnLineIn(1, Decimal(1), 3999)]),
        lambda told: replace(told, lines=[ReturnLineIn(2, Decimal(1), 4000)]),
        lambda told: replace(told, returned_at=told.returned_at - timedelta(seconds=1)),
    ],
)
def test_another_fact_under_the_same_number_is_refused(settle, take_back, customer, now, change):
    purchase = settle(basket(4000, 4000, customer=customer, now=now)).purchase
    take_back(purchase, back(1, 4000, now=now))
    before = facts()
    with pytest.raises(ReturnConflict):
        take_back(purchase, change(back(1, 4000, now=now)))
    assert facts() == before


def test_number_of_a_return_of_another_purchase_is_refused(settle, take_back, customer, now):
    first = settle(basket(4000, customer=customer, now=now)).purchase
    second = settle(basket(4000, customer=customer, now=now, receipt="R-2")).purchase
    take_back(first, back(1, 4000, now=now))
    with pytest.raises(ReturnConflict):
        take_back(second, back(1, 4000, now=now))


@pytest.mark.parametrize(
    ("lines", "seconds", "refusal"),
    [
        ([], 0, checkout.NothingReturned),
        ([ReturnLineIn(1, Decimal(0), 0)], 0, checkout.NothingReturned),
        ([ReturnLineIn(3, Decimal(1), 1)], 0, ReturnLineUnknown),
        ([ReturnLineIn(1, Decimal(1), 1), ReturnLineIn(1, Decimal(0), 1)], 0, ReturnLineUnknown),
        ([ReturnLineIn(1, Decimal(2), 4000)], 0, ReturnExceedsPurchase),
        ([ReturnLineIn(1, Decimal(1), 4001)], 0, ReturnExceedsPurchase),
        ([ReturnLineIn(1, Decimal(-1), 4000)], 0, ValueError),
        ([ReturnLineIn(1, Decimal(1), -1)], 0, ValueError),
        ([ReturnLineIn(1, Decimal(1), 4000)], 901, checkout.ReturnedInFuture),
        ([ReturnLineIn(1, Decimal(1), 4000)], -901, checkout.ReturnedBeforePurchase),
    ],
)
def test_nonsense_is_refused_and_leaves_nothing(settle, take_back, customer, now, lines, seconds, refusal):
    coupon = CouponFactory(customer=customer)
    purchase = settle(basket(4000, 3000, customer=customer, now=now, coupons=[coupon.code])).purchase
    before = facts()
    with pytest.raises(refusal):
        take_back(purchase, checkout.ReturnIn("B-1", now + timedelta(seconds=seconds), lines))
    assert facts() == before


@pytest.mark.parametrize("seconds", [-900, 900])
def test_clocks_of_two_tills_may_differ_a_little(settle, take_back, customer, now, seconds):
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    assert take_back(purchase, back(1, 4000, now=now + timedelta(seconds=seconds))).created


def test_goods_may_come_back_to_another_store_but_a_till_tells_of_its_own(settle, customer, now):
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    elsewhere = StoreFactory()
    other = Till.objects.create(store=StoreFactory(), name="1", key_hash="x", key_start="x", scopes=["sell"])
    told = {"purchase": purchase, "told": back(1, 4000, now=now), "store": elsewhere, "by": SYSTEM, "at": now}
    with pytest.raises(ValueError, match="own store"):
        checkout.take_back(**told, till=other)
    assert checkout.take_back(**told, till=None).purchase_return.store == elsewhere


@pytest.mark.parametrize("kind", [OfferKind.GIFT, OfferKind.PERCENT])
def test_other_kinds_of_coupons_come_back_too(settle, take_back, customer, now, kind):
    percent = 10 if kind == OfferKind.PERCENT else None
    coupon = CouponFactory(customer=customer, offer=OfferFactory(kind=kind, amount_minor=None, percent=percent))
    purchase = settle(basket(4000, customer=customer, now=now, coupons=[coupon.code])).purchase
    assert take_back(purchase, back(1, 4000, now=now)).coupons == (coupon,)
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get() == (0, 0)
