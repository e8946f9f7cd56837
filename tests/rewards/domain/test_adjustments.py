from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers.models import AuditEvent
from loyalty_site.lib import actors
from rewards.domain import adjustments, points
from rewards.models import AdjustmentState, PointsAdjustment, PointsEntry, Program
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import ProgramFactory
from tests.races import at_once
from tests.rewards.domain.steps import account, award

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance", "program")]
ANNA, BEN = actors.user(1), actors.user(2)
HOUR = timedelta(hours=1)


@pytest.fixture
def program(db):
    return ProgramFactory(adjustment_threshold=1000)


def ask(customer, number, at, reference="form:1", by=ANNA):
    told = {"customer": customer, "points_wanted": number, "reference": reference, "reason": "lost receipt"}
    return adjustments.ask(**told, by=by, at=at)


def approve(adjustment, at, by=BEN):
    return adjustments.approve(adjustment=adjustment, by=by, at=at)


def refuse(adjustment, at, by=BEN):
    adjustments.refuse(adjustment=adjustment, note="no receipt", by=by, at=at)


def events():
    return list(AuditEvent.objects.order_by("pk").values_list("action", "actor", "reason"))


def test_small_one_is_booked_at_once_and_recorded(customer, now):
    asked = ask(customer, 1000, now)
    stored, entry = PointsAdjustment.objects.get(), PointsEntry.objects.get()
    assert (stored, stored.state, stored.needs_second, stored.decided_by) == (asked, "BOOKED", False, "")
    assert (stored.entry, entry.points, entry.reference) == (entry, 1000, f"adjustment:{stored.pk}")
    assert (entry.actor, entry.reason) == ("user:1", "lost receipt")
    assert events() == [("points.adjusted", "user:1", "lost receipt")]


def test_large_one_waits_and_is_booked_by_another(customer, now):
    asked = ask(customer, 1001, now)
    assert (asked.state, asked.entry, PointsEntry.objects.count()) == (AdjustmentState.WAITING, None, 0)
    entry = approve(asked, now + HOUR)
    assert approve(asked, now + 2 * HOUR) == entry
    stored = PointsAdjustment.objects.get()
    assert (stored.state, stored.decided_by, stored.decided_at) == ("BOOKED", "user:2", now + HOUR)
    assert (entry.points, entry.actor, entry.reference) == (1001, "user:2", f"adjustment:{stored.pk}")
    assert account(customer) == (1001, 0, 1)
    assert events() == [
        ("points.adjustment_asked", "user:1", "lost receipt"),
        ("points.adjusted", "user:2", "lost receipt"),
    ]


def test_nobody_says_yes_or_no_to_themselves(customer, now):
    asked = ask(customer, 5000, now)
    for decide in (approve, refuse):
        with pytest.raises(adjustments.AdjustmentOwn):
            decide(asked, now, by=ANNA)
    assert PointsAdjustment.objects.get().state == AdjustmentState.WAITING


@pytest.mark.parametrize("state", ["BOOKED", "REFUSED"])
def test_database_itself_refuses_that_somebody_decides_their_own(customer, now, state):
    other = CustomerFactory()
    entry = award(other, 1, now)
    asked = ask(customer, 5000, now)
    changes = {"state": state, "decided_at": now, "note": "x", "entry": entry if state == "BOOKED" else None}
    rows = PointsAdjustment.objects.filter(pk=asked.pk)
    with pytest.raises(IntegrityError, match="points_adjustment_decided_by_another"), transaction.atomic():
        rows.update(**changes, decided_by="user:1")
    with pytest.raises(IntegrityError, match="points_adjustment_stands_as_it_says"), transaction.atomic():
        rows.update(**changes, decided_by="")
    assert rows.update(**changes, decided_by="user:2") == 1


def test_refused_one_is_never_booked(customer, now):
    asked = ask(customer, 5000, now)
    refuse(asked, now)
    refuse(asked, now + HOUR)
    with pytest.raises(adjustments.AdjustmentRefused):
        approve(asked, now)
    stored = PointsAdjustment.objects.get()
    assert (stored.state, stored.note, stored.decided_at) == ("REFUSED", "no receipt", now)
    assert (PointsEntry.objects.count(), len(events())) == (0, 2)


def test_booked_one_cannot_be_refused(customer, now):
    asked = ask(customer, 5000, now)
    approve(asked, now)
    with pytest.raises(adjustments.AdjustmentBooked):
        refuse(asked, now)


@pytest.mark.parametrize("parts", [[400, 400, 201], [999, -2], [500, -500, 1]])
def test_cutting_it_into_small_ones_does_not_help(customer, now, parts):
    for number, part in enumerate(parts):
        last = ask(customer, part, now + number * HOUR, f"form:{number}")
    states = list(PointsAdjustment.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["BOOKED"] * (len(parts) - 1) + ["WAITING"]
    assert last.needs_second


def test_what_waits_counts_too_and_what_was_refused_does_not(customer, now):
    asked = ask(customer, 1001, now)
    assert ask(customer, 1, now, "form:2").state == AdjustmentState.WAITING
    refuse(asked, now)
    assert ask(customer, 999, now, "form:3").state == AdjustmentState.BOOKED


def test_others_other_customers_and_yesterday_are_counted_apart(customer, now):
    ask(customer, 1000, now)
    assert ask(customer, 1000, now, "form:2", by=BEN).state == AdjustmentState.BOOKED
    assert ask(CustomerFactory(), 1000, now, "form:3").state == AdjustmentState.BOOKED
    assert ask(customer, 1, now + 24 * HOUR - timedelta(seconds=1), "form:4").state == AdjustmentState.WAITING
    assert ask(customer, 999, now + 24 * HOUR, "form:5").state == AdjustmentState.BOOKED


def test_without_a_threshold_nothing_waits_and_with_none_allowed_all_does(customer, now):
    Program.objects.update(adjustment_threshold=None)
    assert ask(customer, 1_000_000, now).state == AdjustmentState.BOOKED
    Program.objects.update(adjustment_threshold=0)
    assert ask(CustomerFactory(), 1, now, "form:2").state == AdjustmentState.WAITING


def test_asked_twice_is_asked_once(customer, now):
    first = ask(customer, 5000, now)
    assert ask(customer, 5000, now + HOUR) == first
    with pytest.raises(points.ReferenceReused):
        ask(customer, 5001, now)
    with pytest.raises(points.ReferenceReused):
        ask(CustomerFactory(), 5000, now)
    assert PointsAdjustment.objects.count() == 1


def test_never_takes_more_than_can_be_spent_when_asked_nor_when_booked(customer, now):
    award(customer, 3000, now)
    for number in (-3001, -5000):
        with pytest.raises(points.InsufficientPoints):
            ask(customer, number, now)
    assert not PointsAdjustment.objects.exists()
    asked = ask(customer, -3000, now)
    points.redeem(customer=customer, points=1, reference="r", by=ANNA, at=now)
    with pytest.raises(points.InsufficientPoints) as refused:
        approve(asked, now)
    assert refused.value.details == {"points": 3000, "available": 2999}
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == ("WAITING", "")
    award(customer, 1, now, "a:2")
    approve(asked, now)
    assert account(customer)[0] == 0


def test_refusal_of_a_small_one_leaves_nothing_behind(customer, now):
    with pytest.raises(points.InsufficientPoints):
        ask(customer, -5, now)
    assert not PointsAdjustment.objects.exists()
    assert not AuditEvent.objects.exists()


def test_nothing_is_booked_for_who_left_meanwhile(customer, now):
    asked = ask(customer, 5000, now)
    customer.closed_at = timezone.now()
    customer.save()
    with pytest.raises(adjustments.AdjustmentCustomerLeft):
        approve(asked, now)
    assert not PointsEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_yeses_book_once(customer, now):
    asked = ask(customer, 5000, now)
    own = [lambda n=n: approve(PointsAdjustment.objects.get(pk=asked.pk), now, actors.user(n)) for n in range(2, 10)]
    entries = at_once(*own)
    assert {entry.pk for entry in entries} == {PointsEntry.objects.get().pk}
    assert account(customer) == (5000, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_yes_against_no_has_one_winner(customer, now):
    for number in range(6):
        asked = ask(customer, 5000, now, f"form:{number}", by=actors.user(10 + number))
        at_once(
            lambda pk=asked.pk: approve(PointsAdjustment.objects.get(pk=pk), now),
            lambda pk=asked.pk: refuse(PointsAdjustment.objects.get(pk=pk), now, by=actors.user(3)),
        )
        asked.refresh_from_db()
        assert (asked.state, asked.decided_by) in {("BOOKED", "user:2"), ("REFUSED", "user:3")}
    booked = PointsAdjustment.objects.filter(state="BOOKED").count()
    assert (PointsEntry.objects.count(), account(customer)[0]) == (booked, 5000 * booked)


@pytest.mark.django_db(transaction=True)
def test_eight_small_ones_at_once_do_not_slip_through(customer, now):
    at_once(*[lambda n=n: ask(customer, 300, now, f"form:{n}") for n in range(8)])
    states = sorted(PointsAdjustment.objects.values_list("state", flat=True))
    assert states == ["BOOKED"] * 3 + ["WAITING"] * 5
    assert account(customer) == (900, 0, 3)


@pytest.mark.django_db(transaction=True)
def test_one_form_for_two_customers_at_once_is_one(now):
    customers = CustomerFactory.create_batch(2)
    results = at_once(*[lambda c=c: ask(c, 10, now) for c in customers])
    assert sorted(type(result).__name__ for result in results) == ["PointsAdjustment", "ReferenceReused"]
    assert PointsEntry.objects.count() == 1
