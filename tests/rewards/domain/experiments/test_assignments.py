import random
from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from customers.models import Customer
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import experiments, merges
from rewards.models import Arm, Assignment, Experiment, ExperimentKind
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ExperimentFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def arms(salt, percent, customer_ids):
    return [experiments.arm_of(salt=salt, holdout_percent=percent, customer_id=pk) for pk in customer_ids]


@pytest.mark.parametrize(("percent", "low", "high"), [(0, 0, 0), (1, 70, 130), (10, 900, 1100), (50, 4850, 5150)])
def test_arms_have_the_share_that_was_asked_for(percent, low, high):
    assert low <= arms("salt-7", percent, range(10_000)).count(Arm.HOLDOUT) <= high


@pytest.mark.parametrize(
    ("salt", "said"), [("surprise-rule:1", "THHHHHTHHHTTHHHTTHTH"), ("surprise-rule:2", "TTTHTTHTHTTTTTTHTTHT")]
)
def test_arm_is_the_same_for_ever_and_another_with_another_salt(salt, said):
    """Customers of rules that hashed them by their own number keep their arms."""
    assert "".join(arm[0] for arm in arms(salt, 50, range(20))) == said


def test_arms_of_two_experiments_have_nothing_to_do_with_each_other():
    first, second = (arms(salt, 50, range(10_000)) for salt in ("a", "b"))
    both = sum(one == two for one, two in zip(first, second, strict=True))
    assert 4_800 <= both <= 5_200


def test_database_hashes_as_python_does():
    draw = random.Random(20260520)
    ids = [draw.randrange(2**63) for _ in range(3_000)] + list(range(3_000))
    for salt, percent in (("surprise-rule:1", 10), ("ünï:☕", 37), ("f" * 64, 50)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT experiments_arm(%s, %s, id) FROM unnest(%s::bigint[]) AS id", [salt, percent, ids])
            found = [row[0] for row in cursor.fetchall()]
        assert found == arms(salt, percent, ids)


def test_assigning_again_gives_the_first_assignment(now):
    experiment, customer = ExperimentFactory(holdout_percent=50), CustomerFactory()
    told = {"experiment": experiment, "customer": customer}
    first = experiments.assign(**told, occasion="purchase:1", at=now)
    again = experiments.assign(**told, occasion="purchase:2", at=now + DAY)
    stored = Assignment.objects.get()
    assert first == again == stored
    assert (again.assigned_at, again.occasion) == (now, "purchase:1")
    assert stored.arm == arms(experiment.salt, 50, [customer.pk])[0]


def test_many_are_assigned_at_once_as_each_alone(now):
    experiment = ExperimentFactory(holdout_percent=30)
    batch = CustomerFactory.create_batch(30)
    one = experiments.assign(experiment=experiment, customer=batch[3], occasion="purchase:1", at=now)
    told = {"experiment": experiment, "customers": Customer.objects.filter(name__startswith="Customer")}
    assert experiments.assign_all(**told, occasion="mailing:1", at=now + DAY) == 29
    assert experiments.assign_all(**told, occasion="mailing:2", at=now + DAY) == 0
    kept = dict(Assignment.objects.values_list("customer", "arm"))
    assert kept == dict(zip([c.pk for c in batch], arms(experiment.salt, 30, [c.pk for c in batch]), strict=True))
    assert Assignment.objects.exclude(pk=one.pk).values_list("assigned_at", "occasion").distinct().get() == (
        now + DAY,
        "mailing:1",
    )


def test_many_are_assigned_in_one_statement(now, django_assert_num_queries):
    experiment = ExperimentFactory()
    CustomerFactory.create_batch(3)
    with django_assert_num_queries(1):
        experiments.assign_all(experiment=experiment, customers=Customer.objects.all(), occasion="mailing:1", at=now)


def test_assignments_are_never_changed(now):
    made = experiments.assign(experiment=ExperimentFactory(), customer=CustomerFactory(), occasion="test:1", at=now)
    rows = Assignment.objects.filter(pk=made.pk)
    for change in (partial(rows.update, arm=Arm.HOLDOUT), rows.delete):
        with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
            change()


def test_plan_is_changed_until_somebody_is_assigned(now):
    told = {"by": SYSTEM, "at": now}
    made = experiments.plan(kind=ExperimentKind.MAILING, name="Spring", holdout_percent=10, **told)
    experiments.replan(experiment=made, holdout_percent=20, **told)
    assert Experiment.objects.get().holdout_percent == made.holdout_percent == 20
    experiments.assign(experiment=made, customer=CustomerFactory(), occasion="mailing:1", at=now)
    with pytest.raises(experiments.ExperimentBegun):
        experiments.replan(experiment=made, holdout_percent=10, **told)
    experiments.replan(experiment=made, holdout_percent=20, **told)


@pytest.mark.parametrize(
    "change", [{"holdout_percent": 9}, {"salt": "other"}, {"horizon_days": 1}, {"difference_percent": 9}]
)
def test_database_keeps_the_plan_once_somebody_is_assigned(now, change):
    experiment = ExperimentFactory()
    experiments.assign(experiment=experiment, customer=CustomerFactory(), occasion="test:1", at=now)
    with pytest.raises(IntegrityError, match="experiment_plan_is_kept"), transaction.atomic():
        Experiment.objects.update(**change)
    Experiment.objects.update(name="Another name")


@pytest.mark.django_db(transaction=True)
def test_whoever_assigns_and_whoever_changes_the_plan_come_one_after_the_other(now):
    """Every assignment follows the plan as it is kept, whoever wins."""
    for _ in range(5):
        experiment, customer = ExperimentFactory(holdout_percent=0), CustomerFactory()

        plan = partial(experiments.replan, experiment=experiment, holdout_percent=50, by=SYSTEM, at=now)
        assign = partial(experiments.assign, experiment=experiment, customer=customer, occasion="test:1", at=now)
        replanned, *assigned = at_once(plan, assign, assign)
        assert replanned is None or isinstance(replanned, experiments.ExperimentBegun)
        assert assigned[0] == assigned[1]
        kept = Experiment.objects.get(pk=experiment.pk)
        assert Assignment.objects.get(experiment=kept).arm == arms(kept.salt, kept.holdout_percent, [customer.pk])[0]


class TestMerge:
    @pytest.fixture
    def old(self, db):
        return CustomerFactory()

    @pytest.fixture
    def kept(self, db):
        return CustomerFactory()

    @pytest.fixture
    def experiment(self, old, kept):
        """One that holds out just one of both."""
        salts = (f"salt-{number}" for number in range(1000))
        salt = next(salt for salt in salts if arms(salt, 50, [old.pk, kept.pk]) == [Arm.HOLDOUT, Arm.TREATED])
        return ExperimentFactory(holdout_percent=50, salt=salt)

    def rows(self):
        return sorted(Assignment.objects.values_list("customer", "arm", "occasion"))

    def assign(self, experiment, customer, occasion, at):
        return experiments.assign(experiment=experiment, customer=customer, occasion=occasion, at=at)

    @pytest.mark.parametrize("first", ["old", "kept"])
    def test_first_of_both_assignments_stands_and_undo_gives_each_their_own(self, experiment, old, kept, now, first):
        days = {"old": now if first == "old" else now + DAY, "kept": now + DAY if first == "old" else now}
        self.assign(experiment, old, "purchase:1", days["old"])
        self.assign(experiment, kept, "purchase:2", days["kept"])
        before = self.rows()
        record = merges.merge(source=old, target=kept, reason="one person", by=SYSTEM, at=now + 2 * DAY)
        stands = Assignment.objects.get(customer=kept)
        assert stands.assigned_at == now
        assert stands.arm == (Arm.HOLDOUT if first == "old" else Arm.TREATED)
        assert Assignment.objects.get(customer=old).assigned_at == now + DAY
        assert self.assign(experiment, kept, "purchase:3", now + 3 * DAY) == stands
        merges.undo(merge=record, by=SYSTEM, at=now + 3 * DAY)
        assert self.rows() == before

    def test_assignment_of_the_source_alone_goes_over_and_back(self, experiment, old, kept, now):
        made = self.assign(experiment, old, "purchase:1", now)
        record = merges.merge(source=old, target=kept, reason="one person", by=SYSTEM, at=now + DAY)
        old.refresh_from_db()
        for person in (old, kept):
            assert self.assign(experiment, person, "purchase:2", now + DAY) == made
        told = {"experiment": experiment, "occasion": "mailing:1", "at": now}
        assert experiments.assign_all(**told, customers=Customer.objects.all()) == 0
        assert self.rows() == [(kept.pk, Arm.HOLDOUT, "purchase:1")]
        merges.undo(merge=record, by=SYSTEM, at=now + 2 * DAY)
        assert self.rows() == [(old.pk, Arm.HOLDOUT, "purchase:1")]
