"""A manager makes a rule from nothing, sees what it would have done, and activates it."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from customers.domain import rhythms
from customers.models import Rhythm
from loyalty_site import roles
from rewards.admin.surprise_form import TEMPLATES
from rewards.domain import surprises
from rewards.models import GestureText, Offer, OfferKind, SurpriseDraw, SurpriseRule, Trigger
from tests.factories.customers import CategoryFactory, CustomerFactory, PurchaseFactory, UserFactory
from tests.factories.rewards import OfferFactory, ProgramFactory, SurpriseRuleFactory, TimetableRuleFactory

pytestmark = pytest.mark.django_db
ADD = "/admin/rewards/surpriserule/add/"


@pytest.fixture
def sign_in(client):
    roles.sync()

    def sign_in(role):
        member = UserFactory(password=None)
        member.groups.add(Group.objects.get(name=role))
        client.force_login(member)
        return client

    return sign_in


@pytest.fixture
def marketing(sign_in):
    return sign_in(roles.MARKETING)


def act(rule, name):
    return reverse(f"admin:rewards_surpriserule_{name}", args=[rule.pk])


def change(rule):
    return reverse("admin:rewards_surpriserule_change", args=[rule.pk])


def text_of(answer):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def filled(page):
    """What a browser would send back of a form that was just opened."""
    form = page.context["adminform"].form
    told = {}
    for bound in form:
        value = bound.value()
        widget = bound.field.widget
        if hasattr(widget, "widgets"):
            for part, single in zip(widget.widgets_names, widget.decompress(value), strict=True):
                told[f"{bound.html_name}{part}"] = "" if single is None else str(single)
        elif value is True:
            told[bound.html_name] = "on"
        elif value is not None and value is not False:
            told[bound.html_name] = str(value)
    return told


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("key", TEMPLATES)
def test_each_example_is_saved_as_it_stands_and_activated(marketing, key, language):
    ProgramFactory(currency="CNY")
    marketing.cookies["django_language"] = language
    told = filled(marketing.get(ADD, {"template": key}))
    if key == "new-category":
        told["category"] = str(CategoryFactory().pk)
    saved = marketing.post(f"{ADD}?template={key}", told)
    assert saved.status_code == 302, saved.context["adminform"].form.errors
    rule = SurpriseRule.objects.get()
    assert (rule.trigger, rule.activated_at) == (TEMPLATES[key]["values"]["trigger"], None)
    assert rule.cost_minor > 0
    assert rule.budget_minor == 100_000
    assert rule.title["en"] == TEMPLATES[key]["title"]
    assert saved.url == act(rule, "activate")
    assert marketing.get(saved.url).status_code == 200
    assert not SurpriseRule.objects.get().activated_at
    marketing.post(saved.url)
    rule.refresh_from_db()
    assert rule.activated_at
    assert bool(rule.seed) == (rule.trigger == Trigger.RANDOM_DRAW)
    if rule.offer:
        assert rule.offer.published_at
        assert rule.offer.title == rule.title


def test_add_page_begins_with_examples(marketing):
    page = marketing.get(ADD)
    assert all(f"?template={key}" in page.content.decode() for key in TEMPLATES)
    assert marketing.get(ADD, {"template": "nonsense"}).status_code == 200


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"threshold_minor": ""}, "threshold_minor"),
        ({"threshold_minor": "-1"}, "threshold_minor"),
        ({"worth": ""}, "worth"),
        ({"worth": "0.001"}, "worth"),
        ({"gives": "NEW_PERCENT", "worth": "101"}, "worth"),
        ({"gives": "NEW_GIFT", "cost_minor": ""}, "cost_minor"),
        ({"gives": "OFFER"}, "offer"),
        ({"gives": "POINTS"}, "points"),
        ({"gives": "POINTS", "points": "0"}, "points"),
        ({"gives": "nonsense"}, "gives"),
        ({"title_en": "", "title_zh-hans": ""}, "title"),
        ({"trigger": "NTH_VISIT"}, "visit_number"),
        ({"trigger": "CATEGORY_FIRST"}, "category"),
        ({"trigger": "WIN_BACK", "absent_days": "60"}, "purchases_min"),
        ({"trigger": "OVERDUE"}, "purchases_min"),
        ({"trigger": "OVERDUE", "purchases_min": "3", "stays_away_percent": "0"}, "stays_away_percent"),
        ({"trigger": "OVERDUE", "purchases_min": "3", "stays_away_percent": "101"}, "stays_away_percent"),
        ({"trigger": "RANDOM_DRAW", "chance_percent": "100.5"}, "chance_percent"),
        ({"trigger": "RANDOM_DRAW"}, "chance_percent"),
        ({"trigger": "nonsense"}, "trigger"),
        ({"holdout_percent": "51"}, "holdout_percent"),
        ({"active_to_0": "2000-01-01", "active_to_1": "00:00"}, "active_to"),
    ],
)
def test_what_is_missing_is_said_beside_its_field_and_nothing_is_made(marketing, changed, field):
    ProgramFactory(currency="CNY")
    told = {**filled(marketing.get(ADD, {"template": "big-purchase"})), **changed}
    answer = marketing.post(ADD, told)
    assert field in answer.context["adminform"].form.errors
    assert (SurpriseRule.objects.count(), Offer.objects.count()) == (0, 0)


def test_own_offer_is_what_was_typed(marketing):
    ProgramFactory(currency="CNY")
    told = filled(marketing.get(ADD, {"template": "big-purchase"}))
    marketing.post(ADD, {**told, "gives": "NEW_PERCENT", "worth": "12.5", "cost_minor": "3", "coupon_days": "14"})
    offer = SurpriseRule.objects.get().offer
    assert (offer.kind, offer.percent, offer.coupon_days, offer.published_at) == (OfferKind.PERCENT, 12.5, 14, None)
    assert SurpriseRule.objects.get().cost_minor == 300


def test_draft_is_changed_from_a_coupon_to_points(marketing):
    ProgramFactory(currency="CNY", point_value_minor=2)
    marketing.post(ADD, filled(marketing.get(ADD, {"template": "big-purchase"})))
    rule = SurpriseRule.objects.get()
    told = filled(marketing.get(change(rule)))
    marketing.post(change(rule), {**told, "gives": "POINTS", "points": "40", "cost_minor": ""})
    rule.refresh_from_db()
    assert (rule.offer, rule.points, rule.cost_minor) == (None, 40, 80)


def test_active_rule_keeps_its_promise_and_lets_words_and_limits_grow(marketing):
    rule = SurpriseRuleFactory(budget_minor=10_000, issued_max=10, title={"en": "Thanks"}, cost_minor=500)
    told = filled(marketing.get(change(rule)))
    assert set(told) >= {"name", "title_en", "budget_minor", "issued_max"}
    assert "threshold_minor" not in told
    refused = marketing.post(change(rule), {**told, "budget_minor": "99.99"})
    assert list(refused.context["adminform"].form.errors) == ["budget_minor"]
    marketing.post(change(rule), {**told, "budget_minor": "100.01", "issued_max": "", "title_en": "Thank you"})
    rule.refresh_from_db()
    assert (rule.budget_minor, rule.issued_max, rule.title["en"]) == (10_001, None, "Thank you")


def test_activation_page_says_what_last_month_would_have_cost(marketing):
    rule = SurpriseRuleFactory(
        activated_at=None, activated_by="", cost_minor=500, offer=OfferFactory(published_at=None, title={"en": "Tea"})
    )
    for days in (2, 3):
        bought_at = timezone.now() - timedelta(days=days)
        PurchaseFactory(customer=CustomerFactory(), purchased_at=bought_at, total_minor=20_000)
    told = text_of(marketing.get(act(rule, "activate")))
    assert "would have surprised 2 customers, for ¥10.00, at most 1 each." in told
    assert "Its offer “Tea” goes live with it." in told


def late(days):
    """Usually here every ten days, and for so many days late."""
    last = timezone.now() - timedelta(days=20 + days)
    mei = CustomerFactory()
    for number in range(4):
        PurchaseFactory(customer=mei, purchased_at=last - number * timedelta(days=10), total_minor=1000)


def test_activation_page_says_how_many_are_late_today(marketing):
    ProgramFactory()
    told = {"trigger": Trigger.OVERDUE, "threshold_minor": None, "purchases_min": 3, "at_till": False}
    rule = SurpriseRuleFactory(activated_at=None, activated_by="", cost_minor=500, **told)
    page = text_of(marketing.get(act(rule, "activate")))
    assert "Nobody would be due today. In the last 30 days it would have surprised nobody who is still away." in page
    for days in (0, 0, 5):
        late(days)
    rhythms.refresh(at=timezone.now())
    page = text_of(marketing.get(act(rule, "activate")))
    assert "2 customers would be due today." in page
    assert "would have surprised 3 customers who are still away, for ¥15.00; who came back is not counted." in page


def test_activation_page_counts_today_as_if_the_limit_began_with_it(marketing):
    told = {"trigger": Trigger.OVERDUE, "threshold_minor": None, "purchases_min": 3, "at_till": False}
    rule = SurpriseRuleFactory(activated_at=None, activated_by="", issued_max=2, **told)
    for days in (0, 0, 0, 5, 6):
        late(days)
    rhythms.refresh(at=timezone.now())
    assert "2 customers would be due today." in text_of(marketing.get(act(rule, "activate")))


def test_activation_page_says_when_no_chance_is_known(marketing):
    told = {"trigger": Trigger.OVERDUE, "threshold_minor": None, "purchases_min": 3, "at_till": False}
    rule = SurpriseRuleFactory(activated_at=None, activated_by="", stays_away_percent=40, **told)
    late(0)
    rhythms.refresh(at=timezone.now())
    assert "this rule would surprise nobody" in text_of(marketing.get(act(rule, "activate")))
    Rhythm.objects.update(stays_away_percent=40)
    assert "1 customer would be due today." in text_of(marketing.get(act(rule, "activate")))


def test_chance_is_kept_by_the_one_trigger_that_asks_for_it(marketing):
    ProgramFactory(currency="CNY")
    told = filled(marketing.get(ADD, {"template": "overdue"}))
    assert told["stays_away_percent"] == "40"
    marketing.post(ADD, told)
    rule = SurpriseRule.objects.get()
    assert (rule.stays_away_percent, rule.purchases_min, rule.at_till) == (40, 3, False)
    marketing.post(change(rule), {**filled(marketing.get(change(rule))), "stays_away_percent": ""})
    rule.refresh_from_db()
    assert rule.stays_away_percent is None
    marketing.post(change(rule), {**told, "gives": "OFFER", "offer": rule.offer_id, "trigger": "BIRTHDAY"})
    rule.refresh_from_db()
    assert (rule.trigger, rule.stays_away_percent, rule.purchases_min) == (Trigger.BIRTHDAY, None, None)


@pytest.mark.parametrize(
    ("role", "address", "leads"),
    [
        (roles.MARKETING, "?is=drifting", True),
        (roles.MARKETING, "?is=staying_away", False),
        (roles.MARKETING, "", False),
        (roles.AUDITOR, "?is=drifting", False),
    ],
)
def test_who_drifts_away_leads_to_such_a_rule(sign_in, role, address, leads):
    page = sign_in(role).get(f"/admin/customers/rhythm/{address}")
    assert page.status_code in (200, 403)
    assert (f"{ADD}?template=overdue" in page.content.decode()) == leads


def test_activation_tells_what_the_domain_refuses(marketing):
    rule = SurpriseRuleFactory(activated_at=None, activated_by="", offer=OfferFactory(currency="EUR"), currency="CNY")
    assert "The rule is for CNY and its offer for EUR" in text_of(marketing.post(act(rule, "activate")))


def test_rule_ends_once(marketing):
    rule = SurpriseRuleFactory()
    marketing.post(act(rule, "end"))
    rule.refresh_from_db()
    assert rule.ended_at
    assert "End" not in [button["title"] for button in marketing.get(change(rule)).context["actions_detail"]]


@pytest.mark.parametrize(("role", "status"), [(roles.AUDITOR, 200), (roles.OWNER, 200), (roles.MARKETING, 403)])
def test_seed_is_shown_to_owner_and_auditor_only(sign_in, role, status):
    rule = TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=50, seed="5eed" * 8)
    client = sign_in(role)
    page = client.get(act(rule, "draws"))
    assert page.status_code == status
    assert (rule.seed in page.content.decode()) == (status == 200)
    assert rule.seed not in client.get(change(rule)).content.decode()


def test_auditor_sees_every_purchase_and_what_does_not_agree(sign_in, now):
    rule = TimetableRuleFactory(trigger=Trigger.RANDOM_DRAW, chance_percent=50)
    bought = [PurchaseFactory(customer=CustomerFactory(), purchased_at=now, total_minor=1) for _ in range(12)]
    surprises.look_over(clock=lambda: now, until=now + timedelta(days=1))
    client = sign_in(roles.AUDITOR)
    page = client.get(act(rule, "draws"), {"first": "2026-05-20", "last": "2026-05-20"})
    assert "Everything agrees Purchases: 12." in text_of(page)
    assert all(purchase.receipt_number in text_of(page) for purchase in bought)
    unlucky = next(
        one for one in bought
        if not surprises.is_drawn(seed=rule.seed, chance_percent=rule.chance_percent, lot=one.pk)
    )  # fmt: skip
    SurpriseDraw.objects.create(rule=rule, purchase=unlucky, outcome="COOLDOWN", decided_at=now)
    page = client.get(act(rule, "draws"), {"first": "2026-05-20", "last": "2026-05-20"})
    assert "1 purchase does not agree" in text_of(page)
    for first, last in (("x", "2026-05-20"), ("2026-05-21", "2026-05-20"), ("2020-01-01", "2026-05-20"), ("", "")):
        assert client.get(act(rule, "draws"), {"first": first, "last": last}).status_code == 200


def test_given_surprises_are_listed_with_their_cost(sign_in, now):
    TimetableRuleFactory(cost_minor=30)
    customer = CustomerFactory(birthday=now.date())
    surprises.look_over(clock=lambda: now, until=now + timedelta(days=1))
    page = text_of(sign_in(roles.AUDITOR).get("/admin/rewards/surprise/"))
    assert "30 points" in page
    assert "¥0.30" in page
    assert str(customer) in page


def test_rule_leads_to_the_words_of_its_mail(marketing):
    rule = SurpriseRuleFactory()
    assert act(rule, "mail_text") in marketing.get(change(rule)).text
    empty = marketing.get(act(rule, "mail_text")).url
    assert empty == f"/admin/rewards/gesturetext/add/?rule={rule.pk}"
    assert str(rule) in marketing.get(empty).text
    text = GestureText.objects.create(rule=rule, subject={"en": "Hi"})
    assert marketing.get(act(rule, "mail_text")).url == f"/admin/rewards/gesturetext/{text.pk}/change/"
