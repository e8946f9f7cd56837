"""Goods of a till's purchase that a file brings back: what paid for them goes back as it would at a till."""

from datetime import timedelta

import pytest

from customers.models import PurchaseReturn
from loyalty_site.lib import actors
from rewards.domain import imports
from rewards.models import Coupon, CouponRedemption, CouponState, Offer, PointsEntry, ShortfallPolicy
from tests.factories.customers import CardFactory, CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, SurpriseRuleFactory
from tests.import_files import row, write
from tests.races import at_once
from tests.rewards.domain.baskets import back, basket
from tests.rewards.domain.steps import account, award, redeem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
COLUMNS = ("store", "receipt_number", "customer", "purchased_at", "sku", "quantity", "amount", "currency")


@pytest.fixture
def bring_back(tmp_path, store, now):
    """Imports a file with a receipt for each of these (customer's card, sku, amount)."""

    def bring_back(*goods, award_points=True):
        rows = [
            row(
                store=store.code,
                receipt_number=f"FILE-{number}",
                customer=card,
                purchased_at=(now + DAY + timedelta(minutes=number)).isoformat(),
                sku=sku,
                quantity="-1",
                amount=f"-{amount}",
                currency="CNY",
            )
            for number, (card, sku, amount) in enumerate(goods)
        ]
        path = write(tmp_path / "back.csv", *rows, columns=COLUMNS)
        return imports.run(path=path, by=actors.SYSTEM, at=now + 2 * DAY, award_points=award_points)

    return bring_back


@pytest.fixture
def bought(settle, customer, now):
    """Two articles, with a coupon and with points, and a surprise for it."""
    CardFactory(customer=customer, number="A1")
    SurpriseRuleFactory(threshold_minor=1)
    award(customer, 1000, now, "before")
    coupon = CouponFactory(customer=customer, offer=OfferFactory(amount_minor=1000))
    told = basket(8000, 3000, customer=customer, now=now, coupons=[coupon.code], points=1000)
    return settle(told)


@pytest.mark.parametrize("policy", ShortfallPolicy)
def test_file_gives_back_what_paid_for_the_goods(bought, bring_back, customer, policy):
    ProgramFactory(shortfall_policy=policy)
    assert account(customer)[0] == 90
    assert bring_back(("A1", "SKU 1", "30.00")).returns == 1
    given = PointsEntry.objects.get(kind="REIMBURSE")
    made = PurchaseReturn.objects.get()
    assert (given.points, given.reference, account(customer)[0]) == (272, f"return:{made.pk}", 90 + 272 - 25)
    assert Coupon.objects.get(pk=bought.coupons[0].coupon_id).state == CouponState.REDEEMED


def test_file_and_till_together_leave_nothing(bought, bring_back, take_back, customer, now):
    bring_back(("A1", "SKU 1", "30.00"))
    done = take_back(bought.purchase, back(1, 8000, now=now + 3 * DAY), at=now + 3 * DAY)
    assert account(customer)[:2] == (1000, 0)
    assert done.coupons == tuple(one.coupon for one in bought.coupons)


def test_file_that_brings_everything_back_gives_back_coupons_and_takes_the_surprise(bought, bring_back, customer):
    bring_back(("A1", "SKU 0", "80.00"), ("A1", "SKU 1", "30.00"))
    assert account(customer)[:2] == (1000, 0)
    coupon, surprise = bought.coupons[0].coupon, bought.surprises[0].coupon
    assert Coupon.objects.get(pk=coupon.pk).state == CouponState.ISSUED
    assert Coupon.objects.get(pk=surprise.pk).state == CouponState.VOID
    assert Offer.objects.values_list("redeemed_count", "redeemed_minor").get(pk=coupon.offer_id) == (0, 0)
    assert CouponRedemption.objects.get().purchase_return.return_number == "FILE-1"


def test_spent_points_are_made_good_by_what_comes_back(bought, bring_back, customer, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    redeem(customer, 90, now)
    bring_back(("A1", "SKU 0", "80.00"), ("A1", "SKU 1", "30.00"))
    assert account(customer)[:2] == (910, 0)


def test_file_of_mere_facts_changes_no_points_and_no_coupon(bought, bring_back, customer):
    bring_back(("A1", "SKU 0", "80.00"), ("A1", "SKU 1", "30.00"), award_points=False)
    assert account(customer)[0] == 90
    assert not CouponRedemption.objects.filter(rolled_back_at__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_file_and_tills_never_deadlock(settle, take_back, bring_back, now):
    """The file brings back one article of each purchase, the tills the other, and sell with the same offers."""
    SurpriseRuleFactory(threshold_minor=1)
    offers = [OfferFactory(), OfferFactory()]
    purchases, goods, baskets = [], [], []
    for number in range(4):
        customer = CustomerFactory()
        CardFactory(customer=customer, number=f"A{number}")
        award(customer, 100, now, "before")
        codes = [CouponFactory(customer=customer, offer=offers[(number + n) % 2]).code for n in range(2)]
        told = basket(8000, 3000, customer=customer, now=now, receipt=f"R-{number}", coupons=codes[:1], points=100)
        purchases.append(settle(told).purchase)
        goods.append((f"A{number}", "SKU 1", "30.00"))
        baskets.append(basket(900, customer=customer, now=now, receipt=f"S-{number}", coupons=codes[1:]))
    returns = [lambda p=p, n=n: take_back(p, back(1, 8000, now=now, number=f"B-{n}")) for n, p in enumerate(purchases)]
    sales = [lambda told=told: settle(told) for told in baskets]
    results = at_once(lambda: bring_back(*goods), *returns, *sales)
    assert [type(result).__name__ for result in results] == ["ImportResult"] + ["TakenBack"] * 4 + ["Settlement"] * 4
    given_back = CouponRedemption.objects.filter(rolled_back_at__isnull=False)
    assert list(given_back.values_list("coupon__state", flat=True)) == [CouponState.ISSUED] * 4
    for purchase in purchases:
        assert account(purchase.customer)[0] == 104
    assert sum(Offer.objects.values_list("redeemed_count", flat=True)) == 4
