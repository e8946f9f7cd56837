from decimal import Decimal

import pytest
from django.utils import translation

from loyalty_site.lib import money


@pytest.mark.parametrize(("currency", "digits"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("EUR", 2)])
def test_digits_follow_the_currency(currency, digits):
    assert money.digits(currency) == digits


def test_to_minor_and_back_is_exact():
    assert money.to_minor(Decimal("12.50"), "CNY") == 1250
    assert money.to_minor(Decimal("-3"), "JPY") == -3
    assert money.to_decimal(1250, "KWD") == Decimal("1.250")


def test_to_minor_refuses_what_is_finer_than_the_smallest_unit():
    with pytest.raises(ValueError, match="finer than the smallest unit of CNY"):
        money.to_minor(Decimal("0.001"), "CNY")


@pytest.mark.parametrize(
    ("amount", "currency", "language", "shown"),
    [
        (1250, "CNY", "en", "¥12.50"),
        (123450000, "USD", "en", "$1,234,500.00"),
        (-5, "EUR", "en", "−€0.05"),
        (1500, "JPY", "en", "¥1,500"),
        (1500, "JPY", "zh-hans", "1,500 JPY"),
        (1234000, "KWD", "en", "1,234.000 KWD"),
        (1250, "CNY", "zh-hans", "¥12.50"),
    ],
)
def test_format_money_speaks_to_people(amount, currency, language, shown):
    with translation.override(language):
        assert money.format_money(amount, currency) == shown


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.5", "CNY", 1250),
        (" 1,234.50 ", "CNY", 123450),
        ("¥12.50", "CNY", 1250),
        ("￥１２．５０", "CNY", 1250),
        ("12.50 CNY", "CNY", 1250),
        ("$3", "USD", 300),
        (".5", "EUR", 50),
        ("7.", "EUR", 700),
        ("1,500", "JPY", 1500),
        ("0.125", "KWD", 125),
        ("0", "CNY", 0),
    ],
)
def test_parse_reads_what_people_type(text, currency, minor):
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12,50",
        "1,2345",
        "1.2.3",
        "-1",
        "+1",
        "1e3",
        "NaN",
        "½",
        "²",
        "1 2",
        "1\0",
        "$5",
        "0.001",
        "9" * 21,
        "٣",
    ],
)
def test_parse_refuses_what_two_people_could_read_as_two_amounts(text):
    with pytest.raises(ValueError):
        money.parse(text, "CNY")


@pytest.mark.parametrize(
    ("amount", "currency", "typed"), [(123450, "CNY", "1234.50"), (1500, "JPY", "1500"), (125, "KWD", "0.125")]
)
def test_format_plain_is_read_back(amount, currency, typed):
    assert money.format_plain(amount, currency) == typed
    assert money.parse(typed, currency) == amount
