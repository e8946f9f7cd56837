"""Pieces of customer pages, where the markup is what a machine reads: scales, meters, tickets."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import css_inline
import pytest
from django import forms
from django.template import Context, Template
from django.template.loader import render_to_string

from customers.models import Customer
from rewards.domain.catalogue import Shown
from rewards.models import Coupon, Offer, Reward


class ScoreForm(forms.Form):
    score = forms.ChoiceField(
        label="How likely?", choices=[(str(n), str(n)) for n in range(11)], widget=forms.RadioSelect
    )


def hero(**summary):
    shown = SimpleNamespace(balance=1809, available=1709, pending=0, expiring=()).__dict__ | summary
    reward = Reward(name={"en": "Pan"}, cost_points=4200)
    customer = Customer(number="C7K294QX", name="Maya <Chen>")
    context = {"summary": shown, "customer": customer, "next_reward": reward}
    return render_to_string("components/balance_hero.html", context)


def test_hero_names_balance_goal_and_card():
    html = hero()
    assert "<b>1,809</b> <span>points</span>" in html
    assert "Only 2,491 points to go for: Pan" in html
    assert '<span class="code">C7K2-94QX</span>' in html
    assert "Good to see you, Maya &lt;Chen&gt;" in html


def test_hero_meter_takes_plain_numbers():
    assert re.search(r'<progress [^>]*value="1709" max="4200">', hero())


def test_hero_names_the_last_day_of_what_lapses_first():
    html = hero(expiring=((120, datetime(2026, 12, 1, tzinfo=UTC)),), pending=1)
    assert "120 points to use by Nov. 30, 2026" in html
    assert "1 point you can spend soon" in html


def test_scale_has_a_labeled_radio_for_every_score():
    html = render_to_string("components/nps_scale.html", {"field": ScoreForm()["score"]})
    inputs = re.findall(r'<label for="(\w+)"><input type="radio" name="score" value="(\d+)" id="(\w+)"', html)
    assert inputs == [(f"id_score_{n}", str(n), f"id_score_{n}") for n in range(11)]


def test_scale_ties_its_error_to_the_group():
    html = render_to_string("components/nps_scale.html", {"field": ScoreForm({})["score"]})
    assert '<fieldset class="question" id="question-score" aria-describedby="id_score_error">' in html
    assert '<div class="invalid-feedback" id="id_score_error"><div>This field is required.</div></div>' in html


def coupon(**values):
    offer = Offer(title={"en": "¥20 off"}, min_spend_minor=10000, currency="CNY")
    return Coupon(offer=offer, code="MOON4T7KQXABCDEF", expires_at=datetime(2026, 12, 1, tzinfo=UTC), **values)


def test_ticket_shows_code_terms_and_last_day():
    html = render_to_string("components/coupon_ticket.html", {"coupon": coupon()})
    assert '<span class="code">MOON-4T7K-QXAB-CDEF</span>' in html
    assert "For purchases from ¥100.00" in html
    assert "Good until Nov. 30, 2026" in html


def test_used_ticket_hides_its_code():
    used = coupon(state="REDEEMED")
    used.redeemed_at = datetime(2026, 11, 23, tzinfo=UTC)
    html = render_to_string("components/coupon_ticket.html", {"coupon": used, "used": True})
    assert "Used on Nov. 23, 2026" in html
    assert "4T7K" not in html


@pytest.mark.parametrize(
    ("stock", "missing", "limit_reached", "text"),
    [
        (None, 0, False, 'href="/rewards/1003/"'),
        (3, 0, False, 'href="/rewards/1003/"'),
        (3, 2391, False, "2,391 points to go"),
        (0, 0, False, "All gone for now"),
        (3, 2391, True, "You have taken this already"),
    ],
)
def test_reward_card_offers_what_is_possible(stock, missing, limit_reached, text):
    reward = Reward(pk=1003, name={"en": "Pan"}, cost_points=4200, stock=stock)
    shown = Shown(reward=reward, missing=missing, limit_reached=limit_reached)
    html = render_to_string("components/reward_card.html", {"reward": reward, "shown": shown})
    offers = ['href="/rewards/1003/"', "2,391 points to go", "All gone for now", "You have taken this already"]
    assert [offer for offer in offers if offer in html] == [text]
    assert ("3 left" in html) == (stock == 3 and not limit_reached)
    assert ('value="1809" max="4200"' in html) == (text == "2,391 points to go")


def mail(kind):
    child = f'{{% extends "emails/base.{kind}" %}}{{% block content %}}Dear {{{{ name }}}}{{% endblock %}}'
    context = {
        "program": {"name": "Tom & Co"},
        "name": "Maya <Chen>",
        "unsubscribe_url": "https://example.org/u?a=1&b=2",
    }
    return Template(child).render(Context(context))


def test_mail_text_is_not_escaped():
    text = mail("txt")
    assert text.startswith("Tom & Co\n\nDear Maya <Chen>\n")
    assert "\nStop these mails: https://example.org/u?a=1&b=2\n" in text


def test_mail_keeps_dark_mode_and_safe_names_after_inlining():
    html = css_inline.CSSInliner(keep_style_tags=True).inline(mail("html"))
    assert "Dear Maya &lt;Chen&gt;" in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert re.search(r'<td class="text panel" style="[^"]*background-color: #ffffff', html)
