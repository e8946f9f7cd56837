"""What the programme owes: it ties to the ledger, and each day to the one before."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from django.db.models import Sum

from loyalty_site.lib import actors
from rewards.domain import liability, points
from rewards.domain.liability import Movement
from rewards.models import ExpiryPolicy, PointsAccount, PointsEntry, ShortfallPolicy
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import adjust, award, claw_back, redeem, reimburse

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
MAY = {"first": date(2026, 5, 1), "last": date(2026, 5, 31)}


def report(first, last, at):
    return liability.report(first=first, last=last, at=at)


def story(now):
    """Everything that can happen to points, from February to May; the last lapse is not booked."""
    first, second, third = CustomerFactory.create_batch(3)
    february, march, april = now - 90 * DAY, now - 60 * DAY, now - 30 * DAY
    spent = award(first, 100, february, "a")
    award(second, 50, february, "a")
    taken = redeem(first, 80, march)
    returned = award(second, 70, march, "b")
    award(third, 40, now - 5 * DAY, "pending")
    points.expire(at=april, limit=10)
    claw_back(spent, 100, april)
    reimburse(taken, now - 2 * DAY)
    claw_back(returned, 20, now - DAY, "return:2")
    adjust(third, 9, now)
    adjust(third, -4, now, "adjustment:2")
    award(first, 500, now + 20 * timedelta(minutes=1), "a till whose clock is ahead")
    return first, second, third


@pytest.fixture
def told(now):
    ProgramFactory(
        timezone="Asia/Shanghai",
        pending_days=14,
        expiry_policy=ExpiryPolicy.ROLLING,
        expiry_months=1,
        point_value_minor=5,
        shortfall_policy=ShortfallPolicy.DEBT,
    )
    return story(now)


def test_months_are_what_the_entries_say_and_follow_each_other(told, now):
    found = report(date(2026, 2, 10), date(2026, 5, 20), now)
    spans = [(month.first, month.last) for month in found.months]
    assert spans[0] == (date(2026, 2, 10), date(2026, 2, 28))
    assert spans[1:3] == [(date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30))]
    assert spans[3] == (date(2026, 5, 1), date(2026, 5, 20))
    opening = 0
    for month in found.months:
        assert month.opening == opening
        opening = month.closing
    assert opening == found.total.closing == PointsEntry.objects.aggregate(sum=Sum("points"))["sum"]
    total = dict(PointsEntry.objects.values_list("kind").annotate(Sum("points")).order_by())
    assert found.total == Movement(
        first=date(2026, 2, 10),
        last=date(2026, 5, 20),
        opening=0,
        awarded=total["AWARD"],
        clawed_back=total["CLAW_BACK"],
        redeemed=total["REDEEM"],
        reimbursed=total["REIMBURSE"],
        expired=total.get("EXPIRE", 0),
        adjusted=total["ADJUST"],
        merged=0,
    )


def test_closing_of_now_is_the_sum_of_the_accounts_and_of_what_each_can_spend(told, now):
    at = now + timedelta(hours=1)
    found = report(**MAY, at=at)
    sums = PointsAccount.objects.aggregate(balance=Sum("balance"), debt=Sum("debt"))
    summaries = [points.summary(customer=customer, at=at) for customer in told]
    assert found.total.closing == sums["balance"]
    assert found.debt == sums["debt"] == sum(summary.debt for summary in summaries)
    assert found.spendable == sum(summary.available + summary.held for summary in summaries)
    assert found.pending == sum(summary.pending for summary in summaries) > 0
    assert found.total.closing == found.spendable + found.pending + found.lapse_due - found.debt
    assert (found.owed, found.owed_minor) == (
        found.spendable + found.pending,
        5 * (found.spendable + found.pending),
    )


def test_each_opening_is_the_closing_of_the_day_before(told, now):
    closing = 0
    for number in range(120):
        day = date(2026, 2, 1) + timedelta(days=number)
        found = report(day, day, now)
        assert found.total.opening == closing
        closing = found.total.closing
    assert closing == PointsAccount.objects.aggregate(sum=Sum("balance"))["sum"]


def test_past_day_is_told_afterwards_as_it_was_told_on_the_day():
    ProgramFactory(pending_days=14, expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    customer, debtor = CustomerFactory.create_batch(2)
    told = {}
    lost = award(debtor, 30, start, "a")
    for number in range(60):
        at = start + number * DAY
        award(customer, number + 1, at)
        if number % 7 == 6 and number > 20:
            redeem(customer, 30, at, f"r:{number}")
        if number == 20:
            redeem(debtor, 30, at)
            claw_back(lost, 30, at)
        midnight = (at + DAY).replace(hour=0)
        points.expire(at=midnight, limit=100)
        told[at.date()] = report(at.date(), at.date(), midnight)
    for day, before in told.items():
        assert report(day, day, start + 90 * DAY) == before
    assert told[date(2026, 4, 5)].debt == 30
    assert min(before.pending for before in told.values()) > 0


def test_debt_is_not_set_off_against_what_others_are_owed(now):
    ProgramFactory()
    lost = award(CustomerFactory(), 30, now)
    redeem(lost.customer.customer, 30, now)
    claw_back(lost, 30, now)
    award(CustomerFactory(), 100, now)
    found = report(**MAY, at=now)
    assert (found.total.closing, found.debt, found.owed) == (70, 30, 100)


def test_day_is_the_programmes(customer):
    ProgramFactory(timezone="Asia/Shanghai")
    award(customer, 7, datetime(2026, 5, 31, 15, 59, 59, tzinfo=UTC), "still May")
    award(customer, 1, datetime(2026, 5, 31, 16, tzinfo=UTC), "June")
    assert report(**MAY, at=datetime(2026, 6, 20, tzinfo=UTC)).total.awarded == 7


def test_what_lapses_at_midnight_lapses_on_the_day_that_ends(customer, now):
    ProgramFactory(timezone="Asia/Shanghai", expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(customer, 40, now - 40 * DAY)
    lapse = customer.points_account.lots.get().expires_at
    assert lapse == datetime(2026, 5, 31, 16, tzinfo=UTC)
    before = report(**MAY, at=lapse)
    assert (before.total.expired, before.lapse_due, before.owed, before.total.closing) == (0, 40, 0, 40)
    points.expire(at=lapse, limit=10)
    after = report(**MAY, at=lapse + DAY)
    assert (after.total.expired, after.lapse_due, after.total.closing) == (-40, 0, 0)
    june = report(date(2026, 6, 1), date(2026, 6, 1), lapse + DAY).total
    assert (june.opening, june.expired) == (0, 0)


def test_held_points_are_still_owed(customer, now):
    ProgramFactory()
    award(customer, 40, now)
    points.hold(customer=customer, points=30, ttl=DAY, reference="h", by=actors.SYSTEM, at=now)
    found = report(**MAY, at=now)
    assert (found.spendable, found.total.closing) == (40, 40)


def test_breakage_is_the_share_of_ended_lots_that_lapsed_unspent(now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    customers = CustomerFactory.create_batch(100)
    for number, customer in enumerate(customers):
        award(customer, 10, now - 90 * DAY, "ended")
        if number < 60:
            redeem(customer, 9, now - 89 * DAY)
        award(customer, 7, now, "open")
    points.expire(at=now, limit=50)  # half of the lapses are booked, the others due
    found = report(**MAY, at=now)
    assert (found.breakage.lots, found.breakage.points, found.breakage.lapsed) == (100, 1000, 460)
    assert found.breakage.share == Fraction(46, 100)
    assert (found.owed, found.expected_breakage) == (700, 322)
    assert report(**MAY, at=now + 400 * DAY).breakage == found.breakage  # the end of May, whenever it is asked for


def test_lots_that_renew_what_had_lapsed_count_as_lots_of_their_own(now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    for customer in CustomerFactory.create_batch(50):
        award(customer, 10, now - 120 * DAY, "ended")
        reimburse(redeem(customer, 10, now - 119 * DAY), now - 50 * DAY)
    found = report(**MAY, at=now)
    assert (found.breakage.lots, found.breakage.points, found.breakage.lapsed) == (100, 1000, 500)


def test_breakage_of_few_or_of_long_gone_lots_is_not_told(now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    for customer in CustomerFactory.create_batch(99):
        award(customer, 10, now - 90 * DAY, "ended")
    award(CustomerFactory(), 10, now - 500 * DAY, "too long ago")
    found = report(**MAY, at=now)
    assert (found.breakage, found.expected_breakage) == (None, None)


def test_programme_without_points_owes_nothing(now):
    found = report(**MAY, at=now)
    assert (found.total.opening, found.total.closing, found.owed, found.owed_minor) == (0, 0, 0, 0)


def test_report_takes_as_many_queries_for_a_year_as_for_a_day(told, now, django_assert_num_queries):
    for first in (date(2026, 5, 20), date(2025, 6, 1)):
        with django_assert_num_queries(4):
            report(first, date(2026, 5, 20), now)
