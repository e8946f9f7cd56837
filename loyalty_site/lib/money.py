"""Money is an integer of minor units with its currency (ISO 4217)."""

import re
import unicodedata
from decimal import Decimal

from django.utils.formats import get_format, number_format
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
_TYPED_MAX = 20
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


def parse(text: str, currency: str) -> int:
    """What a person typed in the active language's format, as minor units: `1,234.5`, `¥12.50`, `12.50 CNY`.

    Raises ValueError for anything that two people could read as two amounts: `12,50` is 1250 nowhere.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    for mark in (_SYMBOLS.get(currency), currency):
        if mark:
            plain = plain.removeprefix(unicodedata.normalize("NFKC", mark)).removesuffix(mark).strip()
    point, comma = (re.escape(str(get_format(name))) for name in ("DECIMAL_SEPARATOR", "THOUSAND_SEPARATOR"))
    whole = rf"[0-9]+|[0-9]{{1,3}}(?:{comma}[0-9]{{3}})+"
    is_raised = any(
        unicodedata.category(symbol) == "No" for symbol in text
    )  # ², ½: digits that stand for something else
    if is_raised or len(plain) > _TYPED_MAX or not re.fullmatch(rf"(?:{whole})(?:{point}[0-9]*)?|{point}[0-9]+", plain):
        raise ValueError("this is not an amount")
    digits_only = re.sub(comma, "", plain).replace(str(get_format("DECIMAL_SEPARATOR")), ".")
    return to_minor(Decimal(digits_only), currency)


def format_plain(amount_minor: int, currency: str) -> str:
    """As a person would type it, for a field: `1234.50`."""
    return str(number_format(to_decimal(amount_minor, currency), decimal_pos=digits(currency), use_l10n=True)).replace(
        str(get_format("THOUSAND_SEPARATOR")), ""
    )


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
