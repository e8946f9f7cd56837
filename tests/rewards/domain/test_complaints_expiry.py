"""What customers and owners of other programmes complain about when points lapse, and that it does not happen here."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, points
from rewards.models import ExpiryPolicy, PeriodEnd, PointsLot, Program
from tests.factories.customers import StoreFactory
from tests.factories.rewards import CouponFactory, ProgramFactory
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import account, adjust, award, redeem, reimburse

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


@pytest.fixture
def monthly(db):
    return ProgramFactory(
        expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, expiry_period_end=PeriodEnd.MONTH, timezone="Asia/Shanghai"
    )


def test_balance_does_not_collapse_when_old_points_lapse(monthly, customer, now):
    """Complaint: what lapsed is left out of the sum while what was spent of it is still taken off: below zero."""
    award(customer, 100, now - 90 * DAY, "old")
    redeem(customer, 80, now - 80 * DAY)
    award(customer, 50, now, "new")
    before = points.summary(customer=customer, at=now)
    points.expire(at=now, limit=10)
    after = points.summary(customer=customer, at=now)
    assert (before.available, after.available, after.balance) == (50, 50, 50)


def test_every_date_on_which_points_lapse_is_told(monthly, customer, now):
    """Complaint: only the next date is shown, and the points after it lapse unannounced."""
    for months in range(3):
        award(customer, 10 + months, now + months * 31 * DAY, f"a:{months}")
    last = now + 64 * DAY
    assert [points for points, _ in points.summary(customer=customer, at=now).expiring] == [10]
    program = Program.objects.get()
    program.expiry_months = 12
    program.save()
    award(customer, 13, last, "kept longer")
    assert [number for number, _ in points.summary(customer=customer, at=last).expiring] == [11, 12, 13]


def test_switch_for_the_lapse_is_not_dead_and_changes_no_promise(customer, now):
    """Complaint: the setting to let points lapse does nothing, or strikes points that were promised to last."""
    program = ProgramFactory(expiry_policy=ExpiryPolicy.NEVER)
    award(customer, 100, now, "before")
    program.expiry_policy, program.expiry_months = ExpiryPolicy.ROLLING, 1
    program.save()
    award(customer, 10, now, "after")
    points.expire(at=now + 400 * DAY, limit=10)
    assert points.summary(customer=customer, at=now + 400 * DAY).available == 100


def test_points_of_every_origin_lapse(monthly, customer, now):
    """Complaint: only points with one label lapse; those added by hand, thanked with or given back last for ever."""
    award(customer, 100, now, "purchase:1")
    award(customer, 5, now, "survey-response:1")
    adjust(customer, 7, now)
    award(customer, 20, now - 90 * DAY, "old")
    spent = redeem(customer, 20, now - 89 * DAY)
    reimburse(spent, now)  # a fresh lot, as the old one's date is over
    assert PointsLot.objects.filter(expires_at__isnull=True).count() == 0
    points.expire(at=now + 90 * DAY, limit=100)
    assert account(customer)[0] == 0


def test_date_does_something_even_when_no_job_ran(monthly, settle, customer, now):
    """Complaint: the card has a date on it and is good long after it."""
    award(customer, 100, now - 90 * DAY)
    with pytest.raises(points.InsufficientPoints):
        settle(basket(4000, customer=customer, now=now, points=1))
    assert points.summary(customer=customer, at=now).available == 0


def test_day_of_the_lapse_is_the_same_in_every_time_zone(monthly, customer, now):
    """Complaint: points lapse a day early or late, as the server, the till or the visitor is in another zone."""
    award(customer, 100, datetime(2026, 4, 30, 15, 59, 59, tzinfo=UTC), "30 April, a second to midnight in Shanghai")
    award(customer, 10, datetime(2026, 4, 30, 16, tzinfo=UTC), "1 May in Shanghai")
    midnight = datetime(2026, 5, 31, 16, tzinfo=UTC)
    second = timedelta(seconds=1)
    available = [points.summary(customer=customer, at=at).available for at in (midnight - second, midnight)]
    assert available == [110, 10]


def test_discount_that_was_shown_is_not_dropped_after_midnight(settle, store, customer, now):
    """Complaint: the discount is in the basket, the zone's midnight passes before it is booked, and it is charged."""
    midnight = datetime(2026, 5, 20, 16, tzinfo=UTC)
    coupon = CouponFactory(customer=customer, expires_at=midnight)
    told = basket(4000, customer=customer, now=midnight - timedelta(seconds=1), coupons=[coupon.code])
    shown = checkout.quote(purchase=told, store=store, at=midnight - timedelta(seconds=1))
    booked = settle(told, at=midnight + timedelta(minutes=3)).purchase
    assert shown.paid_minor == booked.paid_minor == 3500


def test_stores_in_other_zones_share_one_last_day(monthly, store, customer, now):
    """Complaint: a coupon or points are still good in one store and over in the next."""
    award(customer, 100, datetime(2026, 4, 20, tzinfo=UTC))
    over = datetime(2026, 5, 31, 16, tzinfo=UTC)
    for zone in ("America/Los_Angeles", "Pacific/Auckland"):
        elsewhere = StoreFactory(timezone=zone)
        told = basket(10, customer=customer, now=over, receipt=f"R-{zone}", points=10)
        with pytest.raises(points.InsufficientPoints):
            checkout.settle(purchase=told, store=elsewhere, till=None, by=SYSTEM, at=over)
        early = replace(told, purchased_at=over - DAY)
        assert checkout.settle(purchase=early, store=elsewhere, till=None, by=SYSTEM, at=over - DAY).created
