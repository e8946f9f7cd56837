"""The present rules, replayed over what a year really holds, are the ledger to the point."""

from datetime import timedelta
from decimal import Decimal

import pytest

from customers.domain.purchases import ReturnLineIn
from loyalty_site.lib.actors import SYSTEM, user
from rewards.domain import checkout, imports, ledger, merges, points
from rewards.domain.simulation import Draft, RateDraft, run
from rewards.models import ExpiryPolicy, OfferKind, PeriodEnd, ShortfallPolicy
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import (
    BaseRuleFactory,
    CapRuleFactory,
    CouponFactory,
    MultiplierRuleFactory,
    OfferFactory,
    ProgramFactory,
    TierFactory,
)
from tests.import_files import write
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import adjust, award, capture, hold, redeem, reimburse

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


class Story:
    """One customer's year, told by days since its beginning."""

    def __init__(self, now):
        self.begin, self.number = now - 300 * DAY, 0
        BaseRuleFactory(valid_from=self.begin)
        self.store, self.customer = StoreFactory(), CustomerFactory()

    def at(self, day):
        return self.begin + day * DAY

    def buy(self, day, amount, told=None, points=0, customer=None, coupons=()):
        """`told`: the day on which the till told of it, when that was later."""
        self.number += 1
        told_of = basket(
            amount,
            customer=customer or self.customer,
            now=self.at(day),
            receipt=f"R-{self.number}",
            points=points,
            coupons=coupons,
        )
        at = self.at(day if told is None else told)
        return checkout.settle(purchase=told_of, store=self.store, till=None, by=SYSTEM, at=at).purchase

    def bring_back(self, purchase, day, amount, told=None):
        """`told`: the day on which the till told of it, when that was later."""
        self.number += 1
        told_of = checkout.ReturnIn(f"B-{self.number}", self.at(day), [ReturnLineIn(1, Decimal("0.1"), amount)])
        at = self.at(day if told is None else told)
        checkout.take_back(purchase=purchase, told=told_of, store=self.store, till=None, by=SYSTEM, at=at)

    def expire(self, day):
        points.expire(at=self.at(day), limit=100)


def program(**terms):
    usual = {"expiry_policy": ExpiryPolicy.ROLLING, "expiry_months": 2, "expiry_period_end": PeriodEnd.MONTH}
    return ProgramFactory(**{**usual, **terms})


def unlike(now, story, days=(0, 25, 100, 290)):
    """Where the replay since one of these days is not the ledger: day, title, as it was, as it would be."""
    assert list(ledger.differences()) == []
    found = [(day, run(draft=Draft(), since=story.at(day), at=now)) for day in days]
    return [(day, *row) for day, one in found for row in one.rows() if row[1] != row[2]]


def test_points_that_coupons_multiplied_are_multiplied_again(now):
    program()
    story = Story(now)
    MultiplierRuleFactory(valid_from=story.begin, multiplier="1.5")
    offer = OfferFactory(
        kind=OfferKind.MULTIPLIER,
        amount_minor=None,
        points_multiplier="2.5",
        valid_from=story.begin,
        published_at=story.begin,
    )
    codes = [CouponFactory(offer=offer, issued_at=story.begin).code for _ in range(3)]
    bought = [
        story.buy(day, amount, coupons=[code])
        for (day, amount), code in zip([(1, 10_010), (30, 777), (120, 5000)], codes, strict=True)
    ]
    story.buy(130, 1000)
    story.bring_back(bought[0], 40, 5000)
    story.bring_back(bought[2], 140, 333)
    assert unlike(now, story, (0, 20, 50, 100, 290)) == []


def test_spending_undone_goes_back_to_its_lots(now):
    program()
    story = Story(now)
    story.buy(1, 10_000)
    story.buy(50, 5000)
    spent = redeem(story.customer, 120, story.at(55))
    reimburse(spent, story.at(57), 60, "first")
    reimburse(spent, story.at(250), reference="second")
    story.buy(260, 900)
    assert unlike(now, story, (0, 30, 56, 100)) == []


@pytest.mark.parametrize("shortfall", ShortfallPolicy)
def test_returns_of_what_is_spent(now, shortfall):
    program(shortfall_policy=shortfall)
    story = Story(now)
    bought = story.buy(1, 10_000)
    spent = redeem(story.customer, 90, story.at(10))
    story.bring_back(bought, 12, 9000)
    story.buy(20, 3000)
    reimburse(spent, story.at(30))
    story.buy(280, 1500)
    assert unlike(now, story, (0, 11, 15, 25, 100)) == []


def test_sales_that_are_told_late(now):
    program()
    story = Story(now)
    story.buy(1, 10_000)
    story.buy(60, 4000)
    redeem(story.customer, 30, story.at(62))
    story.buy(40, 2000, told=64)
    story.buy(2, 7000, told=150)
    story.buy(291, 800, told=295)
    assert unlike(now, story) == []


def test_what_was_told_late_could_not_be_spent_before(now):
    """Told at once, the 20 that lapse first would have been spent on day 255, and not lapsed on 1 May."""
    program()
    story = Story(now)
    story.buy(250, 4000)
    redeem(story.customer, 30, story.at(255))
    story.buy(200, 2000, told=256)
    assert unlike(now, story, (0, 190, 210, 252, 255.5, 260)) == []
    found = run(draft=Draft(), since=story.begin, at=now).would_be
    assert (found.awarded, found.spent, found.lapsed, found.outstanding) == (60, 30, 20, 10)


def test_late_sales_and_debts(now):
    """A return makes a debt, by what was known then: 100 earned, 90 spent, 100 taken back, 70 told late."""
    program(shortfall_policy=ShortfallPolicy.DEBT)
    story = Story(now)
    bought = story.buy(250, 10_000)
    redeem(story.customer, 90, story.at(252))
    story.bring_back(bought, 255, 10_000)
    story.buy(249, 7000, told=260)
    story.buy(270, 4500, told=271)
    assert unlike(now, story, (0, 249.5, 251, 253, 256, 265)) == []
    found = run(draft=Draft(), since=story.begin, at=now).would_be
    assert (found.awarded, found.taken_back, found.debt, found.outstanding) == (215, 100, 0, 25)


def test_forgiven_for_want_of_what_was_told_late(now):
    program(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    story = Story(now)
    bought = story.buy(250, 10_000)
    redeem(story.customer, 90, story.at(252))
    story.bring_back(bought, 255, 10_000)
    story.buy(249, 7000, told=260)
    assert unlike(now, story, (0, 249.5, 251, 253, 256, 265)) == []
    found = run(draft=Draft(), since=story.begin, at=now).would_be
    assert (found.awarded, found.taken_back, found.outstanding) == (170, 10, 70)


def test_returns_that_are_told_late(now):
    """A till's return counts when it is told: what was spent meanwhile stays spent."""
    program(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    story = Story(now)
    bought = story.buy(1, 10_000)
    other = story.buy(2, 3333)
    redeem(story.customer, 80, story.at(20))
    story.bring_back(bought, 10, 4000, told=30)
    story.bring_back(bought, 25, 3000)
    story.bring_back(other, 3, 1111, told=140)
    assert unlike(now, story, (0, 1.5, 5, 15, 22, 27, 35, 130)) == []


def test_caps_left_room_for_what_was_known(now):
    """100 a year: the second purchase took the room before the first was told, so that its return costs 60."""
    program()
    story = Story(now)
    CapRuleFactory(points=100, cap_period="YEAR", valid_from=story.begin)
    second = story.buy(245, 6000)
    story.buy(240, 9000, told=250)
    story.bring_back(second, 255, 6000)
    story.buy(256, 5000)
    assert unlike(now, story, (0, 242, 247, 252)) == []
    found = run(draft=Draft(), since=story.begin, at=now).would_be
    assert (found.awarded, found.taken_back) == (40 + 60 + 50, 60)


def test_late_activities(now):
    """Two idle months: a sale of day 70 told on day 90 keeps the points alive, one that is told after they lapsed does
    not; and its own points live on for what was done after it."""
    program(expiry_policy=ExpiryPolicy.INACTIVITY)
    story = Story(now)
    story.buy(1, 10_000)
    story.buy(40, 700, told=44)
    story.buy(95, 800)
    story.buy(70, 900, told=97)
    story.buy(235, 500)
    story.buy(150, 600, told=240)
    assert unlike(now, story, (0, 30, 42, 75, 96, 120, 200)) == []


def test_points_that_paid_for_a_sale_that_was_told_late(now):
    """They were redeemed before it earned."""
    program()
    story = Story(now)
    story.buy(50, 10_000)
    story.buy(20, 6000, told=55, points=30)
    assert unlike(now, story, (0, 30, 52)) == []


def test_a_file_tells_late_and_in_the_order_of_time(now, tmp_path):
    program()
    story = Story(now)
    story.buy(60, 4000)
    redeem(story.customer, 30, story.at(62))
    cells = {"store": story.store.code, "customer": story.customer.number, "sku": "A", "quantity": "1"}
    told = [
        cells | {"receipt_number": "F-1", "purchased_at": f"{story.at(20):%Y-%m-%d %H:%M}Z", "amount": "80.00"},
        cells | {"receipt_number": "F-2", "purchased_at": f"{story.at(58):%Y-%m-%d %H:%M}Z", "amount": "50.00"},
        cells
        | {
            "receipt_number": "F-3",
            "purchased_at": f"{story.at(59):%Y-%m-%d %H:%M}Z",
            "amount": "-50.00",
            "quantity": "-1",
        },
    ]
    imports.run(path=write(tmp_path / "late.csv", *told), by=SYSTEM, at=story.at(64))
    redeem(story.customer, 5, story.at(66), "later")
    assert unlike(now, story, (0, 30, 58.5, 61, 63, 65, 100)) == []


def test_points_that_paid_and_holds(now):
    program()
    story = Story(now)
    story.buy(1, 10_000)
    paid = story.buy(5, 2000, points=50)
    story.bring_back(paid, 8, 500)
    kept = hold(story.customer, 20, story.at(12))
    capture(kept, story.at(12))
    story.buy(295, 1000)
    hold(story.customer, 5, now, reference="open")
    assert unlike(now, story, (0, 3, 10, 100)) == []


def test_lapses_booked_long_after_and_awards_of_surveys(now):
    program()
    story = Story(now)
    award(story.customer, 40, story.at(1), "survey:1")
    story.buy(2, 10_000)
    story.expire(120)
    award(story.customer, 25, story.at(130), "survey:2")
    adjust(story.customer, -10, story.at(131))
    story.buy(135, 1000)
    assert unlike(now, story) == []


def test_return_after_the_lapse(now):
    program()
    story = Story(now)
    bought = story.buy(1, 10_000)
    story.buy(90, 3000)
    story.expire(110)
    story.bring_back(bought, 120, 4000)
    assert unlike(now, story, (0, 100, 115, 130)) == []


def test_tiers_caps_and_waiting(now):
    program(pending_days=7)
    story = Story(now)
    gold = TierFactory(code="gold", rank=1, threshold=150)
    MultiplierRuleFactory(tier=gold, multiplier=Decimal("1.5"), valid_from=story.begin)
    CapRuleFactory(points=120, cap_period="MONTH", valid_from=story.begin)
    first = story.buy(1, 10_000)
    story.buy(3, 4000)
    story.buy(45, 9000)
    story.buy(80, 6100)
    story.bring_back(first, 85, 5000)
    story.buy(86, 9900)
    story.buy(294, 3300)
    assert unlike(now, story, (0, 2, 60, 82, 290)) == []


@pytest.mark.parametrize(
    "terms",
    [
        {"expiry_policy": ExpiryPolicy.INACTIVITY},
        {"expiry_policy": ExpiryPolicy.FIXED, "expiry_months": 1, "expiry_days": "03-31, 09-30"},
    ],
)
def test_other_terms_of_lapse(now, terms):
    program(**terms)
    story = Story(now)
    story.buy(1, 10_000)
    story.buy(50, 2000)
    spent = redeem(story.customer, 15, story.at(60))
    story.expire(200)
    story.buy(210, 700)
    reimburse(spent, story.at(212))
    assert unlike(now, story, (0, 60, 100, 220)) == []


def test_returns_of_what_was_renewed_and_lapsed_again(now):
    """Since before it was spent, given back, lapsed again, taken back in part."""
    program()
    story = Story(now)
    bought = story.buy(1, 10_000)
    other = story.buy(2, 3000)
    spent = redeem(story.customer, 110, story.at(10))
    reimburse(spent, story.at(100))
    story.bring_back(other, 105, 1000)
    redeem(story.customer, 5, story.at(110), "later")
    story.expire(132)
    story.buy(140, 5000)
    story.bring_back(bought, 145, 5000)
    story.bring_back(bought, 150, 4000)
    story.bring_back(other, 155, 2000)
    assert unlike(now, story, (0, 50, 102, 107, 135, 147, 152)) == []


def test_grace_is_not_put_off_by_activities(now):
    program(expiry_policy=ExpiryPolicy.INACTIVITY)
    story = Story(now)
    story.buy(1, 10_000)
    spent = redeem(story.customer, 60, story.at(10))
    reimburse(spent, story.at(200))
    story.buy(225, 700)
    assert unlike(now, story, (0, 50, 205)) == []


@pytest.mark.parametrize("merged_on", [70, 130])
def test_customers_who_were_merged(now, merged_on):
    program()
    story = Story(now)
    other = CustomerFactory()
    TierFactory(code="gold", rank=1, threshold=150)
    story.buy(1, 10_000)
    bought = story.buy(50, 6000, customer=other)
    spent = redeem(other, 20, story.at(60))
    story.buy(65, 4000)
    merges.merge(source=other, target=story.customer, reason="one person", by=user(7), at=story.at(merged_on))
    bought.refresh_from_db()
    story.bring_back(bought, 132, 3000)
    reimburse(spent, story.at(134))
    redeem(story.customer, 10, story.at(135))
    story.buy(136, 2500)
    found = run(draft=Draft(), since=story.begin, at=now)
    assert (found.was.awarded, found.customers_same) == (100 + 60 + 40 + 25, 1)
    assert [(count.was, count.would_be) for count in found.tiers] == [(0, 0), (1, 1)]
    assert unlike(now, story, (0, 55, 62, 100, 133)) == []


def test_each_spent_their_own_before_they_were_merged(now):
    """The source's points of day 250 were spent, not the target's of day 200, which lapsed on 1 May."""
    program()
    story = Story(now)
    other = CustomerFactory()
    story.buy(200, 2000)
    story.buy(250, 4000, customer=other)
    redeem(other, 30, story.at(255))
    join(story, other, 260)
    assert unlike(now, story, (0, 210, 252, 257, 265)) == []
    found = run(draft=Draft(), since=story.begin, at=now).would_be
    assert (found.lapsed, found.outstanding) == (20, 10)


def join(story, source, day):
    return merges.merge(source=source, target=story.customer, reason="one person", by=user(7), at=story.at(day))


def part(story, merge, day):
    merges.undo(merge=merge, by=user(7), at=story.at(day))


def test_a_merge_that_was_undone(now):
    """Between them the target spends 50 of the source's points; what is left of them goes back."""
    program()
    story = Story(now)
    other = CustomerFactory()
    TierFactory(code="gold", rank=1, threshold=150)
    story.buy(240, 3000)
    bought = story.buy(200, 10_000, customer=other)
    merge = join(story, other, 245)
    redeem(story.customer, 50, story.at(246))
    bought.refresh_from_db()
    story.bring_back(bought, 247, 2000)
    story.buy(248, 1500)
    part(story, merge, 250)
    bought.refresh_from_db()
    story.bring_back(bought, 252, 1000)
    redeem(other, 5, story.at(253), "own")
    story.buy(255, 700, customer=other)
    assert unlike(now, story, (0, 210, 242, 245.5, 246.5, 247.5, 249, 251, 254)) == []
    found = run(draft=Draft(), since=story.begin, at=now)
    assert (found.would_be.awarded, found.would_be.taken_back, found.would_be.spent) == (152, 30, 55)
    assert (found.would_be.lapsed, found.would_be.outstanding) == (15, 52)
    assert found.customers_same == 2


def test_double_points_while_two_were_one(now):
    """100 of the source and 30 + 15 of the target, doubled: 60 are spent of the source's 200, and 140 go back."""
    program()
    story = Story(now)
    other = CustomerFactory()
    story.buy(240, 3000)
    story.buy(230, 10_000, customer=other)
    merge = join(story, other, 245)
    redeem(story.customer, 60, story.at(246))
    story.buy(248, 1500)
    part(story, merge, 250)
    redeem(other, 40, story.at(252), "own")
    found = run(draft=Draft(rate=RateDraft(2, 100)), since=story.begin, at=now)
    assert (found.would_be.awarded, found.would_be.spent, found.would_be.uncovered) == (290, 100, 0)
    assert unlike(now, story, (0, 235, 242, 245.5, 247, 249, 251)) == []


@pytest.mark.parametrize("shortfall", ShortfallPolicy)
def test_debts_and_spending_undone_while_two_were_one(now, shortfall):
    program(shortfall_policy=shortfall)
    story = Story(now)
    other = CustomerFactory()
    bought = story.buy(230, 10_000)
    redeem(story.customer, 95, story.at(231))
    story.bring_back(bought, 232, 8000)
    story.buy(233, 6000, customer=other)
    spent = redeem(other, 20, story.at(234), "theirs")
    merge = join(story, other, 240)
    reimburse(spent, story.at(242), 15, "first")
    story.buy(243, 2500)
    part(story, merge, 250)
    reimburse(spent, story.at(252), 5, "second")
    story.buy(254, 1100, customer=other)
    assert unlike(now, story, (0, 231.5, 232.5, 235, 245, 251, 253)) == []
    assert run(draft=Draft(), since=story.at(241), at=now).customers_same == 2


def test_a_debt_that_went_over_and_came_back(now):
    program(shortfall_policy=ShortfallPolicy.DEBT)
    story = Story(now)
    other = CustomerFactory()
    bought = story.buy(230, 10_000, customer=other)
    redeem(other, 95, story.at(231))
    story.bring_back(bought, 232, 8000)
    story.buy(233, 3000)
    merge = join(story, other, 240)
    story.buy(243, 9000)
    part(story, merge, 250)
    story.buy(252, 2000, customer=other)
    assert unlike(now, story, (0, 231.5, 235, 251, 253)) == []


def test_caps_of_two_who_were_one_for_a_while(now):
    """100 a year: 70 and 60 each; together nothing is left; parted, the source has 30 left and the target none."""
    program()
    story = Story(now)
    other = CustomerFactory()
    CapRuleFactory(points=100, cap_period="YEAR", valid_from=story.begin)
    story.buy(236, 6000)
    story.buy(235, 7000, customer=other)
    merge = join(story, other, 240)
    story.buy(243, 5000)
    part(story, merge, 250)
    story.buy(252, 5000, customer=other)
    story.buy(253, 5000)
    assert unlike(now, story, (0, 235.5, 238, 241, 245, 251)) == []
    assert run(draft=Draft(), since=story.begin, at=now).would_be.awarded == 60 + 70 + 0 + 30 + 40


def test_return_of_what_was_bought_before_frees_room_under_a_cap(now):
    program()
    story = Story(now)
    CapRuleFactory(points=100, cap_period="YEAR", valid_from=story.begin)
    bought = story.buy(240, 9000)
    story.bring_back(bought, 250, 5000)
    story.buy(252, 8000)
    assert unlike(now, story, (0, 245, 251)) == []
    assert run(draft=Draft(), since=story.at(245), at=now).would_be.awarded == 60
