"""Money is an integer of minor units with its currency (ISO 4217)."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language

# Minor-unit digits that are not 2, from ISO 4217 (currencies in use, 2026).
_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_SYMBOLS = {"CNY": "¥", "EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "KRW": "₩", "INR": "₹"}


def digits(currency: str) -> int:
    """How many digits stand after the point: 2 for CNY, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    """1250, "CNY" → Decimal("12.50")."""
    return Decimal(amount_minor).scaleb(-digits(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """Decimal("12.50"), "CNY" → 1250. Raises ValueError when the amount is finer than the minor unit."""
    minor = amount.scaleb(digits(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} is finer than the smallest unit of {currency}")
    return int(minor)


def format_money(amount_minor: int, currency: str) -> str:
    """For people, in the active language: `¥12.50`, `$1,234.00`, `1,234.000 KWD`."""
    number = number_format(
        abs(to_decimal(amount_minor, currency)), decimal_pos=digits(currency), use_l10n=True, force_grouping=True
    )
    sign = "−" if amount_minor < 0 else ""
    symbol = _SYMBOLS.get(currency)
    if symbol is None or (currency == "JPY" and (get_language() or "").startswith("zh")):
        return f"{sign}{number} {currency}"
    return f"{sign}{symbol}{number}"
