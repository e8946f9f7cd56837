"""Marketing's words for the mails that tell of surprises."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from loyalty_site import roles
from rewards.models import GestureText
from tests.factories.customers import UserFactory
from tests.factories.rewards import SurpriseRuleFactory

pytestmark = pytest.mark.django_db
ADD, PREVIEW = reverse("admin:rewards_gesturetext_add"), reverse("admin:rewards_gesturetext_preview")


@pytest.fixture
def rule():
    return SurpriseRuleFactory(offer__title={"en": "Tea & cake", "zh-hans": "下午茶"})


@pytest.fixture
def staff(client):
    roles.sync()

    def sign_in(role):
        member = UserFactory(password=None)
        member.groups.add(Group.objects.get(name=role))
        client.force_login(member)
        return client

    return sign_in


def typed(rule, subject="", body="", chinese=""):
    return {"rule": rule.pk, "subject_en": subject, "body_en": body, "body_zh-hans": chinese}


def test_words_are_kept_and_the_page_shows_a_phone(staff, rule):
    marketing = staff(roles.MARKETING)
    assert f'data-mail-preview="{PREVIEW}"' in marketing.get(ADD).text
    marketing.post(ADD, typed(rule, "For {first_name}", "Come\nby", "{coupon_title}"))
    kept = GestureText.objects.get()
    assert (kept.subject, kept.body) == ({"en": "For {first_name}"}, {"en": "Come\nby", "zh-hans": "{coupon_title}"})


@pytest.mark.parametrize("wrong", ["{points}", "{surname}", "{first_name"])
def test_unknown_placeholder_is_refused_and_told_what_there_is(staff, rule, wrong):
    page = staff(roles.MARKETING).post(ADD, typed(rule, body=wrong))
    assert "{first_name} {program} {coupon_title} {code} {expires_on}" in page.text
    assert not GestureText.objects.exists()
    told = staff(roles.MARKETING).post(PREVIEW, typed(rule, body=wrong)).json()
    assert "{coupon_title}" in told["problem"]


def test_preview_is_in_both_languages_with_our_own_words_where_there_are_none(staff, rule):
    mails = staff(roles.MARKETING).post(PREVIEW, typed(rule, "Hi {first_name} <b>")).json()["mails"]
    assert "<h1" in mails["en"]
    assert "Hi Mei &lt;b&gt;" in mails["en"]
    assert "Tea &amp; cake" in mails["en"]
    assert "小梅，您好！" in mails["zh-hans"]
    assert "下午茶" in mails["zh-hans"]


def test_preview_of_points_and_of_nothing_yet(staff):
    marketing = staff(roles.MARKETING)
    rule = SurpriseRuleFactory(offer=None, points=50)
    assert "50 points for you" in marketing.post(PREVIEW, typed(rule)).json()["mails"]["en"]
    assert marketing.post(PREVIEW, {}).json()["mails"]["en"]


def test_preview_of_words_that_a_rule_has_already_is_of_that_rule(staff, rule):
    GestureText.objects.create(rule=rule, subject={"en": "Hi"}, body={})
    assert "Tea &amp; cake" in staff(roles.MARKETING).post(PREVIEW, typed(rule, "Hi")).json()["mails"]["en"]


@pytest.mark.parametrize("role", [roles.AUDITOR, roles.STORE_MANAGER, roles.CASHIER])
def test_others_write_no_mails(staff, rule, role):
    others = staff(role)
    assert others.post(ADD, typed(rule, "Hello")).status_code in (302, 403, 404)
    assert others.post(PREVIEW, typed(rule, "Hello")).status_code in (302, 403, 404)
    assert not GestureText.objects.exists()
