"""Earning rules and tiers in the back office."""

import html
from datetime import time
from decimal import Decimal

import pytest
from django.urls import reverse

from rewards.models import EarningRule, Tier
from tests.factories.customers import CategoryFactory, StoreFactory, UserFactory
from tests.factories.rewards import BaseRuleFactory, MultiplierRuleFactory, ProgramFactory, TierFactory
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

RULE = {
    "code": "base",
    "name": "Base",
    "kind": "BASE",
    "points": "1",
    "per_minor": "2.50",
    "valid_from_0": "2026-05-01",
    "valid_from_1": "00:00",
}


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


def act(row, name):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def errors(answer):
    return answer.context["adminform"].form.errors


def text_of(answer):
    return html.unescape(answer.content.decode())


def test_rule_is_made_and_changed_in_versions(staff):
    staff.post("/admin/rewards/earningrule/add/", RULE)
    first = EarningRule.objects.get()
    assert (first.points, first.per_minor, first.version) == (1, 250, 1)
    form = staff.get(act(first, "new_version"))
    assert form.context["form"].initial["per_minor"] == Decimal("2.50")
    start = {"valid_from_0": "2026-06-01", "valid_from_1": "00:00"}
    staff.post(act(first, "new_version"), {**RULE, **start, "points": "2"})
    first.refresh_from_db()
    second = EarningRule.objects.get(version=2)
    assert (second.points, second.per_minor, second.code) == (2, 250, "base")
    assert first.valid_to == second.valid_from


def test_rule_cannot_begin_before_the_present_version(staff):
    rule = BaseRuleFactory()
    start = {"valid_from_0": "2025-06-01", "valid_from_1": "00:00"}
    answer = staff.post(act(rule, "new_version"), {**RULE, **start})
    assert "a new one can only begin later" in str(answer.context["form"].non_field_errors())
    assert EarningRule.objects.count() == 1


def test_rule_needs_what_its_kind_needs(staff):
    answer = staff.post("/admin/rewards/earningrule/add/", {**RULE, "kind": "MULTIPLIER"})
    assert errors(answer)["multiplier"] == ["Say how many times the points count."]


def test_rule_of_a_code_in_force_is_not_added_again(staff):
    BaseRuleFactory()
    answer = staff.post("/admin/rewards/earningrule/add/", RULE)
    assert errors(answer)["code"] == ["There is a rule with this code: open it and make a new version."]


def test_rule_that_ended_begins_again_as_a_new_version(staff):
    BaseRuleFactory(valid_to=rows.LATER)
    staff.post("/admin/rewards/earningrule/add/", RULE)
    assert EarningRule.objects.get(valid_to__isnull=True).version == 2


BONUS = {**RULE, "kind": "MULTIPLIER", "multiplier": "1.5", "weekdays": ["6", "7"]}
CAP = {**RULE, "kind": "CAP", "points": "500", "cap_period": "MONTH"}


def test_rule_keeps_what_belongs_to_its_kind_and_nothing_else(staff):
    tier = TierFactory()
    hours = {"time_from": "22:00", "time_to": "02:00", "tier": tier.pk}
    staff.post("/admin/rewards/earningrule/add/", {**BONUS, **hours, "code": "night", "cap_period": "DAY"})
    staff.post("/admin/rewards/earningrule/add/", {**CAP, **hours, "code": "cap", "weekdays": ["1"], "multiplier": "9"})
    night, cap = EarningRule.objects.get(code="night"), EarningRule.objects.get(code="cap")
    assert (night.multiplier, night.weekdays, night.tier) == (Decimal("1.5"), [6, 7], tier)
    assert (night.time_from, night.time_to) == (time(22), time(2))
    assert (night.points, night.per_minor, night.cap_period) == (None, None, "")
    assert (cap.points, cap.cap_period, cap.multiplier, cap.weekdays, cap.tier, cap.time_from) == (
        500,
        "MONTH",
        None,
        [],
        None,
        None,
    )


def test_rule_for_some_weekdays_keeps_them_in_its_next_version(staff):
    staff.post("/admin/rewards/earningrule/add/", BONUS)
    first = EarningRule.objects.get()
    form = staff.get(act(first, "new_version")).context["form"]
    assert form["weekdays"].value() == [6, 7]
    staff.post(act(first, "new_version"), {**BONUS, "valid_from_0": "2026-06-01", "weekdays": ["7"]})
    assert EarningRule.objects.get(version=2).weekdays == [7]


@pytest.mark.parametrize(
    ("told", "field", "said"),
    [
        ({**RULE, "points": ""}, "points", "Say how many points."),
        ({**RULE, "per_minor": "0"}, "per_minor", "Say for how much money."),
        (
            {**RULE, "points": "2147483647", "per_minor": "0.01"},
            "points",
            "At most 1000 points for the smallest unit of money.",
        ),
        ({**CAP, "points": "9" * 30}, "points", "Ensure this value is less than or equal to 2147483647."),
        ({**RULE, "points": "0"}, "points", "Ensure this value is greater than or equal to 1."),
        ({**BONUS, "multiplier": "100.001"}, "multiplier", "Ensure this value is less than or equal to 100."),
        ({**BONUS, "multiplier": "-1"}, "multiplier", "Ensure this value is greater than or equal to 0."),
        ({**BONUS, "weekdays": ["8"]}, "weekdays", "Select a valid choice. 8 is not one of the available choices."),
        ({**BONUS, "time_from": "08:00"}, "time_to", "Say until when."),
        ({**BONUS, "time_to": "08:00"}, "time_from", "Say from when."),
        (
            {**BONUS, "time_from": "8:00", "time_to": "8:00"},
            "time_to",
            "The end must be another time; for the whole day leave both empty.",
        ),
        ({**CAP, "cap_period": ""}, "cap_period", "Say for how long."),
        ({**CAP, "points": ""}, "points", "Say how many points."),
    ],
)
def test_rule_refuses(staff, told, field, said):
    answer = staff.post("/admin/rewards/earningrule/add/", told)
    assert errors(answer)[field] == [said]
    assert not EarningRule.objects.exists()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (RULE, "1 point for every ¥2.50."),
        (CAP, "A customer earns at most 500 points a month."),
        (BONUS, "Everything counts 1.5 times (Saturday, Sunday)."),
        ({**BONUS, "multiplier": "0", "weekdays": []}, "Everything earns no points."),
        (
            {**BONUS, "time_from": "22:00", "time_to": "2:00"},
            "Everything counts 1.5 times (Saturday, Sunday, 22:00–02:00).",
        ),
        ({**RULE, "points": ""}, ""),
        ({**RULE, "kind": "NONSENSE"}, ""),
        ({}, ""),
    ],
)
def test_rule_is_told_in_words_while_it_is_typed(staff, told, words):
    answer = staff.post("/admin/rewards/earningrule/preview/", told)
    assert (answer.content.decode(), answer["Content-Type"]) == (words, "text/plain; charset=utf-8")
    assert not EarningRule.objects.exists()


def test_rule_is_previewed_for_those_who_may_make_one(client):
    assert client.post("/admin/rewards/earningrule/preview/", RULE).status_code == 302
    client.force_login(UserFactory(password=None))
    assert client.post("/admin/rewards/earningrule/preview/", RULE).status_code == 403


def test_rule_says_what_it_does_for_what(staff):
    goods = CategoryFactory(name="Fruit")
    rule = MultiplierRuleFactory(
        category=goods, tier=TierFactory(name={"en": "Gold"}), store=StoreFactory(name="Harbour")
    )
    page = text_of(staff.get(f"/admin/rewards/earningrule/{rule.pk}/change/"))
    assert "Fruit counts 2 times (at Harbour, as Gold)." in page


TIER = {"code": "gold", "rank": "2", "name_en": "Gold", "name_zh-hans": "金卡", "threshold": "300", "is_active": "on"}


def test_tier_is_typed_in_points(staff):
    ProgramFactory()
    staff.post("/admin/rewards/tier/add/", TIER)
    assert Tier.objects.values_list("code", "rank", "threshold", "is_active").get() == ("gold", 2, 300, True)
    assert "300 points" in text_of(staff.get("/admin/rewards/tier/"))


def test_tier_is_typed_in_money_where_money_counts(staff):
    ProgramFactory(tier_basis="SPEND")
    staff.post("/admin/rewards/tier/add/", {**TIER, "threshold": "300.50"})
    assert Tier.objects.get().threshold == 30_050
    assert "¥300.50" in text_of(staff.get("/admin/rewards/tier/"))


@pytest.mark.parametrize(
    ("rank", "threshold", "fits"), [("2", "200", False), ("2", "201", True), ("0", "200", False), ("0", "199", True)]
)
def test_higher_tier_takes_more(staff, rank, threshold, fits):
    TierFactory(rank=1, threshold=200, name={"en": "Silver"})
    answer = staff.post("/admin/rewards/tier/add/", {**TIER, "rank": rank, "threshold": threshold})
    assert Tier.objects.filter(code="gold").exists() is fits
    if not fits:
        said = "The higher the rank, the more it must take: compare with “Silver”, 200 points."
        assert errors(answer)["threshold"] == [said]


def test_tier_that_somebody_was_in_stays(staff):
    free, used = TierFactory(), rows.tier_membership().tier
    staff.post(f"/admin/rewards/tier/{free.pk}/delete/", {"post": "yes"})
    assert staff.post(f"/admin/rewards/tier/{used.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(Tier.objects.all()) == [used]
