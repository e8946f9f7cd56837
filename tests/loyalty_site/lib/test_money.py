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
