"""The page where segments are built of filters: without JavaScript, step by step."""

import pytest
from django.urls import reverse

from customers.models import Customer, Segment, SegmentSize
from tests.factories.customers import CustomerFactory, SegmentFactory, UserFactory

pytestmark = pytest.mark.django_db

BUILD = "/admin/customers/segment/build/"
LANGUAGE = {"0-0-fact": "language", "0-0-language": "en", "0-0-is_not": ""}


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


def facts(answer):
    return [[row.key for row in group] for group in answer.context["builder"].groups]


def test_filters_are_added_beside_and_in_boxes_of_their_own_and_removed(staff):
    one = staff.post(BUILD, {"act": "add:box", "new-box": "bought"})
    assert facts(one) == [["bought"]]
    shown = {"0-0-fact": "bought", "0-0-times": "3", "0-0-days": "30"}
    two = staff.post(BUILD, {**shown, "act": "add:0", "new-0": "language"})
    assert facts(two) == [["bought", "language"]]
    assert two.context["builder"].groups[0][0]["times"].value() == "3"
    three = staff.post(BUILD, {**shown, "0-1-fact": "language", "act": "add:box", "new-box": "rfm"})
    assert facts(three) == [["bought", "language"], ["rfm"]]
    left = staff.post(BUILD, {**shown, "0-1-fact": "language", "1-0-fact": "rfm", "act": "drop:0-0"})
    assert facts(left) == [["language"], ["rfm"]]


def test_size_is_shown_before_saving(staff):
    CustomerFactory(), CustomerFactory(language="zh-hans")
    said = "1 customer now, 50.0 % of all in the programme"
    assert staff.post(BUILD, {**LANGUAGE, "act": "count"}).context["size"] == said
    assert staff.post(reverse("admin:customers_segment_count"), LANGUAGE).json() == {"size": said}
    assert not Segment.objects.exists()


def test_count_says_what_is_wrong(staff):
    count = reverse("admin:customers_segment_count")
    assert "Add a filter" in staff.post(count, {}).json()["size"]
    wrong = {"0-0-fact": "bought", "0-0-times": "0", "0-0-days": ""}
    said = staff.post(count, wrong).json()["size"]
    assert "Number of purchases: " in said
    assert "greater than or equal to 1" in said


def test_saved_and_changed(staff):
    mia, lin = CustomerFactory(), CustomerFactory(language="zh-hans")
    answer = staff.post(BUILD, {**LANGUAGE, "name": "Readers", "description": "", "act": "save"})
    segment = Segment.objects.get()
    assert answer.url == f"/admin/customers/segment/{segment.pk}/change/"
    assert set(Customer.objects.filter(segments__segment=segment)) == {mia}
    change = reverse("admin:customers_segment_edit_filters", args=[segment.pk])
    shown = staff.get(change).context["builder"].groups[0][0]
    assert shown["language"].value() == "en"
    staff.post(change, {**LANGUAGE, "0-0-is_not": "on", "name": "Others", "act": "save"})
    segment.refresh_from_db()
    assert (segment.name, segment.terms[0][0]["is_not"]) == ("Others", True)
    assert set(Customer.objects.filter(segments__segment=segment)) == {lin}


def test_money_is_typed_in_units_and_kept_in_minor(staff):
    typed = {"0-0-fact": "spent", "0-0-amount": "12.50", "0-0-days": "30"}
    staff.post(BUILD, {**typed, "name": "Spenders", "act": "save"})
    segment = Segment.objects.get()
    assert segment.terms[0][0]["values"]["amount"] == 1250
    change = reverse("admin:customers_segment_edit_filters", args=[segment.pk])
    assert str(staff.get(change).context["builder"].groups[0][0]["amount"].value()) == "12.50"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "No filter"},
        {"name": "", **LANGUAGE},
        {"name": "Odd choice", **LANGUAGE, "0-0-language": "tlh"},
        {"name": "No such fact", "0-0-fact": "nothing"},
        {"name": "Taken", **LANGUAGE},
        {"name": "Least above most", "0-0-fact": "points", "0-0-least": "9", "0-0-most": "1"},
    ],
)
def test_what_cannot_be_saved_is_said_and_not_saved(staff, wrong):
    SegmentFactory(name="Taken")
    answer = staff.post(BUILD, {**wrong, "act": "save"})
    assert answer.status_code == 200
    builder = answer.context["builder"]
    assert answer.context["head"].errors or not builder.is_valid()
    assert Segment.objects.count() == 1


def test_page_of_a_built_segment_says_its_filters_and_draws_its_size(staff):
    staff.post(BUILD, {**LANGUAGE, "name": "Readers", "act": "save"})
    segment = Segment.objects.get()
    SegmentSize.objects.create(segment=segment, day="2026-11-01", customers=7)
    content = staff.get(f"/admin/customers/segment/{segment.pk}/change/").content.decode()
    assert "reads English" in content
    assert "<svg" in content
    assert content.count("<circle") == 2
    assert "Add customers" not in content
    assert "Change the filters" in content


def test_page_of_a_segment_by_hand_offers_no_filters(staff):
    content = staff.get(f"/admin/customers/segment/{SegmentFactory().pk}/change/").content.decode()
    assert "Add customers" in content
    assert "Change the filters" not in content


def test_a_segment_by_hand_gets_no_filters(staff):
    segment = SegmentFactory(name="By hand")
    change = reverse("admin:customers_segment_edit_filters", args=[segment.pk])
    assert facts(staff.get(change)) == []
    answer = staff.post(change, {**LANGUAGE, "name": "By hand", "act": "save"})
    assert "said by hand" in str(answer.context["head"].errors)
    segment.refresh_from_db()
    assert segment.terms is None


def test_refreshing_now_says_how_many(staff):
    staff.post(BUILD, {**LANGUAGE, "name": "Readers", "act": "save"})
    CustomerFactory()
    answer = staff.post(reverse("admin:customers_segment_refresh_now", args=[Segment.objects.get().pk]))
    said = [str(message) for message in staff.get(answer.url).context["messages"]]
    assert "1 customer is in it now." in said


def test_counting_is_for_who_may_build(client):
    client.force_login(UserFactory(is_staff=True, password=None))
    assert client.post(reverse("admin:customers_segment_count"), LANGUAGE).status_code == 403


@pytest.mark.parametrize("place", ["00-0", "0-01", "٣-0", "0-0-0", "99999-0"])
def test_a_condition_at_an_odd_place_is_left_out(staff, place):
    answer = staff.post(BUILD, {f"{place}-fact": "bought", "act": "count"})
    assert (answer.status_code, facts(answer)) == (200, [])


@pytest.mark.parametrize("place", ["٣", "-1", "99"])
def test_a_filter_added_at_an_odd_place_gets_a_box_of_its_own(staff, place):
    answer = staff.post(BUILD, {**LANGUAGE, "act": f"add:{place}", f"new-{place}": "bought"})
    assert (answer.status_code, facts(answer)) == (200, [["language"], ["bought"]])


def test_a_filter_added_at_a_place_of_thousands_of_digits_is_none(staff):
    answer = staff.post(BUILD, {**LANGUAGE, "act": f"add:{'9' * 5000}"})
    assert (answer.status_code, facts(answer)) == (200, [["language"]])
