import pytest
from django.db import connection

from customers.models import Customer
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import experiments, merges
from rewards.domain.experiments import reports
from rewards.domain.statistics import Size
from rewards.models import Arm
from tests.factories.customers import PurchaseFactory
from tests.factories.rewards import (
    ExperimentFactory,
    ProgramFactory,
)
from tests.rewards.domain.experiments.shops import DAY, MANY, SECOND, buy, fill, moments, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(now):
    ProgramFactory(currency="CNY")
    return ExperimentFactory(holdout_percent=50, started_at=now)


def test_each_window_counts_what_was_bought_after_the_assignment(experiment, now):
    one, two, held_out = (put(experiment, arm, now) for arm in (Arm.TREATED, Arm.TREATED, Arm.HOLDOUT))
    buy(one, now, 9_999)  # what led to the assignment
    buy(one, now + SECOND, 100)
    buy(one, now + 7 * DAY, 1_000)
    buy(one, now + 7 * DAY + SECOND, 20)
    buy(one, now + 30 * DAY, 30)
    buy(two, now + 30 * DAY + SECOND, 5_000, discount_minor=600)
    buy(two, now + 90 * DAY, 7, currency="EUR")
    buy(two, now + 90 * DAY + SECOND, 1)
    buy(held_out, now - 30 * DAY, 40)
    buy(held_out, now - 30 * DAY - SECOND, 1)
    found = experiments.report(experiment=experiment, at=now + 200 * DAY)
    week, month, quarter = found.windows
    assert [window.days for window in found.windows] == [7, 30, 90]
    assert (week.treated.visits, week.treated.spent) == (moments(2, 0), moments(1_100, 0))
    assert (month.treated.visits, month.treated.spent) == (moments(4, 0), moments(1_150, 0))
    assert (quarter.treated.visits, quarter.treated.spent) == (moments(4, 2), moments(1_150, 4_400))
    assert [window.treated.came for window in found.windows] == [1, 1, 2]
    assert (quarter.held_out.came, quarter.held_out.complete, quarter.held_out.spent) == (0, 1, moments(0))
    assert (found.before.held_out.came, found.before.held_out.spent) == (1, moments(40))
    assert found.before.treated.came == 0
    assert found.main == month


def test_only_customers_whose_whole_window_has_passed_count(experiment, now):
    early, late = put(experiment, Arm.TREATED, now), put(experiment, Arm.TREATED, now + DAY)
    for customer in (early, late):
        buy(customer, now + 2 * DAY, 100)
    found = experiments.report(experiment=experiment, at=now + 30 * DAY)
    week, month, quarter = (window.treated for window in found.windows)
    assert [(arm.customers, arm.complete, arm.pending) for arm in (week, month, quarter)] == [
        (2, 2, 0),
        (2, 1, 1),
        (2, 0, 2),
    ]
    assert (month.came, month.spent) == (1, moments(100))
    assert (quarter.rate, found.windows[2].came_more, found.main.came_more) == (None, None, None)


def test_customer_of_a_merge_counts_once_with_everything_bought(experiment, now):
    old, kept = put(experiment, Arm.HOLDOUT, now), put(experiment, Arm.TREATED, now + DAY)
    buy(old, now + 2 * DAY, 100)
    buy(kept, now + 3 * DAY, 20)
    merges.merge(source=old, target=kept, reason="one person", by=SYSTEM, at=now + 4 * DAY)
    main = experiments.report(experiment=experiment, at=now + 31 * DAY).main
    assert (main.treated.customers, main.held_out.customers) == (0, 1)
    assert (main.held_out.visits, main.held_out.spent) == (moments(2), moments(120))


def test_closed_and_erased_customers_still_count(experiment, now):
    gone = put(experiment, Arm.TREATED, now)
    Customer.objects.filter(pk=gone.pk).update(name="", email="", closed_at=now + DAY, erased_at=now + DAY)
    assert experiments.report(experiment=experiment, at=now + 31 * DAY).main.treated.complete == 1


def test_uplift_and_its_interval_are_those_of_the_statistics(experiment, now):
    fill(experiment, Arm.TREATED, 400, 240, now)
    fill(experiment, Arm.HOLDOUT, 400, 200, now)
    main = experiments.report(experiment=experiment, at=now + 31 * DAY).main
    more = main.came_more
    assert [round(number, 4) for number in (more.estimate, more.low, more.high)] == [
        0.1,
        0.0311,
        0.1676,
    ]  # as statsmodels says
    assert main.spent_more.estimate == pytest.approx(100)
    assert main.visited_more.low > 0


def test_spend_has_no_interval_while_an_arm_is_small(experiment, now):
    fill(experiment, Arm.TREATED, 300, 100, now)
    fill(experiment, Arm.HOLDOUT, 99, 50, now)
    main = experiments.report(experiment=experiment, at=now + 31 * DAY).main
    assert (main.spent_more, main.visited_more) == (None, None)
    assert main.came_more is not None


def test_result_is_final_when_both_the_day_and_the_size_are_reached(now):
    plan = {"returning_percent": 50, "difference_percent": 20, "horizon_days": 60, "started_at": now}
    experiment = ExperimentFactory(holdout_percent=50, **plan)
    assert experiments.size_planned(experiment) == Size(93, 93)
    fill(experiment, Arm.TREATED, 93, 50, now)
    fill(experiment, Arm.HOLDOUT, 92, 40, now)
    found = experiments.report(experiment=experiment, at=now + 60 * DAY)
    assert (found.is_time, found.is_enough, found.is_final) == (True, False, False)
    put(experiment, Arm.HOLDOUT, now)
    found = experiments.report(experiment=experiment, at=now + 60 * DAY)
    assert (found.is_time, found.is_enough, found.is_final) == (True, True, True)
    found = experiments.report(experiment=experiment, at=now + 60 * DAY - SECOND)
    assert (found.is_time, found.is_enough, found.is_final) == (False, True, False)


def test_sizes_that_no_draw_gives_are_noticed(now):
    experiment = ExperimentFactory(holdout_percent=10, started_at=now)
    fill(experiment, Arm.TREATED, 480, 0, now)
    fill(experiment, Arm.HOLDOUT, 20, 0, now)
    assert experiments.report(experiment=experiment, at=now).is_ratio_wrong
    fewer = ExperimentFactory(holdout_percent=10, started_at=now)
    for customer in Customer.objects.filter(name__startswith="HOLD"):
        put(fewer, Arm.HOLDOUT, now, customer)
    for customer in Customer.objects.filter(name__startswith="TREAT")[:180]:
        put(fewer, Arm.TREATED, now, customer)
    assert not experiments.report(experiment=fewer, at=now).is_ratio_wrong


def test_arms_that_differed_before_are_noticed(experiment, now):
    fill(experiment, Arm.TREATED, 200, 100, now)
    fill(experiment, Arm.HOLDOUT, 200, 100, now)
    assert not experiments.report(experiment=experiment, at=now).imbalance.is_large
    for number, customer in enumerate(Customer.objects.filter(name__startswith="HOLD")[:100]):
        buy(customer, now - DAY, 1_000 + number)
    found = experiments.report(experiment=experiment, at=now).imbalance
    assert found.came == pytest.approx(-(2**0.5), rel=1e-6)
    assert found.is_large


def test_report_finds_purchases_by_the_index_of_customers(experiment, now):
    """Ten purchases of each customer, a million in `make fuzz`; a tenth of the customers are assigned."""
    store = PurchaseFactory().store
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_customer (number, name, email, phone, language, enrolled_at)"
            " SELECT 'M' || to_char(n, 'FM0000000'), '', '', '', 'en', %s FROM generate_series(1, %s) AS n",
            [now, MANY],
        )
        cursor.execute(
            "INSERT INTO customers_purchase (store_id, receipt_number, customer_id, source, purchased_at, recorded_at,"
            " recorded_by, currency, total_minor, discount_minor, points_value_minor, paid_minor, fingerprint)"
            " SELECT %s, 'M-' || id || '-' || n, id, 'TILL', %s + n * interval '3 days', %s, 'system', 'CNY', 1000, 0,"
            " 0, 1000, '' FROM customers_customer CROSS JOIN generate_series(-2, 7) AS n WHERE number LIKE 'M%%'",
            [store.pk, now, now],
        )
        cursor.execute("ANALYZE customers_purchase, customers_customer")
        tenth = Customer.objects.filter(number__startswith="M", number__endswith="7")
        assigned = experiments.assign_all(experiment=experiment, customers=tenth, occasion="test:1", at=now)
        cursor.execute("ANALYZE rewards_assignment")
        told = {"experiment": experiment.pk, "currency": "CNY", "at": now + 100 * DAY, "before": 30}
        sql = (reports._SQL / "experiments_outcomes.sql").read_text(encoding="utf-8")
        cursor.execute(f"EXPLAIN {sql}", told)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "purchase_of_customer" in plan
    assert "Seq Scan on customers_purchase" not in plan
    found = experiments.report(experiment=experiment, at=now + 100 * DAY)
    assert found.main.treated.complete + found.main.held_out.complete == assigned == MANY // 10
    assert found.windows[0].treated.visits.mean == 2
    assert found.main.held_out.visits.mean == 7
    assert found.before.treated.visits.mean == 2
