"""The what-if page: a form of the present programme, the draft that it makes, and what came of it."""

import html
import shlex
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.http import QueryDict

from loyalty_site import roles
from loyalty_site.lib.actors import SYSTEM
from rewards.admin import simulation
from rewards.admin.simulation_form import WhatIfForm
from rewards.domain import checkout
from rewards.domain.simulation import CapDraft, Draft, MultiplierDraft, Outcome, RateDraft, SimulationBusy
from rewards.models import CapPeriod, EarningRule, Program, TierBasis
from tests.factories.customers import CategoryFactory, CustomerFactory, PurchaseFactory, StoreFactory, UserFactory
from tests.factories.rewards import BaseRuleFactory, CapRuleFactory, MultiplierRuleFactory, ProgramFactory, TierFactory
from tests.rewards.domain.baskets import basket

URL = "/admin/rewards/pointslot/what-if/"
NOW = datetime(2026, 5, 20, 18, 30, tzinfo=UTC)  # already the 21st in Shanghai
HUGE = "9" * 60


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def programme(db):
    """1 point for 1.00, twice for fruit, at most 100 a day, two tiers."""
    BaseRuleFactory()
    MultiplierRuleFactory(code="fruit", name="Fruit twice")
    CapRuleFactory(code="daily", name="Daily cap")
    TierFactory(code="silver", rank=1, threshold=100)
    TierFactory(code="gold", rank=2, threshold=200)
    return ProgramFactory(
        timezone="Asia/Shanghai", expiry_policy="ROLLING", expiry_months=12, expiry_period_end="MONTH", pending_days=3
    )


@pytest.fixture
def owner(programme, client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


def filled(**changed):
    """The form as a browser sends it, with some fields changed."""
    initial = WhatIfForm(at=NOW).initial
    sent = QueryDict(mutable=True)
    for name, value in {**initial, **changed}.items():
        sent.setlist(name, value if isinstance(value, list) else [str(value)])
    return WhatIfForm(sent, at=NOW)


def draft(**changed):
    form = filled(**changed)
    assert form.errors == {}
    return form.draft()


def threshold(code):
    form = WhatIfForm(at=NOW)
    return next(f"tier-{tier.pk}" for tier in form.ladder if tier.code == code)


def test_present_is_filled_in_and_makes_an_empty_draft(programme):
    initial = WhatIfForm(at=NOW).initial
    assert (initial["since"], initial["points"], initial["amount"]) == (date(2025, 5, 21), 1, Decimal("1.00"))
    assert (initial["expiry_policy"], initial["expiry_months"], initial["pending_days"]) == ("ROLLING", 12, 3)
    assert draft() == Draft()
    form = WhatIfForm(QueryDict("since=2026-05-01"), at=NOW)
    assert form.errors == {}
    assert form.draft() == Draft()
    assert form.start == datetime(2026, 4, 30, 16, tzinfo=UTC)


def test_emptied_fields_stay_as_they_are(programme):
    names = set(WhatIfForm(at=NOW).fields) - {"since", "weekdays", "without"}
    assert draft(**dict.fromkeys(names, "")) == Draft()


def test_first_purchase_begins_a_short_history(programme):
    PurchaseFactory(purchased_at=NOW - timedelta(days=20))
    assert WhatIfForm(at=NOW).initial["since"] == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"points": 2}, Draft(rate=RateDraft(2, 100))),
        ({"amount": "2.50"}, Draft(rate=RateDraft(1, 250))),
        ({"cap_points": 500, "cap_period": "WEEK"}, Draft(caps=(CapDraft(500, CapPeriod.WEEK),))),
        ({"without": ["fruit", "daily"]}, Draft(without=("fruit", "daily"))),
        ({"pending_days": 0}, Draft(program={"pending_days": 0})),
        ({"expiry_policy": "NEVER", "expiry_months": 6}, Draft(program={"expiry_policy": "NEVER"})),
        ({"expiry_months": 6, "expiry_days": "06-30"}, Draft(program={"expiry_months": 6})),
        (
            {"expiry_policy": "FIXED", "expiry_months": 0, "expiry_days": "06-30, 12-31"},
            Draft(program={"expiry_policy": "FIXED", "expiry_months": 0, "expiry_days": "06-30, 12-31"}),
        ),
    ],
)
def test_only_what_differs_makes_the_draft(programme, changed, expected):
    assert draft(**changed) == expected


def test_multiplier_and_thresholds(programme):
    fruit, store = CategoryFactory(), StoreFactory()
    gold = WhatIfForm(at=NOW).ladder[1]
    told = {"multiplier": "1.5", "category": fruit.pk, "store": store.pk, "tier": gold.pk, "weekdays": ["6", "7"]}
    assert draft(**told) == Draft(multipliers=(MultiplierDraft(Decimal("1.5"), fruit, None, store, gold, [6, 7]),))
    assert draft(**{threshold("gold"): 300}) == Draft(thresholds={"gold": 300})


def test_thresholds_of_money_are_typed_as_money(programme):
    Program.objects.update(tier_basis=TierBasis.SPEND)
    assert draft() == Draft()
    assert draft(**{threshold("gold"): "2.50"}) == Draft(thresholds={"gold": 250})


def test_best_of_several_base_rates_is_the_present_one(programme):
    BaseRuleFactory(code="better", points=3, per_minor=200)
    assert WhatIfForm(at=NOW).initial["amount"] == Decimal("2.00")
    assert draft() == Draft()


def test_without_a_base_rate_both_halves_are_needed(programme):
    EarningRule.objects.all().delete()
    assert draft(points="", amount="") == Draft()
    assert draft(points=1, amount="1") == Draft(rate=RateDraft(1, 100))
    assert filled(points=1).errors == {"amount": ["Say for how much money."]}
    assert filled(amount="1").errors == {"points": ["Say how many points."]}


LESS, MORE = "Ensure this value is greater than or equal to %s.", "Ensure this value is less than or equal to %s."
UNKNOWN = "Select a valid choice. That choice is not one of the available choices."


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("since", "", "This field is required."),
        ("since", "x", "Enter a valid date."),
        ("since", "2026-05-01\x00", "Enter a valid date."),
        ("since", "1969-12-31", "Please choose a day from 1970 on that has begun."),
        ("since", "2026-05-22", "Please choose a day from 1970 on that has begun."),
        ("points", "-1", LESS % 1),
        ("points", HUGE, MORE % 2147483647),
        ("points", "100001", "At most 1000 points for the smallest unit of money."),
        ("points", "\x00", "Enter a whole number."),
        ("amount", "-1", LESS % 0),
        ("amount", "0", "Say for how much money."),
        ("amount", "1e999999", "Ensure that there are no more than 12 digits in total."),
        ("amount", "NaN", "Enter a number."),
        ("amount", "1.005", "CNY has no smaller unit than this: write fewer digits after the point."),
        ("amount", "99999999999", "This is too much money."),
        ("multiplier", "-1", LESS % 0),
        ("multiplier", "101", MORE % 100),
        ("multiplier", "1.2345", "Ensure that there are no more than 3 decimal places."),
        ("cap_points", "0", LESS % 1),
        ("cap_points", HUGE, MORE % 2147483647),
        ("cap_period", "CENTURY", "Select a valid choice. CENTURY is not one of the available choices."),
        ("category", "\x00", UNKNOWN),
        ("category", HUGE, UNKNOWN),
        ("store", "5", UNKNOWN),
        ("tier", "x", UNKNOWN),
        ("weekdays", ["8"], "Select a valid choice. 8 is not one of the available choices."),
        ("without", ["base"], "Select a valid choice. base is not one of the available choices."),
        ("without", ["a\x00"], "Select a valid choice. a\ufffd is not one of the available choices."),
        ("expiry_policy", "SOMETIME", "Select a valid choice. SOMETIME is not one of the available choices."),
        ("expiry_months", "0", "Give at least one month; only with fixed days there may be none."),
        ("expiry_months", "121", MORE % 120),
        ("expiry_days", "02-30", "Days are written as month-day with commas between: 06-30, 12-31."),
        ("expiry_days", "12-31\x00", "Days are written as month-day with commas between: 06-30, 12-31."),
        ("pending_days", "366", MORE % 365),
    ],
)
def test_nonsense_is_told_at_its_field_and_nothing_runs(owner, monkeypatch, field, value, message):
    monkeypatch.setattr(simulation.simulation, "run", None)
    answer = owner.get(URL, {"since": "2026-05-01", field: value})
    assert answer.status_code == 200
    assert message in answer.context["form"].errors[field]
    assert html.escape(message) in answer.content.decode()


def test_ladder_must_rise_and_a_narrowed_multiplier_needs_its_times(programme):
    silver, gold = threshold("silver"), threshold("gold")
    assert filled(**{silver: 200}).errors == {gold: ["A higher tier must need more than the one below it."]}
    assert filled(**{gold: HUGE}).errors == {gold: [MORE % (2**63 - 1)]}
    assert filled(weekdays=["6"]).errors == {"multiplier": ["Say how many times the points count."]}


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (roles.OWNER, 200),
        (roles.AUDITOR, 200),
        (roles.MARKETING, 200),
        (roles.STORE_MANAGER, 403),
        (roles.CASHIER, 403),
    ],
)
def test_who_sees_it_finds_it_in_the_menu(programme, client, role, status):
    roles.sync()
    user = UserFactory(password=None, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    assert client.get(URL).status_code == status
    assert (URL in client.get("/admin/").content.decode()) == (status == 200)


def test_stranger_is_sent_to_sign_in(programme, client):
    assert client.get(URL).status_code == 302


def test_too_much_history_is_left_to_the_command(owner, monkeypatch):
    PurchaseFactory.create_batch(2, purchased_at=NOW)
    monkeypatch.setattr(simulation, "PURCHASES_MAX", 1)
    monkeypatch.setattr(simulation.simulation, "run", None)
    answer = owner.get(URL, {"since": "2026-05-01", "points": "2"})
    assert "There is too much history since that day for a page." in answer.content.decode()
    assert answer.context["command"] == (".venv/bin/python manage.py simulate_program --since=2026-05-01 --rate=2/1.00")


def test_counting_stops_at_the_limit(programme, monkeypatch, django_assert_num_queries):
    PurchaseFactory.create_batch(3, purchased_at=NOW)
    monkeypatch.setattr(simulation, "PURCHASES_MAX", 1)
    form = filled()
    assert form.is_valid()
    with django_assert_num_queries(1) as queries:
        assert simulation._is_too_much(form)
    assert "LIMIT 2" in queries[0]["sql"]


def test_command_says_all_that_the_draft_does(programme):
    fruit, store = CategoryFactory(code="FRESH FRUIT"), StoreFactory(code="S1")
    gold = WhatIfForm(at=NOW).ladder[1]
    form = filled(
        since="2026-05-01", points=2, multiplier="0.50", category=fruit.pk, store=store.pk, tier=gold.pk,
        weekdays=["7", "6"], cap_points=9, cap_period="DAY", without=["fruit"], expiry_policy="FIXED",
        expiry_days="06-30, 12-31", pending_days=0, **{threshold("gold"): 300},
    )  # fmt: skip
    assert form.errors == {}
    assert shlex.split(form.command())[3:] == [
        "--since=2026-05-01", "--rate=2/1.00", "--multiplier=FRESH FRUIT=0.5", "--store=S1", "--in-tier=gold",
        "--weekdays=76", "--cap=9/DAY", "--without=fruit", "--expiry=FIXED:12:06-30, 12-31", "--pending-days=0",
        "--tier=gold=300",
    ]  # fmt: skip


def test_busy_is_a_sentence(owner, monkeypatch):
    def busy(**_told):
        raise SimulationBusy

    monkeypatch.setattr(simulation.simulation, "run", busy)
    answer = owner.get(URL, {"since": "2026-05-01"})
    assert answer.status_code == 200
    assert "History is being replayed for somebody else; please try again in a minute." in answer.content.decode()


FOUND = Outcome(NOW, NOW, "CNY", 1)


@pytest.mark.parametrize(
    ("points", "more", "said"),
    [
        (1234, 1, ["This would have cost ¥12.34 more since May 20, 2026.", "1 customer would", "grow by ¥12.34."]),
        (-1234, 0, ["This would have cost ¥12.34 less since May 20, 2026.", "0 customers would", "shrink by ¥12.34."]),
        (0, 2, ["This would have cost the same since May 20, 2026.", "2 customers would", "would stay as it is."]),
    ],
)
def test_sentences(programme, points, more, said):
    was = replace(FOUND.was, awarded=5000, outstanding=5000)
    would_be = replace(was, awarded=5000 + points, outstanding=5000 + points)
    found = replace(FOUND, was=was, would_be=would_be, customers_more=more)
    for sentence, part in zip(simulation._sentences(found, Draft(without=["x"])), said, strict=True):
        assert part in sentence


@pytest.mark.django_db(transaction=True)
def test_page_answers_what_the_command_answers(transactional_db, client, capsys):
    ProgramFactory(point_value_minor=2)
    BaseRuleFactory()
    TierFactory(code="gold", threshold=100)
    customer = CustomerFactory()
    told = basket(8000, customer=customer, now=NOW)
    checkout.settle(purchase=told, store=StoreFactory(), till=None, by=SYSTEM, at=NOW)
    client.force_login(UserFactory(is_superuser=True, password=None))
    same = client.get(URL, {"since": "2026-05-01"})
    assert "This is the programme as it is" in same.content.decode()
    assert {(was, would_be - was) for _title, was, would_be, _difference in same.context["rows"]} == {
        (80, 0), (0, 0), (1, 0)}  # fmt: skip
    answer = client.get(URL, {"since": "2026-05-01", "points": "2"})
    assert answer.context["sentences"][0].startswith("This would have cost ¥1.60 more since ")
    assert answer.context["sentences"][1:] == [
        "1 customer would have earned more points, 0 fewer.",
        "What is owed would grow by ¥1.60.",
        "Customers in a higher tier: 1, in a lower one: 0.",
    ]
    rows = {title: row for title, *row in answer.context["rows"]}
    assert rows["Earned by purchases"] == [80, 160, 80]
    assert [[bar["count"] for bar in tier["bars"]] for tier in answer.context["bars"]] == [[1, 0], [0, 1]]
    assert "Nothing was written." in answer.content.decode()
    call_command(*shlex.split(answer.context["command"])[2:])
    assert "Cost of what would be earned: ¥1.60" in capsys.readouterr().out
    assert EarningRule.objects.get().points == 1
