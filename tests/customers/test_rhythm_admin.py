"""The RFM map in the back office, and the list behind its cells."""

import re

import pytest
from django.contrib.auth.models import Group

from customers.models import RfmGroup
from loyalty_site import roles
from tests.factories.customers import RhythmFactory, UserFactory

pytestmark = pytest.mark.django_db

MAP = "/admin/customers/rhythm/map/"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


def listed(staff, address):
    return {row.pk for row in staff.get(address).context["cl"].result_list}


def test_cells_say_how_many_and_lead_to_them(staff):
    middle = {RhythmFactory().pk, RhythmFactory().pk}
    best = RhythmFactory(recency=5, frequency=5, monetary=5, volume=5, group=RfmGroup.CHAMPIONS)
    page = staff.get(MAP)
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


def test_groups_lead_to_their_customers_and_say_their_share_of_spending(staff):
    lost = RhythmFactory(
        group=RfmGroup.LOST, recency=None, frequency=None, monetary=None, volume=None, year_spend_minor=0
    )
    RhythmFactory(year_spend_minor=3000)
    groups = {row["group"]: row for row in staff.get(MAP).context["groups"]}
    assert len(groups) == 11
    assert (groups["LOST"]["customers"], groups["LOST"]["spend"]) == (1, "0.0 %")
    assert groups["NEED_ATTENTION"]["spend"] == "100.0 %"
    assert listed(staff, groups["LOST"]["url"]) == {lost.pk}


def test_scores_say_what_they_mean(staff):
    RhythmFactory(year_spend_minor=300, frequency=2)
    RhythmFactory(year_spend_minor=700, year_days=4, days=4, frequency=4)
    scores = {row["score"]: row for row in staff.get(MAP).context["scores"]}
    assert (scores[2]["frequency"], scores[4]["frequency"], scores[1]["frequency"]) == ("1 day", "4 days", "–")
    assert scores[3]["monetary"] == ["¥3.00 – ¥7.00"]


def test_shares_of_money_in_several_currencies_are_not_added(staff):
    RhythmFactory()
    RhythmFactory(currency="EUR")
    assert {row["spend"] for row in staff.get(MAP).context["groups"]} == {"–"}


def test_map_without_purchases_says_so(staff):
    assert "Nobody is on the map yet" in staff.get(MAP).content.decode()


def test_map_takes_the_same_queries_however_many_there_are(staff, django_assert_max_num_queries):
    RhythmFactory.create_batch(5)
    with django_assert_max_num_queries(6):
        staff.get(MAP)


@pytest.mark.parametrize(("role", "status"), [(roles.MARKETING, 200), (roles.STORE_MANAGER, 200), (roles.CASHIER, 403)])
def test_map_is_for_who_may_see_rhythms(client, role, status):
    roles.sync()
    user = UserFactory(is_staff=True, password=None)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    assert client.get(MAP).status_code == status
