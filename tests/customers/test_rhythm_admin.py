"""The RFM map in the back office, and the list behind its cells."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from customers.domain import profiling, rhythms
from customers.models import Forecast, RfmGroup
from loyalty_site import roles
from loyalty_site.lib import actors
from tests.factories.customers import RhythmFactory, UserFactory

pytestmark = pytest.mark.django_db

MAP = "/admin/customers/rhythm/map/"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


@pytest.fixture
def mapped(staff):
    """The page of a map of the rhythms there are."""

    def page():
        rhythms.count_map(at=timezone.now())
        return staff.get(MAP)

    return page


def listed(staff, address):
    return {row.pk for row in staff.get(address).context["cl"].result_list}


def test_cells_say_how_many_and_lead_to_them(staff, mapped):
    middle = {RhythmFactory().pk, RhythmFactory().pk}
    best = RhythmFactory(recency=5, frequency=5, monetary=5, volume=5, group=RfmGroup.CHAMPIONS)
    page = mapped()
    cells = [cell for _volume, cells in page.context["rows"] for cell in cells]
    told = {(cell["volume"], cell["recency"]): cell for cell in cells if cell["customers"]}
    assert {place: (cell["customers"], cell["share"]) for place, cell in told.items()} == {
        (3, 3): (2, "66.7 %"),
        (5, 5): (1, "33.3 %"),
    }
    assert listed(staff, told[3, 3]["url"]) == middle
    assert listed(staff, told[5, 5]["url"]) == {best.pk}
    content = page.content.decode()
    assert len(re.findall(r'<td class="rfm-\w+">', content)) == 25
    assert told[5, 5]["url"].replace("&", "&amp;") in content


def test_groups_lead_to_their_customers_and_say_their_share_of_spending(staff, mapped):
    lost = RhythmFactory(
        group=RfmGroup.LOST, recency=None, frequency=None, monetary=None, volume=None, year_spend_minor=0
    )
    RhythmFactory(year_spend_minor=3000)
    groups = {row["group"]: row for row in mapped().context["groups"]}
    assert len(groups) == 11
    assert (groups["LOST"]["customers"], groups["LOST"]["spend"]) == (1, "0.0 %")
    assert groups["NEED_ATTENTION"]["spend"] == "100.0 %"
    assert listed(staff, groups["LOST"]["url"]) == {lost.pk}


def test_scores_say_what_they_mean(mapped):
    RhythmFactory(year_spend_minor=300, frequency=2)
    RhythmFactory(year_spend_minor=700, year_days=4, days=4, frequency=4)
    scores = {row["score"]: row for row in mapped().context["scores"]}
    assert (scores[2]["frequency"], scores[4]["frequency"], scores[1]["frequency"]) == ("1 day", "4 days", "–")
    assert scores[3]["monetary"] == ["¥3.00 – ¥7.00"]


def test_shares_of_money_in_several_currencies_are_not_added(mapped):
    RhythmFactory()
    RhythmFactory(currency="EUR")
    assert {row["spend"] for row in mapped().context["groups"]} == {"–"}


def test_map_without_purchases_says_so(staff, mapped):
    assert "Nobody is on the map yet" in staff.get(MAP).text
    page = mapped().text
    assert "Nobody is on the map yet" in page
    assert "0 customers who have bought" in page


def test_map_says_of_when_it_is_and_its_lists_are_of_now(staff):
    gone, here = RhythmFactory(), RhythmFactory()
    rhythms.count_map(at=datetime(2026, 11, 28, 2, 10, tzinfo=UTC))
    profiling.choose(customer=gone.customer, wanted=False, by=actors.user(7), at=timezone.now())
    RhythmFactory()
    page = staff.get(MAP)
    assert "as of 11/28/2026 2:10 a.m." in page.text
    [cell] = [cell for _volume, cells in page.context["rows"] for cell in cells if cell["customers"]]
    assert cell["customers"] == 2
    assert gone.pk not in listed(staff, cell["url"])
    assert here.pk in listed(staff, cell["url"])


def test_map_reads_no_rhythm(staff, django_assert_max_num_queries):
    RhythmFactory.create_batch(5)
    rhythms.count_map(at=timezone.now())
    with django_assert_max_num_queries(8) as asked:
        staff.get(MAP)
    assert not [query for query in asked.captured_queries if '"customers_rhythm"' in query["sql"]]


@pytest.mark.parametrize(("role", "status"), [(roles.MARKETING, 200), (roles.STORE_MANAGER, 200), (roles.CASHIER, 403)])
def test_map_is_for_who_may_see_rhythms(client, role, status):
    roles.sync()
    user = UserFactory(is_staff=True, password=None)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    assert client.get(MAP).status_code == status


def drifting(days=40, **told):
    today = timezone.localdate()
    last = today - timedelta(days=days)
    dates = {"first_on": last - timedelta(days=90), "last_on": last, "due_on": last + timedelta(days=9)}
    gap = {"days": 11, "usual_days": 9, "drifts_from": last + timedelta(days=18)}
    return RhythmFactory(**dates, **gap, **told)


def test_who_drifts_away_is_listed_with_the_most_to_lose_first(staff):
    small, large = drifting(year_spend_minor=100), drifting(year_spend_minor=900)
    drifting(days=10)
    page = staff.get("/admin/customers/rhythm/?is=drifting")
    assert [row.pk for row in page.context["cl"].result_list] == [large.pk, small.pk]
    content = page.content.decode()
    assert "usually every 9 days, now 40 days away" in content
    assert content.count('class="late"') == 2
    assert f"/admin/customers/customer/{large.pk}/change/" in content


def test_chance_to_stay_away_weighs_what_there_is_to_lose_and_is_said(staff):
    safe, lost, untold = (
        drifting(year_spend_minor=spend, stays_away_percent=percent)
        for spend, percent in ((1000, 10), (400, 74), (350, None))
    )
    page = staff.get("/admin/customers/rhythm/?is=drifting")
    assert [row.pk for row in page.context["cl"].result_list] == [untold.pk, lost.pk, safe.pk]
    assert "very likely (74 %)" in page.text
    page = staff.get("/admin/customers/rhythm/?is=staying_away")
    assert [row.pk for row in page.context["cl"].result_list] == [lost.pk]
    assert (
        "stays away for 28 days: very likely (74 %)" in staff.get(f"/admin/customers/customer/{lost.pk}/change/").text
    )


def test_what_they_may_bring_is_said_with_its_range_and_drawn(staff):
    row = RhythmFactory(visits_expected=3, visits_low=1, visits_high=6, visit_spend_minor=900)
    said = "about 3 more visits in a year, between 1 and 6"
    listed = staff.get("/admin/customers/rhythm/").content.decode()
    own = staff.get(f"/admin/customers/customer/{row.pk}/change/").content.decode()
    for content in (listed, own):
        assert said in content
        assert 'class="bo-ahead"' in content
        assert "between ¥9.00 and ¥54.00" in content


def test_customer_without_a_rhythm_has_a_page(staff):
    row = RhythmFactory()
    customer = row.customer
    row.delete()
    content = staff.get(f"/admin/customers/customer/{customer.pk}/change/").content.decode()
    assert "s-rhythm" not in content


@pytest.mark.parametrize(("bias", "said"), [(0.02, "2.0 % too many in all"), (-0.1, "10.0 % too few in all")])
def test_map_says_how_well_it_would_have_been_foretold(mapped, bias, said):
    RhythmFactory()
    told = {"customers": 9, "weeks": 12, "r": 1, "alpha": 1, "a": 1, "b": 1}
    told |= {"model_weight": 0.2, "range_stretch": 1.3, "held": 0.814}
    Forecast.objects.create(made_at=timezone.now(), **told, error=0.84, plain_error=1.0, bias=bias)
    content = mapped().content.decode()
    assert said in content
    assert "off by 0.8 visits a customer" in content
    assert "The model counts 20 %, the recent visits 80 %" in content
    assert "In their range were 81 %" in content
