"""The replay of customers who were merged, and separated again, is the ledger to the point."""

import pytest

from loyalty_site.lib.actors import user
from rewards.domain import merges
from rewards.domain.simulation import Draft, RateDraft, run
from rewards.models import ShortfallPolicy
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import (
    CapRuleFactory,
    TierFactory,
)
from tests.rewards.domain.simulation.stories import Story, program, unlike
from tests.rewards.domain.steps import redeem, reimburse

pytestmark = pytest.mark.django_db(transaction=True)


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
