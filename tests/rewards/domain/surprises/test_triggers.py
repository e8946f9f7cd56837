"""Each trigger on the edges of its days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import surprises
from rewards.models import Surprise, Trigger
from tests.factories.customers import (
    CategoryFactory,
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    SegmentFactory,
    SegmentMemberFactory,
)
from tests.factories.rewards import OfferFactory, ProgramFactory, SurpriseRuleFactory, TimetableRuleFactory

pytestmark = pytest.mark.django_db
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def look(at):
    """The occasions that the timetable found new at this moment, in their order."""
    last = Surprise.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    surprises.look_over(clock=lambda: at, until=at + DAY)
    return list(Surprise.objects.filter(pk__gt=last).order_by("pk").values_list("occasion", flat=True))


def buy(customer, at, total_minor=1000, **values):
    return PurchaseFactory(customer=customer, purchased_at=at, total_minor=total_minor, **values)


def at_till(purchase):
    given = surprises.after_purchase(purchase=purchase, by=SYSTEM, at=purchase.purchased_at)
    return [surprise.occasion for surprise in given]


@pytest.mark.parametrize(
    ("timezone", "begins"),
    [
        ("UTC", datetime(2026, 5, 20, tzinfo=UTC)),
        ("Asia/Shanghai", datetime(2026, 5, 19, 16, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 5, 20, 4, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 5, 19, 10, tzinfo=UTC)),
    ],
)
def test_birthday_begins_at_midnight_of_the_programmes_calendar(timezone, begins):
    ProgramFactory(timezone=timezone)
    TimetableRuleFactory()
    CustomerFactory(birthday=date(1990, 5, 20))
    assert look(begins - SECOND) == []
    assert look(begins) == ["birthday:2026"]
    assert look(begins + DAY) == []
    assert Surprise.objects.get().happened_at == begins


@pytest.mark.parametrize(
    ("timezone", "birthday", "begins"),
    [
        ("Africa/Cairo", date(1990, 4, 24), datetime(2026, 4, 23, 22, tzinfo=UTC)),  # has no midnight: 01:00
        ("America/Havana", date(1990, 11, 1), datetime(2026, 11, 1, 5, tzinfo=UTC)),  # has it twice
        ("Europe/Berlin", date(1990, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC)),  # has 23 hours
    ],
)
def test_birthday_on_a_day_on_which_clocks_change(timezone, birthday, begins):
    ProgramFactory(timezone=timezone)
    TimetableRuleFactory()
    CustomerFactory(birthday=birthday)
    assert look(begins - SECOND) == []
    assert look(begins) == ["birthday:2026"]


def test_birthday_of_29_february_is_the_last_day_of_february():
    TimetableRuleFactory(active_from=datetime(2027, 1, 1, tzinfo=UTC))
    leap, _plain = CustomerFactory(birthday=date(2000, 2, 29)), CustomerFactory(birthday=date(2000, 3, 1))
    assert look(datetime(2027, 2, 27, 23, 59, tzinfo=UTC)) == []
    assert look(datetime(2027, 2, 28, tzinfo=UTC)) == ["birthday:2027"]
    assert look(datetime(2027, 3, 1, tzinfo=UTC)) == ["birthday:2027"]
    assert look(datetime(2028, 2, 28, tzinfo=UTC)) == []
    assert look(datetime(2028, 2, 29, tzinfo=UTC)) == ["birthday:2028"]
    assert Surprise.objects.filter(customer=leap).count() == 2


def test_birthday_of_28_february_is_once_a_year():
    TimetableRuleFactory(active_from=datetime(2027, 1, 1, tzinfo=UTC))
    CustomerFactory(birthday=date(2000, 2, 28))
    assert look(datetime(2027, 2, 28, tzinfo=UTC)) == ["birthday:2027"]
    assert look(datetime(2028, 2, 28, tzinfo=UTC)) == ["birthday:2028"]
    assert look(datetime(2028, 2, 29, tzinfo=UTC)) == []


def test_birthday_at_the_turn_of_the_year():
    ProgramFactory(timezone="Asia/Shanghai")
    TimetableRuleFactory()
    CustomerFactory(birthday=date(1990, 1, 1))
    assert look(datetime(2026, 12, 31, 16, tzinfo=UTC)) == ["birthday:2027"]


def test_birthday_of_the_day_of_activation_counts_and_an_earlier_one_does_not(now):
    TimetableRuleFactory(activated_at=now)
    CustomerFactory(birthday=now.date() - DAY)
    assert look(now) == []
    CustomerFactory(birthday=now.date())
    assert look(now) == ["birthday:2026"]


def test_birthday_before_joining_or_too_long_ago_is_over(now):
    TimetableRuleFactory()
    CustomerFactory(birthday=now.date() - DAY, enrolled_at=now)
    CustomerFactory(birthday=now.date() - (surprises.CATCH_UP_DAYS + 1) * DAY)
    assert look(now) == []
    CustomerFactory(birthday=now.date() - (surprises.CATCH_UP_DAYS - 1) * DAY)
    assert look(now) == ["birthday:2026"]


@pytest.mark.parametrize(
    ("enrolled_at", "begins", "occasion"),
    [
        (datetime(2025, 5, 19, 16, tzinfo=UTC), datetime(2026, 5, 19, 16, tzinfo=UTC), "anniversary:2026"),
        (datetime(2025, 5, 19, 15, 59, tzinfo=UTC), datetime(2026, 5, 18, 16, tzinfo=UTC), "anniversary:2026"),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2026, 2, 27, 16, tzinfo=UTC), "anniversary:2026"),
        (datetime(2016, 2, 29, 12, tzinfo=UTC), datetime(2028, 2, 28, 16, tzinfo=UTC), "anniversary:2028"),
        (datetime(1996, 12, 31, 20, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC), "anniversary:2027"),
    ],
)
def test_anniversary_is_the_day_of_joining_in_the_programmes_calendar(enrolled_at, begins, occasion):
    ProgramFactory(timezone="Asia/Shanghai")
    TimetableRuleFactory(trigger=Trigger.ANNIVERSARY)
    CustomerFactory(enrolled_at=enrolled_at)
    assert look(begins - SECOND) == []
    assert look(begins) == [occasion]
    assert look(begins + DAY) == []


def test_joining_is_no_anniversary_and_happens_once(now):
    TimetableRuleFactory(trigger=Trigger.ANNIVERSARY)
    TimetableRuleFactory(trigger=Trigger.SIGN_UP, activated_at=now - DAY)
    CustomerFactory(enrolled_at=now - DAY - SECOND)
    assert look(now) == []
    CustomerFactory(enrolled_at=now)
    assert look(now) == ["sign-up"]
    assert look(now + DAY) == []


def test_who_left_or_was_merged_is_not_surprised(now):
    TimetableRuleFactory()
    CustomerFactory(birthday=now.date(), closed_at=now)
    CustomerFactory(birthday=now.date(), closed_at=now, merged_into=CustomerFactory())
    assert look(now) == []


def test_every_nth_visit_or_only_the_nth(customer, now):
    SurpriseRuleFactory(trigger=Trigger.NTH_VISIT, threshold_minor=None, visit_number=3, cooldown_days=0)
    once = TimetableRuleFactory(trigger=Trigger.NTH_VISIT, visit_number=3, visit_repeats=False)
    told = [at_till(buy(customer, now + number * SECOND)) for number in range(7)]
    assert told == [[], [], ["visit:3"], [], [], ["visit:6"], []]
    assert look(now + DAY) == ["visit:3"]
    assert Surprise.objects.get(rule=once).purchase.purchased_at == now + 2 * SECOND


def test_visit_that_is_told_late_makes_nobody_the_same_number_again(customer, now):
    SurpriseRuleFactory(trigger=Trigger.NTH_VISIT, threshold_minor=None, visit_number=2, cooldown_days=0)
    buy(customer, now)
    assert at_till(buy(customer, now + 2 * SECOND)) == ["visit:2"]
    assert at_till(buy(customer, now + SECOND)) == []  # the second one now
    assert at_till(buy(customer, now + 3 * SECOND)) == ["visit:4"]


def test_first_purchase_of_a_category_is_one_for_each_customer(customer, now):
    tea = CategoryFactory()
    SurpriseRuleFactory(trigger=Trigger.CATEGORY_FIRST, threshold_minor=None, category=tea, cooldown_days=0)

    def bought(customer, at, category):
        purchase = buy(customer, at)
        PurchaseLineFactory(purchase=purchase, product=ProductFactory(category=category))
        PurchaseLineFactory(purchase=purchase, product=ProductFactory(category=category))
        return at_till(purchase)

    assert bought(customer, now, CategoryFactory()) == []
    assert bought(customer, now + DAY, tea) == [f"category:{tea.pk}"]
    assert bought(customer, now + 2 * DAY, tea) == []
    assert bought(customer, now, tea) == []  # told late, and the first one now
    assert bought(CustomerFactory(), now, tea) == [f"category:{tea.pk}"]


def test_who_stayed_away_is_missed_at_that_time_of_the_day(customer, now):
    ProgramFactory(timezone="Europe/Berlin")
    TimetableRuleFactory(trigger=Trigger.WIN_BACK, absent_days=30, purchases_min=2)
    spring = datetime(2026, 3, 10, 10, tzinfo=UTC)  # 11:00 in winter, which is 9:00 UTC in summer
    due = datetime(2026, 4, 9, 9, tzinfo=UTC)
    buy(customer, spring - 10 * DAY)
    last = buy(customer, spring)
    buy(CustomerFactory(), spring)  # only one purchase
    assert look(due - SECOND) == []
    assert look(due) == [f"win-back:{last.pk}"]
    assert look(due + DAY) == []


def test_who_came_back_before_anybody_looked_is_not_missed(customer, now):
    TimetableRuleFactory(trigger=Trigger.WIN_BACK, absent_days=30, purchases_min=1)
    buy(customer, now - 30 * DAY)
    buy(customer, now + SECOND)
    assert look(now + DAY) == []


def test_lucky_draw_draws_what_the_seed_says(now):
    rule = TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=Decimal("37.5"))
    bought = [buy(CustomerFactory(), now + number * SECOND) for number in range(60)]
    lucky = [
        f"purchase:{one.pk}"
        for one in bought
        if surprises.is_drawn(seed=rule.seed, chance_percent=rule.chance_percent, lot=one.pk)
    ]
    assert 5 < len(lucky) < 45
    assert look(now + DAY) == lucky


def test_old_purchases_of_a_file_surprise_nobody(customer, now):
    TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=100)
    buy(customer, now - surprises.CATCH_UP_DAYS * DAY - SECOND, recorded_at=now)
    assert look(now) == []


def test_purchase_that_came_back_whole_before_anybody_looked_brings_nothing(customer, now):
    TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=100)
    purchase = buy(customer, now - DAY)
    line = PurchaseLineFactory(purchase=purchase, amount_minor=1000)
    back = purchase.returns.create(store=purchase.store, return_number="B-1", returned_at=now, recorded_at=now)
    back.lines.create(line=line, quantity=1, amount_minor=1000)
    assert look(now) == []


def test_offer_for_a_segment_surprises_only_who_may_use_it(now):
    segment = SegmentFactory()
    TimetableRuleFactory(offer=OfferFactory(segment=segment), points=None)
    CustomerFactory(birthday=now.date())
    member = CustomerFactory(birthday=now.date())
    SegmentMemberFactory(segment=segment, customer=member)
    assert look(now) == ["birthday:2026"]
    assert Surprise.objects.get().customer == member


def test_rule_that_ended_or_whose_offer_was_withdrawn_gives_nothing(now):
    TimetableRuleFactory(ended_at=now - DAY)
    TimetableRuleFactory(offer=OfferFactory(withdrawn_at=now - DAY), points=None)
    TimetableRuleFactory(active_to=now - 12 * timedelta(hours=1))
    TimetableRuleFactory(activated_at=None, activated_by="")
    CustomerFactory(birthday=now.date())
    assert look(now) == []
