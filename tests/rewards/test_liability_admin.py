"""The page of what the programme owes."""

import csv
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group

from loyalty_site import roles
from rewards.domain import liability
from rewards.models import Program
from tests.factories.customers import CustomerFactory, UserFactory
from tests.factories.rewards import ProgramFactory
from tests.rewards.domain.steps import award, claw_back, redeem

pytestmark = pytest.mark.django_db
URL = "/admin/rewards/pointslot/liability/"
NOW = datetime(2026, 5, 20, 18, 30, tzinfo=UTC)  # already the 21st in Shanghai
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _programme():
    ProgramFactory(timezone="Asia/Shanghai", point_value_minor=5)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def owner(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


@pytest.fixture
def booked():
    first = award(CustomerFactory(), 1000, NOW - 40 * DAY)
    redeem(first.customer.customer, 400, NOW - 30 * DAY)
    claw_back(first, 800, NOW - DAY)
    award(CustomerFactory(), 50, NOW)


def as_role(client, role):
    roles.sync()
    user = UserFactory(password=None, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (roles.OWNER, 200),
        (roles.AUDITOR, 200),
        (roles.STORE_MANAGER, 403),
        (roles.MARKETING, 403),
        (roles.CASHIER, 403),
    ],
)
def test_owner_and_auditor_see_it_and_find_it_in_the_menu(client, role, status):
    as_role(client, role)
    assert client.get(URL).status_code == status
    assert (URL in client.get("/admin/").content.decode()) == (status == 200)


def test_stranger_is_sent_to_sign_in(client):
    assert client.get(URL).status_code == 302


def test_page_shows_the_year_until_today_in_the_programmes_zone(owner, booked):
    page = owner.get(URL)
    total = page.context["found"].total
    assert (total.first, total.last) == (date(2025, 6, 1), date(2026, 5, 21))
    assert (total.awarded, total.redeemed, total.clawed_back, total.closing) == (1050, -400, -800, -150)
    assert [(title, value, note) for title, value, note in page.context["figures"]] == [
        ("Owed to customers", "50", "¥2.50"),
        ("Can be spent", "50", "¥2.50"),
        ("Pending", "0", "¥0.00"),
        ("Debts of customers", "200", "taken from the next awards"),
        ("Expected to lapse", "–", "not enough points have reached their end yet"),
    ]
    chart = page.context["chart"]
    assert chart["line"]["data"] == [0] * 10 + [600, -150]
    assert [bars["data"][-2:] for bars in chart["bars"]] == [[1000, 50], [-400, -800]]
    text = page.content.decode()
    assert "April 2026" in text
    assert "05/01/2026 – 05/21/2026" in text


def test_period_can_be_chosen(owner, booked):
    total = owner.get(URL, {"first": "2026-04-11", "last": "2026-04-20"}).context["found"].total
    assert (total.first, total.last, total.awarded) == (date(2026, 4, 11), date(2026, 4, 20), 1000)
    later = owner.get(URL, {"first": "2026-05-01", "last": "2030-01-01"}).context["found"].total
    assert (later.first, later.last) == (date(2026, 5, 1), date(2026, 5, 21))


@pytest.mark.parametrize(
    ("period", "message"),
    [
        ({"first": "2026-05-02", "last": "2026-05-01"}, "The last day is before the first."),
        ({"first": "2006-05-02", "last": "2026-05-01"}, "Please choose no more than ten years, from 1970 on."),
        ({"first": "0001-01-01", "last": "0001-01-02"}, "Please choose no more than ten years, from 1970 on."),
        ({"first": "x", "last": "2026-05-01"}, "Enter a valid date."),
        ({"first": "2026-05-01"}, "This field is required."),
        ({"first": "2026-05-01\x00", "last": "9999-12-31", "csv": "1"}, "Enter a valid date."),
    ],
)
def test_nonsense_is_answered_with_a_sentence_and_the_usual_year(owner, period, message):
    page = owner.get(URL, period)
    assert page.status_code == 200
    assert message in page.content.decode()
    assert page.context["found"].total.first == date(2025, 6, 1)


def test_file_has_a_line_a_month_with_plain_numbers(owner, booked):
    answer = owner.get(URL, {"first": "2026-04-01", "last": "2026-05-21", "csv": "1"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="liability-2026-04-01-2026-05-21.csv"'
    names = "first last opening awarded clawed_back redeemed reimbursed expired adjusted merged closing"
    assert list(csv.reader(answer.content.decode().splitlines())) == [
        names.split(),
        ["2026-04-01", "2026-04-30", "0", "1000", "0", "-400", "0", "0", "0", "0", "600"],
        ["2026-05-01", "2026-05-21", "600", "50", "-800", "0", "0", "0", "0", "0", "-150"],
    ]


def test_expected_breakage_is_told_with_what_it_rests_on(owner, monkeypatch):
    monkeypatch.setattr(liability, "BREAKAGE_LOTS_MIN", 1)
    Program.objects.update(expiry_policy="ROLLING", expiry_months=1)
    customer = CustomerFactory()
    award(customer, 300, NOW - 100 * DAY)
    redeem(customer, 200, NOW - 99 * DAY)
    award(customer, 90, NOW)
    figures = {title: (value, note) for title, value, note in owner.get(URL).context["figures"]}
    assert figures["Lapsed, not booked yet"] == ("100", "booked in the night")
    assert figures["Expected to lapse"] == ("30", "33.3 % of 1 lot in a year")
    assert figures["Expected to be spent"] == ("¥3.00", "60")
