"""What a rule would have given says what it gives."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pgtrigger
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.models import Purchase
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import surprises
from rewards.models import Arm, DrawOutcome, Surprise, Trigger
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import OfferFactory, ProgramFactory, SurpriseRuleFactory, TimetableRuleFactory
from tests.fuzz import example_settings

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def draft(factory=SurpriseRuleFactory, **values):
    return factory(activated_at=None, activated_by="", **values)


def preview(rule, now, days=30):
    return surprises.preview(rule=rule, since=now - days * DAY, until=now)


def test_preview_counts_customers_cost_and_days_and_writes_nothing(customer, now):
    ProgramFactory(timezone="Asia/Shanghai")
    rule = draft(cost_minor=500, cooldown_days=10)
    for days in (1, 5, 20, 31):
        PurchaseFactory(customer=customer, purchased_at=now - days * DAY, total_minor=20_000)
    PurchaseFactory(customer=CustomerFactory(), purchased_at=now - DAY, total_minor=20_000)
    PurchaseFactory(customer=CustomerFactory(), purchased_at=now - DAY, total_minor=10_000)
    found = preview(rule, now)
    assert (found.surprised, found.customers, found.most, found.cost_minor) == (3, 2, 2, 1500)
    assert found.refused == {DrawOutcome.COOLDOWN: 1}
    assert {day: number for day, number in found.days if number} == {date(2026, 4, 30): 1, date(2026, 5, 15): 1,
                                                                     date(2026, 5, 19): 1}  # fmt: skip
    assert len(found.days) == 31
    assert not Surprise.objects.exists()


def test_preview_ends_with_the_budget_and_the_limit(now):
    for number in range(6):
        PurchaseFactory(customer=CustomerFactory(), purchased_at=now - number * DAY - DAY, total_minor=20_000)
    assert preview(draft(cost_minor=300, budget_minor=1_000), now).surprised == 3
    assert preview(draft(issued_max=2), now).refused == {DrawOutcome.NOTHING_LEFT: 4}


def test_preview_minds_what_other_rules_gave(customer, now):
    SurpriseRuleFactory()
    purchase = PurchaseFactory(customer=customer, purchased_at=now - DAY, total_minor=20_000)
    surprises.after_purchase(purchase=purchase, by=SYSTEM, at=now - DAY)
    assert preview(draft(quiet_days=7), now).refused == {DrawOutcome.QUIET: 1}
    assert preview(draft(quiet_days=0), now).surprised == 1


@pytest.mark.parametrize(
    "values",
    [
        {"trigger": Trigger.BIRTHDAY},
        {"trigger": Trigger.ANNIVERSARY},
        {"trigger": Trigger.SIGN_UP},
        {"trigger": Trigger.WIN_BACK, "absent_days": 3, "purchases_min": 2},
        {"trigger": Trigger.NTH_VISIT, "visit_number": 2},
        {"trigger": Trigger.PURCHASE_OVER, "threshold_minor": 300, "cooldown_days": 4, "customer_max": 3},
    ],
    ids=lambda values: values["trigger"],
)
def test_preview_of_the_past_is_what_the_timetable_gave(now, values):
    """A month is lived through day by day by one rule; another one, its twin, is previewed after it."""
    drawn = random.Random(7)
    live = TimetableRuleFactory(experiment__holdout_percent=30, experiment__salt="twin", **values)
    people = [
        CustomerFactory(birthday=date(1990, 5, 1 + number % 25), enrolled_at=now - drawn.choice([5, 9, 365, 370]) * DAY)
        for number in range(20)
    ]
    bought = [
        PurchaseFactory(
            customer=drawn.choice(people),
            purchased_at=now - drawn.uniform(0.1, 19) * DAY,
            total_minor=drawn.choice([200, 400]),
        )
        for _ in range(60)
    ]
    assert bought
    for day in range(20, -1, -1):
        at = now - day * DAY
        later = {one.pk: one.customer for one in bought if one.purchased_at > at}
        _hide(later)
        surprises.look_over(clock=lambda at=at: at, until=at + DAY)
        _hide(later, again=True)
    given = Surprise.objects.filter(rule=live)
    twin = draft(TimetableRuleFactory, experiment__holdout_percent=30, experiment__salt="other", **values)
    twin.experiment.salt = "twin"
    found = surprises.preview(rule=twin, since=now - 20 * DAY, until=now)
    assert given.count() > 3
    assert found.surprised == given.filter(arm=Arm.TREATED).count()
    assert found.held_out == given.filter(arm=Arm.HOLDOUT).count()


def _hide(customers, *, again=False):
    """Purchases that are not made yet: nobody's until then."""
    with pgtrigger.ignore("customers.Purchase:append_only"):
        for pk, customer in customers.items():
            Purchase.objects.filter(pk=pk).update(customer=customer if again else None)


@example_settings(15)
@given(
    story=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(1, 3)), max_size=25),
    rules=st.lists(
        st.tuples(
            st.integers(0, 10),  # cooldown
            st.integers(0, 10),  # quiet
            st.integers(1, 400),  # cost
            st.integers(0, 2_000),  # budget
            st.sampled_from([0, 50]),  # held out
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_whatever_happens_in_whatever_order_budget_distance_and_once_hold(db, now, story, rules):
    people = CustomerFactory.create_batch(3)
    made = [
        SurpriseRuleFactory(
            threshold_minor=1, offer=None, points=1, cooldown_days=cooldown, quiet_days=quiet, cost_minor=cost,
            budget_minor=budget, experiment__holdout_percent=held_out,
        )
        for cooldown, quiet, cost, budget, held_out in rules
    ]  # fmt: skip
    for person, days, looks in story:
        purchase = PurchaseFactory(customer=people[person], purchased_at=now + days * DAY, total_minor=100)
        for _ in range(looks):
            surprises.after_purchase(purchase=purchase, by=SYSTEM, at=now + 40 * DAY)
    rows = list(Surprise.objects.filter(rule__in=made).order_by("pk"))
    assert len({(row.rule_id, row.customer_id, row.occasion) for row in rows}) == len(rows)
    for rule in made:
        rule.refresh_from_db()
        own = [row for row in rows if row.rule_id == rule.pk]
        treated = [row for row in own if row.arm == Arm.TREATED]
        assert rule.spent_minor == sum(row.cost_minor for row in treated) == len(treated) * rule.cost_minor
        assert rule.spent_minor <= rule.budget_minor
        for row in own:
            for other in rows:
                if other.customer_id != row.customer_id or other.pk >= row.pk:
                    continue
                distance = abs(row.happened_at - other.happened_at)
                assert distance >= rule.quiet_days * DAY
                assert other.rule_id != rule.pk or distance >= rule.cooldown_days * DAY


def test_purchases_of_one_lot_are_refused_once(customer, now):
    """As the timetable would: what came of the lot counts for all that is bought that day."""
    rule = draft(
        trigger=Trigger.RANDOM_DRAW, threshold_minor=None, chance_percent=Decimal(100), quiet_days=0, cooldown_days=10
    )
    for day in (3, 2, 1):
        for hours in range(4):
            PurchaseFactory(customer=customer, purchased_at=now - day * DAY + timedelta(hours=hours))
    found = preview(rule, now)
    assert (found.surprised, found.refused) == (1, {DrawOutcome.COOLDOWN: 2})


def test_lot_that_is_refused_stays_so_that_day(customer, now):
    """The quiet time is over between the two purchases: the lot was drawn with the first."""
    earlier = PurchaseFactory(customer=customer, purchased_at=now - 5 * DAY + timedelta(hours=2), total_minor=20_000)
    SurpriseRuleFactory()
    surprises.after_purchase(purchase=earlier, by=SYSTEM, at=earlier.purchased_at)
    rule = draft(
        trigger=Trigger.RANDOM_DRAW, threshold_minor=None, chance_percent=Decimal(100), quiet_days=3, cooldown_days=0
    )
    for hours in (1, 3):
        PurchaseFactory(customer=customer, purchased_at=now - 2 * DAY + timedelta(hours=hours))
    found = surprises.preview(rule=rule, since=now - 2 * DAY, until=now)
    assert (found.surprised, found.refused) == (0, {DrawOutcome.QUIET: 1})


def test_lucky_draw_is_previewed_by_another_seed(customer, now):
    rule = draft(trigger=Trigger.RANDOM_DRAW, threshold_minor=None, chance_percent=Decimal(100), offer=OfferFactory())
    PurchaseFactory(customer=customer, purchased_at=now - DAY)
    assert preview(rule, now).surprised == 1
