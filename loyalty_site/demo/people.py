"""Believable people for households that the data knows by number only; the same ones in every load."""

import json
import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from loyalty_site.demo.journey import DEMO_HOUSEHOLD, SEED
from loyalty_site.lib import codes

DEMO_CARD = "demo-customer"  # by which the direct sign-in finds its customer

_NAMES = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
_BANDS = {
    "19-24": (19, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65+": (65, 84),
}
# Numbers 555-0100 to 555-0199 of any area are kept for fiction: a hundred an area.
_AREAS = [
    *(201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215),
    *(216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240, 248),
]


@dataclass(frozen=True, slots=True)
class Person:
    household: int
    name: str
    number: str
    email: str
    phone: str
    birthday: date | None
    language: str
    allows_surveys: bool
    allows_marketing: bool
    likes: int

    @property
    def card(self) -> str:
        """What the import's `customer` column says."""
        return card(self.household)

    @property
    def cards(self) -> list[str]:
        return [self.card, DEMO_CARD] if self.household == DEMO_HOUSEHOLD else [self.card]


def card(household: int) -> str:
    return f"household-{household}"


def person(household: int, *, age_band: str | None, today: date) -> Person:
    """`age_band` as in the data (`25-34`); without one a birthday is made up or missing."""
    drawn = random.Random(f"{SEED}-{household}")  # noqa: S311 - a story, not a secret
    name, address, language = ("Grace Chen", "grace.chen", "en") if household == DEMO_HOUSEHOLD else _name(drawn)
    is_demo = household == DEMO_HOUSEHOLD
    return Person(
        household=household,
        name=name,
        number=_number(drawn),
        email=f"{address}@example.org" if is_demo else f"{address}{household}@example.org",
        phone=_phone(household) if drawn.random() < 0.6 or is_demo else "",
        birthday=_birthday(drawn, age_band, today),
        language=language,
        allows_surveys=drawn.random() < 0.85 or is_demo,
        allows_marketing=drawn.random() < 0.5 or is_demo,
        likes=3 if is_demo else drawn.choice([0, 0, 1, 2, 3]),
    )


def store_name(rank: int) -> str:
    """Of the store with the `rank`-th most visits, from 0."""
    quarter, place = divmod(rank, len(_NAMES["places"]))
    return f"{_NAMES['places'][place]} {_NAMES['quarters'][quarter]}".strip()


def _name(drawn: random.Random) -> tuple[str, str, str]:
    """Name, the part of the e-mail address before the number, and language."""
    given, family = drawn.choice(_NAMES["given"]), drawn.choice(_NAMES["family"])
    (characters, sounds), (sign, clan) = drawn.choice(_NAMES["chinese given"]), drawn.choice(_NAMES["chinese family"])
    kind = drawn.random()
    if kind < 0.18:
        return f"{sign}{characters}", f"{sounds}.{clan.lower()}", "zh-hans"
    if kind < 0.22:
        family = clan
    return f"{given} {family}", f"{given}.{family}".lower().replace("'", ""), "en"


def _number(drawn: random.Random) -> str:
    body = "".join(drawn.choice(codes.ALPHABET) for _ in range(7))
    return body + codes.check_symbol(body)


def _phone(household: int) -> str:
    area, line = divmod(household, 100)
    return f"+1{_AREAS[area]}55501{line:02}"


def _birthday(drawn: random.Random, age_band: str | None, today: date) -> date | None:
    first, last = _BANDS[age_band or drawn.choice(list(_BANDS))]
    days = drawn.randrange(int(first * 365.25) + 1, int((last + 1) * 365.25))
    return None if age_band is None and drawn.random() < 0.6 else today - timedelta(days=days)
