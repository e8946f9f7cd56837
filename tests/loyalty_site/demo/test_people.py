from datetime import date

import phonenumbers
import pytest

from loyalty_site.demo import journey, people
from loyalty_site.lib import codes

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def everybody():
    bands = journey.age_bands()
    return [people.person(n, age_band=bands.get(n), today=TODAY) for n in journey.households(None)]


def test_everybody_can_be_told_apart(everybody):
    for each in ("number", "email", "card"):
        assert len({getattr(person, each) for person in everybody}) == len(everybody)


def test_numbers_are_well_formed_and_addresses_go_nowhere(everybody):
    assert all(codes.is_well_formed(person.number) for person in everybody)
    assert all(person.email.isascii() and person.email.endswith("@example.org") for person in everybody)


def test_phones_are_unique_valid_and_fictional(everybody):
    phones = [person.phone for person in everybody if person.phone]

    assert 1200 < len(phones) == len(set(phones))
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)
    assert {phone[5:10] for phone in phones} == {"55501"}


def test_a_share_writes_chinese(everybody):
    chinese = [person for person in everybody if person.language == "zh-hans"]

    assert 0.15 < len(chinese) / len(everybody) < 0.22
    assert all(not person.name.isascii() for person in chinese)


@pytest.mark.parametrize(("band", "ages"), [("19-24", range(19, 25)), ("45-54", range(45, 55)), ("65+", range(65, 85))])
def test_birthdays_fit_the_age_band(band, ages):
    for household in range(1, 200):
        born = people.person(household, age_band=band, today=TODAY).birthday
        age = TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))
        assert age in ages


def test_person_is_the_same_in_every_load():
    person, again = (people.person(journey.DEMO_HOUSEHOLD, age_band="25-34", today=TODAY) for _ in range(2))

    assert person == again
    assert (person.name, person.email) == ("Grace Chen", "grace.chen@example.org")
    assert person.allows_surveys
    assert person.allows_marketing


def test_stores_have_different_names():
    names = [people.store_name(rank) for rank in range(len(journey.stores()))]

    assert names[0] == "Riverside"
    assert len(set(names)) == len(names)
