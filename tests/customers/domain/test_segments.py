"""Customers come into segments and go out by their numbers."""

from datetime import timedelta

import pytest

from customers.domain import merges, segments
from customers.models import AuditEvent, Customer, SegmentMember
from loyalty_site.lib.actors import user
from tests.factories.customers import CardFactory, CustomerFactory, SegmentFactory, SegmentMemberFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
STAFF = user(7)


@pytest.fixture
def segment():
    return SegmentFactory()


def add(segment, *numbers, at):
    return segments.add(segment=segment, numbers=numbers, by=STAFF, at=at)


def members(segment):
    return set(Customer.objects.filter(segments__segment=segment))


def test_customers_are_found_by_number_as_printed_and_by_card(segment, now):
    mia, leo = CustomerFactory(number="C7K294QX"), CardFactory(number="card-9").customer
    moved = add(segment, " c7k2-94qx ", "card-9", "", "C7K294QX", at=now)
    assert moved == segments.Moved(2, 0, [])
    assert members(segment) == {mia, leo}
    assert set(SegmentMember.objects.values_list("since", flat=True)) == {now}
    assert AuditEvent.objects.get().data == {"customers": 2}


def test_unknown_numbers_are_named_as_they_were_told(segment, now):
    mia = CustomerFactory()
    moved = add(segment, "no-such", mia.number, "nul\0", "x" * 500, at=now)
    assert (moved.changed, moved.unknown) == (1, ["no-such", "nul\0", "x" * 500])


def test_adding_again_changes_nothing(segment, now):
    mia = SegmentMemberFactory(segment=segment).customer
    since = SegmentMember.objects.get().since
    assert add(segment, mia.number, at=now + timedelta(days=1)) == segments.Moved(0, 1, [])
    assert SegmentMember.objects.get().since == since
    assert not AuditEvent.objects.exists()


def test_who_was_merged_comes_in_as_who_they_are_now(segment, now):
    old, kept = CustomerFactory(), CustomerFactory()
    merges.begin(source=old, target=kept, reason="", by=STAFF, at=now)
    assert add(segment, old.number, kept.number, at=now).changed == 1
    assert members(segment) == {kept}


def test_who_left_stays_out_and_is_named(segment, now):
    gone = CustomerFactory(closed_at=now)
    assert add(segment, gone.number, at=now) == segments.Moved(0, 0, [], [gone.number])
    assert members(segment) == set()


def test_customers_are_taken_out(segment, now):
    out, stays = (SegmentMemberFactory(segment=segment).customer for _ in range(2))
    elsewhere = SegmentMemberFactory(customer=out).segment
    moved = segments.remove(
        segment=segment, numbers=[out.number, CustomerFactory().number, "no-such"], by=STAFF, at=now
    )
    assert moved == segments.Moved(1, 1, ["no-such"])
    assert (members(segment), members(elsewhere)) == ({stays}, {out})


def test_too_many_numbers_are_refused(segment, now, monkeypatch):
    monkeypatch.setattr(segments, "NUMBERS_MAX", 3)
    with pytest.raises(segments.TooManyNumbers):
        add(segment, "1", "2", "3", "4", at=now)
    assert add(segment, "1", "2", "3", "3", at=now).unknown == ["1", "2", "3"]


@pytest.mark.parametrize("number", [1, 30])
def test_any_number_takes_the_same_queries(segment, now, number, django_assert_max_num_queries):
    numbers = [CustomerFactory().number for _ in range(number)]
    with django_assert_max_num_queries(9):
        assert add(segment, *numbers, at=now).changed == number


@pytest.mark.django_db(transaction=True)
def test_button_that_is_pressed_twice_deletes_once(segment, now):
    assert at_once(*[lambda: segments.delete(segment=segment, by=STAFF, at=now)] * 4) == [None] * 4
    assert AuditEvent.objects.get().action == "segment.deleted"
