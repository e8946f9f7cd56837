"""The first page: today's figures in the programme's zone, beside the same weekday a week before."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty_site import roles
from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import RewardRedemption
from surveys.models import CampaignState, DeliveryState
from tests.factories.customers import CustomerFactory, PurchaseFactory, StoreFactory, UserFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory
from tests.factories.surveys import CaseFactory, DeliveryFactory
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

# A Wednesday, 18:30 in Shanghai.
NOW = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
JUST = NOW - timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _programme():
    ProgramFactory(timezone="Asia/Shanghai")
    BaseRuleFactory(valid_from=NOW)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def owner(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


def figures(client, day=""):
    page = client.get("/admin/", {"day": day} if day else {})
    return {figure.title: figure for figure in page.context["figures"]}


def buy(at, paid, **more):
    return PurchaseFactory(purchased_at=at, total_minor=paid, **more)


def award(customer, at, number, reference):
    with time_machine.travel(at, tick=False):
        return points.award(customer=customer, points=number, reference=reference, by=actors.SYSTEM, at=at)


def test_day_begins_at_the_stores_midnight(owner):
    midnight = datetime(2026, 5, 19, 16, tzinfo=UTC)
    buy(midnight, 1000)
    buy(midnight - timedelta(seconds=1), 70_000)
    today = figures(owner)
    assert (today["Purchases"].value, today["Takings"].value) == ("1", "¥10.00")
    yesterday = figures(owner, "2026-05-19")
    assert (yesterday["Purchases"].value, yesterday["Takings"].value) == ("1", "¥700.00")


def test_today_is_compared_with_the_same_weekday_until_this_hour(owner):
    for number in range(3):
        buy(JUST - timedelta(minutes=number), 1000)
    buy(NOW - WEEK - timedelta(minutes=1), 2000)
    buy(NOW - WEEK + timedelta(minutes=1), 50_000)  # later that day: today has not come so far
    shown = figures(owner)
    assert (shown["Purchases"].value, shown["Purchases"].note, shown["Purchases"].change) == (
        "3",
        "1 a week before",
        200,
    )
    assert (shown["Takings"].note, shown["Takings"].change) == ("¥20.00 a week before", 50)


def test_a_past_day_is_compared_whole(owner):
    buy(NOW - WEEK, 1000)
    buy(NOW - 2 * WEEK + timedelta(hours=3), 2000)
    shown = figures(owner, "2026-05-13")
    assert (shown["Purchases"].value, shown["Purchases"].note) == ("1", "1 a week before")


def test_a_day_without_purchases_shows_nothing_taken(owner):
    assert figures(owner)["Takings"].value == "¥0.00"


def test_until_something_is_bought_the_day_before_is_shown(owner):
    buy(NOW - timedelta(days=1), 1000)
    page = owner.get("/admin/")
    assert (page.context["period"].day, page.context["nothing_today"]) == (date(2026, 5, 19), True)
    assert figures(owner, "2026-05-20")["Purchases"].value == "0"
    buy(JUST, 1000)
    page = owner.get("/admin/")
    assert (page.context["period"].day, page.context["nothing_today"]) == (date(2026, 5, 20), False)


def test_currencies_are_not_added_up(owner):
    buy(JUST, 1000)
    buy(JUST, 500, currency="JPY")
    takings = [f.value for f in owner.get("/admin/").context["figures"] if f.title == "Takings"]
    assert takings == ["¥10.00", "¥500"]


def test_points_count_where_they_happened(owner):
    mei, anna = CustomerFactory(), CustomerFactory()
    award(mei, JUST - WEEK, 50, "test:1")
    award(mei, JUST, 100, "test:2")
    award(mei, JUST, 20, "test:3")
    award(anna, JUST, 30, "test:4")
    points.redeem(customer=mei, points=40, reference="test:5", by=actors.SYSTEM, at=JUST)
    shown = figures(owner)
    values = {title: shown[title].value for title in ("Customers who earned", "Points awarded", "Points redeemed")}
    assert values == {"Customers who earned": "2", "Points awarded": "150", "Points redeemed": "40"}
    assert shown["Points awarded"].change == 200


def test_other_figures(owner):
    CustomerFactory(enrolled_at=JUST)
    rows.make(RewardRedemption)
    DeliveryFactory(campaign__state=CampaignState.SENDING, campaign__starts_at=NOW, campaign__scheduled_by="system")
    DeliveryFactory(
        campaign__state=CampaignState.NEEDS_ATTENTION,
        campaign__starts_at=NOW,
        campaign__scheduled_by="system",
        state=DeliveryState.UNCERTAIN,
    )
    shown = figures(owner)
    assert shown["New customers"].value == "1"
    assert (shown["Rewards to hand over"].value, shown["Rewards to hand over"].note) == (
        "1",
        "the oldest from 01/02/2026",
    )
    assert (shown["Mails waiting"].value, shown["Mails waiting"].note) == ("1", "1 uncertain")


def test_score_of_ninety_days_has_its_interval(owner):
    title = "Net promoter score, 90 days"
    assert figures(owner)[title].note == "no answers yet"
    rows.make(rows.SurveyResponse)  # in January: too long ago
    assert figures(owner)[title].note == "no answers yet"
    with time_machine.travel(rows.LATER, tick=False):
        shown = figures(owner)[title]
    assert (shown.value, shown.note) == ("100", "−48 to 98, 1 answer")


def test_chart_has_each_of_thirty_days_and_a_table(owner):
    customer = CustomerFactory()
    first = datetime(2026, 4, 20, 16, tzinfo=UTC)  # the midnight that begins April 21
    buy(first, 1000)
    buy(first - timedelta(seconds=1), 1000)
    buy(JUST, 1000)
    award(customer, JUST, 15, "test:1")
    chart = owner.get("/admin/").context["chart"]
    assert [row["day"] for row in chart["rows"]] == [date(2026, 4, 21) + timedelta(days=n) for n in range(30)]
    assert [bars["data"] for bars in chart["data"]["bars"]] == [[1] + [0] * 28 + [1]]
    assert chart["data"]["line"]["data"] == [0] * 29 + [15]


@pytest.mark.parametrize("day", ["2030-01-01", "nonsense", "2026-02-31", "0001-01-01", "99999-01-01"])
def test_odd_days_are_answered(owner, day):
    assert owner.get("/admin/", {"day": day}).status_code == 200


def test_what_needs_attention_is_listed_with_its_page(owner):
    assert owner.get("/admin/").context["attention"] == []
    rows.make(RewardRedemption)
    DeliveryFactory(
        campaign__state=CampaignState.NEEDS_ATTENTION, campaign__starts_at=NOW, campaign__scheduled_by="system"
    )
    told = owner.get("/admin/").context["attention"]
    assert [item["text"] for item in told] == [
        "1 campaign needs attention.",
        "1 reward waits for more than a week.",
    ]
    assert [owner.get(item["url"]).status_code for item in told] == [200, 200]


def test_files_that_wait_for_a_person_are_listed(owner):
    rows.make(rows.PurchaseImport)
    told = owner.get("/admin/").context["attention"]
    assert [item["text"] for item in told] == ["1 import waits for you."]
    assert owner.get(told[0]["url"]).status_code == 200


def test_adjustments_that_wait_are_listed_for_who_decides(owner, client):
    rows.make(rows.PointsAdjustment)
    told = owner.get("/admin/").context["attention"]
    assert [item["text"] for item in told] == ["1 adjustment waits for a second person."]
    assert len(owner.get(told[0]["url"]).context["cl"].result_list) == 1
    roles.sync()
    member = UserFactory(password=None)
    member.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    client.force_login(member)
    assert client.get("/admin/").context["attention"] == []


def test_alerts_are_told_until_somebody_has_seen_them(owner):
    alert = rows.make(rows.StaffAlert)
    told = owner.get("/admin/").context["attention"]
    assert [item["text"] for item in told] == ["1 alert about staff or tills."]
    assert list(owner.get(told[0]["url"]).context["cl"].result_list) == [alert]
    owner.post(f"/admin/rewards/staffalert/{alert.pk}/seen/")
    assert owner.get("/admin/").context["attention"] == []
    assert list(owner.get(told[0]["url"]).context["cl"].result_list) == []


def test_cases_of_oneself_and_of_nobody_are_listed(client):
    roles.sync()
    store = StoreFactory()
    lena, peter = UserFactory(password=None), UserFactory(password=None)
    for member in (lena, peter):
        member.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
        member.stores.add(store)
    due = NOW + WEEK
    free, hers = (
        CaseFactory(store=store, due_at=due),
        CaseFactory(store=store, due_at=due, owner=lena, state="ASSIGNED"),
    )
    CaseFactory(store=store, due_at=due, owner=peter, state="ASSIGNED")
    CaseFactory(due_at=due)
    client.force_login(lena)
    told = client.get("/admin/").context["attention"]
    assert [item["text"] for item in told] == ["1 case is yours to work on.", "1 case is nobody’s yet."]
    listed = [list(client.get(item["url"]).context["cl"].result_list) for item in told]
    assert listed == [[hers], [free]]


def test_missing_earning_rule_is_told(owner):
    rows.EarningRule.objects.all().delete()
    assert "No earning rule yet" in owner.get("/admin/").context["attention"][0]["text"]


def test_each_role_sees_its_figures_alone(client):
    roles.sync()
    titles = {}
    for role in (roles.CASHIER, roles.STORE_MANAGER):
        member = UserFactory(password=None)
        member.groups.add(Group.objects.get(name=role))
        client.force_login(member)
        titles[role] = list(figures(client))
    assert titles[roles.CASHIER] == ["New customers", "Rewards to hand over"]
    assert "Mails waiting" not in titles[roles.STORE_MANAGER]


def test_store_manager_sees_the_takings_of_own_stores(client):
    roles.sync()
    mine, other = StoreFactory(), StoreFactory()
    buy(JUST, 1000, store=mine)
    buy(JUST, 99_000, store=other)
    CustomerFactory(enrolled_at=JUST, home_store=other)
    member = UserFactory(password=None)
    member.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    member.stores.add(mine)
    client.force_login(member)
    shown = figures(client)
    assert (shown["Purchases"].value, shown["Takings"].value) == ("1", "¥10.00")
    assert shown["New customers"].value == "0"
    assert "Points awarded" not in shown
    assert client.get("/admin/").context["chart"]["data"]["line"] is None


def test_costs_the_same_queries_however_much_happened(owner):
    def count():
        with CaptureQueriesContext(connection) as captured:
            owner.get("/admin/")
        return len(captured)

    buy(JUST, 1000)
    owner.get("/admin/")
    with_one = count()
    for _ in range(2):
        buy(JUST, 1000)
        rows.make(RewardRedemption)
    assert count() == with_one
    assert with_one <= 23
