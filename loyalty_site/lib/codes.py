"""Codes that people type: customer numbers, coupon codes, pick-up codes.

The alphabet leaves out 0, 1, I, L and O. Its 31 symbols are a prime number, so a sum modulo 31 with the weights
1, 2, 3, … finds every single wrong character and every swap of two different neighbors, for codes shorter than 31
characters: the last character of a code makes that sum zero. Codes are kept without separators and shown in groups
of four.
"""

import re
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_INVERSE = [0] + [pow(n, -1, 31) for n in range(1, 31)]


def generate(*, length: int, start: str = "") -> str:
    """A random code of `length` symbols: `start`, random symbols (4.95 bits each), check symbol."""
    body = start + "".join(secrets.choice(ALPHABET) for _ in range(length - len(start) - 1))
    return body + check_symbol(body)


def check_symbol(body: str) -> str:
    """The symbol that makes the weighted sum of `body` + symbol divisible by 31."""
    total = sum(weight * _VALUE[symbol] for weight, symbol in enumerate(body, start=1))
    return ALPHABET[-total * _INVERSE[len(body) + 1] % 31]


def is_well_formed(code: str) -> bool:
    """True when a normalized code's check symbol is right, so that a typing error is told from a wrong code."""
    if len(code) < 2 or len(code) > 30 or any(symbol not in _VALUE for symbol in code):
        return False
    return check_symbol(code[:-1]) == code[-1]


def normalize(text: str) -> str:
    """What a person typed or scanned, in capitals and without spaces and dashes."""
    return re.sub(r"[\s\-–—_.]+", "", text).upper()


def grouped(code: str, *, body_length: int | None = None) -> str:
    """For people: `MOON4T7KQXAB` → `MOON-4T7K-QXAB`. What stands before the last `body_length` symbols is one group."""
    body = code if body_length is None else code[-body_length:]
    groups = [body[i : i + 4] for i in range(0, len(body), 4)]
    prefix = code[: len(code) - len(body)]
    return "-".join(([prefix] if prefix else []) + groups)
