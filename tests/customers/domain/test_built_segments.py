"""Segments built of filters hold whom their terms say, night after night."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from customers.domain import built_segments, segment_terms, segments
from customers.models import AuditEvent, Customer, Segment, SegmentMember
from loyalty_site.lib import actors
from loyalty_site.segment_facts import FACTS
from tests.factories.customers import CustomerFactory, SegmentFactory, SegmentMemberFactory

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
ENGLISH = [[{"fact": "language", "is_not": False, "values": {"language": "en"}}]]
CHINESE = [[{"fact": "language", "is_not": False, "values": {"language": "zh-hans"}}]]

pytestmark = pytest.mark.django_db


def save(*, segment=None, name="Readers", terms=ENGLISH, at=NOW):
    told = {"name": name, "description": "", "terms": terms, "facts": FACTS, "by": actors.SYSTEM, "at": at}
    return built_segments.save(segment=segment, **told)


def members(segment):
    return set(Customer.objects.filter(segments__segment=segment))


def test_saving_fills_it_and_is_written_down():
    mia = CustomerFactory()
    CustomerFactory(language="zh-hans")
    segment = save()
    assert members(segment) == {mia}
    assert AuditEvent.objects.get(action="segment.built").data == {"terms": ENGLISH, "customers": 1}
    assert list(segment.sizes.values_list("day", "customers")) == [(NOW.date(), 1)]


def test_other_terms_move_customers():
    mia, lin = CustomerFactory(), CustomerFactory(language="zh-hans")
    segment = save()
    assert members(save(segment=segment, terms=CHINESE)) == {lin}
    assert mia.pk
    assert AuditEvent.objects.filter(action="segment.changed").count() == 1


def test_refreshing_keeps_since_when_and_notes_one_size_a_day():
    stays, goes = CustomerFactory(), CustomerFactory()
    segment = save()
    Customer.objects.filter(pk=goes.pk).update(language="zh-hans")
    comes = CustomerFactory()
    later = NOW + timedelta(days=1)
    assert built_segments.refresh(segment=segment, facts=FACTS, at=later) == 2
    assert built_segments.refresh(segment=segment, facts=FACTS, at=later + timedelta(hours=1)) == 2
    assert set(SegmentMember.objects.filter(segment=segment).values_list("customer", "since")) == {
        (stays.pk, NOW),
        (comes.pk, later),
    }
    assert list(segment.sizes.order_by("day").values_list("customers", flat=True)) == [2, 2]


def test_who_closes_is_taken_out():
    mia = CustomerFactory()
    segment = save()
    Customer.objects.filter(pk=mia.pk).update(closed_at=NOW)
    assert built_segments.refresh(segment=segment, facts=FACTS, at=NOW) == 0
    assert members(segment) == set()


def test_all_are_refreshed_and_those_by_hand_stay():
    by_hand = SegmentMemberFactory(customer__language="zh-hans").segment
    built = save()
    new = CustomerFactory()
    assert built_segments.refresh_all(facts=FACTS, at=NOW) == []
    assert new in members(built)
    assert len(members(by_hand)) == 1


def test_one_whose_filter_is_gone_stays_as_it_was_and_is_named():
    mia = CustomerFactory()
    segment, other = save(), save(name="Others", terms=CHINESE)
    Segment.objects.filter(pk=segment.pk).update(terms=[[{"fact": "former", "is_not": False, "values": {}}]])
    lin = CustomerFactory(language="zh-hans")
    assert built_segments.refresh_all(facts=FACTS, at=NOW) == ["Readers"]
    assert (members(segment), members(other)) == ({mia}, {lin})


def test_names_are_taken_once():
    save()
    with pytest.raises(built_segments.SegmentNameTaken):
        save()
    assert Segment.objects.count() == 1


def test_bad_terms_change_nothing():
    segment = save()
    with pytest.raises(segment_terms.TermsInvalid):
        save(segment=segment, name="Other", terms=[])
    assert Segment.objects.get().name == "Readers"


def test_what_is_built_is_not_said_by_hand_and_the_other_way_round():
    segment, by_hand = save(), SegmentFactory()
    for move in (segments.add, segments.remove):
        with pytest.raises(segments.SegmentIsBuilt):
            move(segment=segment, numbers=["x"], by=actors.SYSTEM, at=NOW)
    with pytest.raises(built_segments.SegmentIsByHand):
        save(segment=by_hand)


def test_database_refuses_terms_without_groups():
    with pytest.raises(IntegrityError):
        SegmentFactory(terms=[])
