"""What customers and owners of other programmes complain about in birthday gifts and lucky draws, and that it does not
happen here."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import merges, points, surprises
from rewards.models import Surprise, SurpriseDraw, Trigger
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import SurpriseRuleFactory, TimetableRuleFactory
from tests.rewards.domain.baskets import back, basket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)


def look(at):
    surprises.look_over(clock=lambda: at, until=at + DAY)


def test_birthday_that_is_edited_brings_no_second_gift_in_the_same_year(customer, now):
    TimetableRuleFactory()
    for days in (0, 1, 90):
        customer.birthday = (now + days * DAY).date()
        customer.save(update_fields=["birthday"])
        look(now + days * DAY)
    assert points.summary(customer=customer, at=now + 90 * DAY).available == 30


def test_born_on_29_february_is_thought_of_every_year():
    TimetableRuleFactory()
    leap = CustomerFactory(birthday=date(2000, 2, 29))
    for year in (2026, 2027, 2028, 2029):
        for day in range(27, 32):
            look(datetime(year, 2, 1, 12, tzinfo=UTC) + (day - 1) * DAY)
    thought_of = Surprise.objects.filter(customer=leap).order_by("pk").values_list("happened_at", flat=True)
    assert [day.date() for day in thought_of] == [
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
        date(2029, 2, 28),
    ]


def test_second_card_of_one_person_brings_no_second_birthday(old, kept, now):
    TimetableRuleFactory()
    for one in (old, kept):
        one.birthday = now.date()
        one.save(update_fields=["birthday"])
    points.lock(customer=old)
    look(now - DAY)  # nobody's birthday yet
    merges.merge(source=old, target=kept, reason="two cards", by=SYSTEM, at=now - timedelta(hours=12))
    look(now)
    look(now + DAY)
    assert Surprise.objects.get().customer == kept


def test_nobody_draws_again_by_bringing_goods_back(settle, take_back, customer, now):
    rule = SurpriseRuleFactory(
        trigger=Trigger.RANDOM_DRAW,
        threshold_minor=None,
        chance_percent=Decimal(100),
        seed="5eed",
        offer=None,
        points=5,
        cooldown_days=30,
    )
    first = settle(basket(4000, customer=customer, now=now))
    take_back(first.purchase, back(1, 4000, now=now))
    again = settle(basket(4000, customer=customer, now=now + timedelta(hours=1), receipt="R-2"), at=now + DAY)
    assert (len(first.surprises), len(again.surprises)) == (1, 0)
    assert list(SurpriseDraw.objects.order_by("pk").values_list("outcome", flat=True)) == ["GIVEN"]
    rule.refresh_from_db()
    assert rule.given_count == 1


def test_gift_does_not_hang_on_a_job_that_ran_at_midnight(now):
    """Nor is it doubled by one that ran twice."""
    TimetableRuleFactory()
    customer = CustomerFactory(birthday=now.date())
    look(now + DAY + timedelta(hours=11))
    look(now + DAY + timedelta(hours=11))
    assert points.summary(customer=customer, at=now + 2 * DAY).available == 30
