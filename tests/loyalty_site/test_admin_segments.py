"""Segments in the back office."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from customers.models import AuditEvent, Customer, Segment, SegmentMember, SegmentSize
from loyalty_site import roles
from tests.factories.customers import CustomerFactory, SegmentFactory, SegmentMemberFactory, UserFactory
from tests.factories.rewards import OfferFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


def act(segment, name):
    return reverse(f"admin:customers_segment_{name}", args=[segment.pk])


def said(staff, answer):
    return " ".join(str(message) for message in staff.get(answer.url).context["messages"])


def members(segment):
    return set(Customer.objects.filter(segments__segment=segment))


def test_segment_is_made_and_told_how_large_it_is(staff):
    staff.post("/admin/customers/segment/add/", {"name": "Regulars", "description": ""})
    segment = Segment.objects.get(name="Regulars")
    SegmentMemberFactory.create_batch(2, segment=segment)
    SegmentFactory(name="Zero")
    assert [row.members_listed for row in staff.get("/admin/customers/segment/").context["cl"].result_list] == [2, 0]
    SegmentMemberFactory()
    members = f"/admin/customers/segmentmember/?segment__id__exact={segment.pk}"
    assert members in staff.get(f"/admin/customers/segment/{segment.pk}/change/").content.decode()
    assert {row.segment for row in staff.get(members).context["cl"].result_list} == {segment}


def test_list_tells_the_latest_size_with_its_day_and_the_segments_own_page_counts(staff):
    built = SegmentFactory(terms=[["any"]])
    SegmentMemberFactory.create_batch(3, segment=built)
    for day, customers in (("2026-11-01", 8), ("2026-11-28", 12345), ("2026-11-27", 9)):
        SegmentSize.objects.create(segment=built, day=day, customers=customers)
    link = f'<a class="underline" href="/admin/customers/segmentmember/?segment__id__exact={built.pk}">'
    assert f"{link}12,345</a> <small>(11/28/2026)</small>" in staff.get("/admin/customers/segment/").text
    built.terms = None  # its filters, which are none, are not shown
    built.save()
    assert f"{link}3</a>" in staff.get(f"/admin/customers/segment/{built.pk}/change/").text


def test_a_phone_shows_how_to_build_one(staff):
    shown = staff.get("/admin/customers/segment/").content.decode()
    phone = shown.partition('<p class="lg:hidden mb-4">')[2].partition("</p>")[0]
    assert f'href="{reverse("admin:customers_segment_build")}"' in phone
    assert "Build of filters" in phone


def test_numbers_are_pasted_and_unknown_ones_named(staff):
    segment, mia, leo = SegmentFactory(), CustomerFactory(), CustomerFactory()
    answer = staff.post(act(segment, "add_members"), {"pasted": f"{mia.display_number}, nobody\n{leo.number}；x9"})
    assert members(segment) == {mia, leo}
    assert said(staff, answer) == "2 customers added. Nobody has: nobody, x9."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_first_column_of_a_file_counts(staff, encoding, separator):
    segment, mia = SegmentFactory(), CustomerFactory()
    table = f"会员号{separator}name\n{mia.display_number}{separator}Mia\n\n".encode(encoding)
    answer = staff.post(act(segment, "add_members"), {"file": SimpleUploadedFile("members.csv", table)})
    assert members(segment) == {mia}
    assert said(staff, answer) == "1 customer added. Nobody has: 会员号."


@pytest.mark.parametrize(
    ("told", "field", "message"),
    [
        ({}, "__all__", "Paste numbers, or choose a file."),
        ({"file": SimpleUploadedFile("x.csv", b"\xff\xff\xff")}, "file", "This file is no text."),
        ({"file": SimpleUploadedFile("x.csv", b"")}, "file", "The submitted file is empty."),
    ],
)
def test_what_cannot_be_read_is_said(staff, told, field, message):
    answer = staff.post(act(SegmentFactory(), "add_members"), told)
    assert answer.context["form"].errors[field] == [message]


def test_nul_in_a_file_is_a_number_that_nobody_has(staff):
    answer = staff.post(act(SegmentFactory(), "add_members"), {"file": SimpleUploadedFile("x.csv", b"a\x00b\n")})
    assert answer.status_code in (200, 302)


def test_customers_are_taken_out(staff):
    member = SegmentMemberFactory()
    answer = staff.post(act(member.segment, "remove_members"), {"pasted": member.customer.number})
    assert members(member.segment) == set()
    assert said(staff, answer) == "1 customer taken out."


def test_members_are_found_by_what_names_them(staff):
    member, _other = SegmentMemberFactory(), SegmentMemberFactory()
    found = staff.get("/admin/customers/segmentmember/", {"q": member.customer.number}).context["cl"].result_list
    assert list(found) == [member]


def test_managers_look_and_marketing_changes():
    assert "customers.add_segmentmember" in roles.permissions_of(roles.MARKETING)
    assert "customers.view_segmentmember" in roles.permissions_of(roles.STORE_MANAGER)
    assert "customers.add_segmentmember" not in roles.permissions_of(roles.STORE_MANAGER)


def test_segment_that_nothing_is_for_is_deleted_with_who_is_in_it(staff):
    segment, other = SegmentFactory(name="Tea"), SegmentMemberFactory()
    SegmentMemberFactory.create_batch(2, segment=segment)
    assert "Delete “Tea”?" in staff.get(act(segment, "remove")).text
    answer = staff.post(act(segment, "remove"))
    assert "“Tea” is deleted." in said(staff, answer)
    assert (list(Segment.objects.all()), list(SegmentMember.objects.all())) == ([other.segment], [other])
    assert Customer.objects.count() == 3
    event = AuditEvent.objects.get(action="segment.deleted")
    assert (event.subject, event.data) == (f"segment:{segment.pk}", {"name": "Tea", "customers": 2})


def test_segment_that_something_is_for_is_kept_and_says_for_what(staff):
    segment = SegmentFactory(name="Tea")
    SegmentMemberFactory(segment=segment)
    for number in range(6):
        OfferFactory(title={"en": f"Cake {number}"}, segment=segment)
    refused = staff.post(act(segment, "remove")).text
    assert "This segment is in use: offer “Cake 0”, offer “Cake 1”" in refused
    assert "Cake 5" not in refused
    assert (Segment.objects.count(), SegmentMember.objects.count()) == (1, 1)
    assert not AuditEvent.objects.filter(action="segment.deleted").exists()
