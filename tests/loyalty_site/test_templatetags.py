"""Points, money, dates, QR codes and icons as people see them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from loyalty_site.templatetags import loyalty


def render(source, **context):
    return Template("{% load loyalty %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 points"), (1, "1 point"), (-1, "−1 point"), (1234, "1,234 points"), (-1234567, "−1,234,567 points")],
)
def test_points_counts_in_words(number, text):
    assert render("{{ n|points }}", n=number) == text


@pytest.mark.parametrize(("number", "text"), [(120, "+120"), (-1040, "−1,040"), (0, "0")])
def test_signed_shows_the_direction(number, text):
    assert render("{{ n|signed }}", n=number) == text


def test_grouped_groups_by_three_in_chinese():
    with translation.override("zh-hans"):
        assert render("{{ n|grouped }}", n=1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (1250, "CNY", "¥12.50"),
        (-123456, "USD", "−$1,234.56"),
        (1250, "JPY", "¥1,250"),
        (1234000, "KWD", "1,234.000 KWD"),
        (0, "EUR", "€0.00"),
    ],
)
def test_money_has_the_digits_of_its_currency(amount_minor, currency, text):
    assert render("{{ amount|money:currency }}", amount=amount_minor, currency=currency) == text


def test_money_groups_by_three_in_chinese():
    with translation.override("zh-hans"):
        assert render('{{ amount|money:"CNY" }}', amount=1234567) == "¥12,345.67"


def test_minus_subtracts():
    assert render("{{ cost|minus:balance|points }}", cost=2000, balance=1809) == "191 points"


def test_localized_prefers_the_readers_language():
    text = {"en": "Coffee", "zh-hans": "咖啡"}
    with translation.override("zh-hans"):
        assert render("{{ text|localized }}", text=text) == "咖啡"
    with translation.override("en"):
        assert render("{{ text|localized }}", text=text) == "Coffee"


@pytest.mark.parametrize(
    ("ends_at", "day"),
    [
        (datetime(2026, 11, 30, 16, 0, tzinfo=UTC), date(2026, 11, 30)),  # midnight in Shanghai
        (datetime(2026, 11, 30, 16, 0, 1, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2026, 12, 31)),
    ],
)
def test_last_day_counts_midnight_to_the_day_before(ends_at, day):
    with timezone.override(ZoneInfo("Asia/Shanghai")):
        assert loyalty.last_day(ends_at) == day


def test_qr_says_its_title_and_escapes_it():
    html = render("{% qr text title %}", text="<script>", title='"><script>')
    assert html.startswith('<span class="qr" role="img" aria-label="&quot;&gt;&lt;script&gt;"><svg viewBox=')
    assert "<script" not in html


def test_qr_without_title_is_hidden_from_screen_readers():
    assert render('{% qr "C7K294QX" %}').startswith('<span class="qr" aria-hidden="true"><svg')


def test_qr_is_dark_on_white_with_four_modules_around():
    html = render('{% qr "C7K294QX" %}')
    assert '<svg viewBox="0 0 29 29"' in html  # 21 modules of the smallest code + 2 * 4
    assert '<path fill="#fff" d="M0 0h29v29h-29z"/>' in html
    assert 'stroke="#000" d="M4 4.5h7' in html


def test_icon_points_into_the_sprite():
    assert render('{% icon "gift" %}') == (
        '<svg class="icon" aria-hidden="true" focusable="false">'
        '<use href="/static/vendor/bootstrap-icons-1.13.2/sprite.svg#gift"/></svg>'
    )


@pytest.mark.parametrize(
    ("phone", "email", "shown"),
    [
        ("+12025550123", "mia@example.org", "•••• 0123"),
        ("", "mia@example.org", "m•••@example.org"),
        ("", "", ""),
        (None, "", ""),
    ],
)
def test_masked_shows_enough_to_tell_two_apart(phone, email, shown):
    assert loyalty.masked(phone, email) == shown
