"""What is complained about elsewhere when goods come back, and that it does not happen here."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, coupons, explanations, queries
from rewards.models import Coupon, CouponState, EarningRule, PointsEntry
from tests.factories.customers import StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, SurpriseRuleFactory
from tests.rewards.domain.baskets import back, basket, line
from tests.rewards.domain.steps import account, award, redeem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def test_buying_and_returning_again_and_again_makes_no_points(settle, take_back, customer, now):
    """Complaint: the points of a returned purchase are kept, so that points without end can be had for nothing."""
    for number in range(5):
        purchase = settle(basket(9900, customer=customer, now=now, receipt=f"R-{number}")).purchase
        take_back(purchase, back(1, 9900, now=now, number=f"B-{number}"))
    assert account(customer)[:2] == (0, 0)


def test_return_does_not_charge_the_points_that_paid_once_more(settle, take_back, customer, now):
    """Complaint: the refund of a purchase that was paid with points takes those points a second time."""
    award(customer, 500, now, "before")
    purchase = settle(basket(4000, customer=customer, now=now, points=500)).purchase
    take_back(purchase, back(1, 4000, now=now))
    assert account(customer)[0] == 500
    assert PointsEntry.objects.filter(kind="REDEEM").count() == 1


def test_part_of_a_purchase_moves_only_its_part_of_the_points(settle, take_back, customer, now):
    """Complaint: a refund of one article takes and gives the points of the whole receipt."""
    award(customer, 500, now, "before")
    purchase = settle(basket(3000, 1000, customer=customer, now=now, points=400)).purchase
    told = take_back(purchase, back(2, 1000, now=now))
    assert (told.reimbursed.points, told.clawed_back.points) == (100, -9)


def test_points_of_returned_goods_that_are_spent_are_not_lost_to_the_owner(settle, take_back, customer, now):
    """Complaint: a return makes no negative points, so that what was earned, spent and returned is a gift."""
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    redeem(customer, 40, now)
    assert take_back(purchase, back(1, 4000, now=now)).summary.debt == 40
    assert settle(basket(10_000, customer=customer, now=now, receipt="R-2")).summary.available == 60


def test_return_of_a_purchase_paid_in_part_with_points_takes_what_that_part_did_not_earn(
    settle, take_back, customer, now
):
    """Complaint: points are taken back for the whole amount although the part paid with points had earned none."""
    award(customer, 1000, now, "before")
    settled = settle(basket(4000, customer=customer, now=now, points=1000))
    told = take_back(settled.purchase, back(1, 4000, now=now))
    assert -told.clawed_back.points == settled.entry.points == 30
    assert account(customer)[0] == 1000


def test_purchase_cannot_be_deleted_from_under_its_points(settle, customer, now):
    """Complaint: the invoice is deleted and its points stay."""
    purchase = settle(basket(4000, customer=customer, now=now)).purchase
    with pytest.raises(DatabaseError), transaction.atomic():
        purchase.lines.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        purchase.delete()
    assert account(customer)[0] == 40


def test_single_article_taken_off_a_receipt_loses_its_points(settle, take_back, customer, now):
    """Complaint: articles that are voided after the sale keep their points."""
    purchase = settle(basket(4000, 2500, customer=customer, now=now)).purchase
    assert take_back(purchase, back(2, 2500, now=now)).clawed_back.points == -25


def test_changed_rule_does_not_change_what_a_return_takes(settle, take_back, customer, now):
    """Complaint: 50 were earned, the rule was doubled since, and the return takes 100."""
    purchase = settle(basket(5000, customer=customer, now=now)).purchase
    EarningRule.objects.update(points=2)
    assert take_back(purchase, back(1, 5000, now=now)).clawed_back.points == -50


def test_deleted_rule_does_not_save_the_points(settle, take_back, customer, now):
    """Complaint: the rule is gone since, and the return takes nothing."""
    purchase = settle(basket(5000, customer=customer, now=now)).purchase
    EarningRule.objects.all().delete()
    assert take_back(purchase, back(1, 5000, now=now)).clawed_back.points == -50


def test_return_counts_wherever_and_however_it_is_paid_out(settle, customer, now):
    """Complaint: goods that are exchanged for store credit, or come back to another store, keep their points."""
    purchase = settle(basket(5000, customer=customer, now=now)).purchase
    told = checkout.take_back(
        purchase=purchase, told=back(1, 5000, now=now), store=StoreFactory(), till=None, by=SYSTEM, at=now
    )
    assert told.clawed_back.points == -50


def test_customer_sees_in_words_why_points_are_gone(settle, take_back, customer, store, now):
    """Complaint: points vanish without a notice."""
    purchase = settle(basket(5000, customer=customer, now=now)).purchase
    take_back(purchase, back(1, 5000, now=now))
    (newest, _) = queries.ledger_page(customer=customer, limit=2)
    assert explanations.explain(newest) == (
        f"50 points taken back because goods were returned at {store.name} on May 20, 2026."
    )


def test_delivery_that_is_not_refunded_does_not_keep_the_customers_points(settle, take_back, customer, now):
    """Complaint: without the delivery it is no full refund, and the points that paid do not come back at all."""
    award(customer, 1000, now, "before")
    goods = [line(9000, "goods", "FOOD"), line(1000, "delivery", "DELIVERY")]
    purchase = settle(basket(*goods, customer=customer, now=now, points=1000)).purchase
    assert take_back(purchase, back(1, 9000, now=now)).reimbursed.points == 900


def test_coupon_of_a_cancelled_purchase_is_not_lost(settle, take_back, customer, now):
    """Complaint: the order is cancelled and the coupon stays used."""
    coupon = CouponFactory(customer=customer, offer=OfferFactory(redemptions_max=1))
    told = basket(5000, customer=customer, now=now, coupons=[coupon.code])
    take_back(settle(told).purchase, back(1, 5000, now=now))
    assert settle(replace(told, receipt_number="R-2")).purchase.discount_minor == 500


def test_coupon_for_the_next_purchase_goes_with_the_purchase_that_brought_it(settle, take_back, customer, now):
    """Complaint: buy, get a coupon for the next purchase, return everything, keep the coupon."""
    SurpriseRuleFactory(threshold_minor=4000)
    settled = settle(basket(5000, customer=customer, now=now))
    coupon = settled.surprises[0].coupon
    take_back(settled.purchase, back(1, 5000, now=now))
    with pytest.raises(coupons.CouponVoid):
        settle(basket(5000, customer=customer, now=now, receipt="R-2", coupons=[coupon.code]))


def test_coupon_is_not_good_twice_by_cancelling(settle, take_back, customer, now):
    """Complaint: by cancelling at the right moment one coupon is used on two purchases that both stand."""
    coupon = CouponFactory(customer=customer)
    told = basket(5000, customer=customer, now=now, coupons=[coupon.code])
    first = settle(told).purchase
    take_back(first, back(1, 5000, now=now))
    settle(replace(told, receipt_number="R-2"))
    take_back(first, back(1, 5000, now=now))  # told once more: gives nothing back
    assert Coupon.objects.get().state == CouponState.REDEEMED
    with pytest.raises(coupons.CouponAlreadyRedeemed):
        settle(replace(told, receipt_number="R-3"))
