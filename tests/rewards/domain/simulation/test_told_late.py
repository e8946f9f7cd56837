"""The replay of what the programme learnt late is the ledger to the point."""

import pytest

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import imports
from rewards.domain.simulation import Draft, run
from rewards.models import ExpiryPolicy, ShortfallPolicy
from tests.factories.rewards import (
    CapRuleFactory,
)
from tests.import_files import write
from tests.rewards.domain.simulation.stories import Story, program, unlike
from tests.rewards.domain.steps import redeem

pytestmark = pytest.mark.django_db(transaction=True)


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
