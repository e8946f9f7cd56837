import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_site.lib import codes

bodies = st.text(alphabet=codes.ALPHABET, min_size=1, max_size=20)


def test_alphabet_has_no_look_alikes_and_prime_size():
    assert len(set(codes.ALPHABET)) == 31
    assert not set("01ILO") & set(codes.ALPHABET)


@given(bodies)
def test_code_with_its_check_symbol_is_well_formed(body):
    assert codes.is_well_formed(body + codes.check_symbol(body))


@given(bodies, st.data())
def test_every_single_typing_error_is_found(body, data):
    code = body + codes.check_symbol(body)
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from([symbol for symbol in codes.ALPHABET if symbol != code[place]]))
    assert not codes.is_well_formed(code[:place] + wrong + code[place + 1 :])


@given(bodies)
def test_every_swap_of_different_neighbors_is_found(body):
    code = body + codes.check_symbol(body)
    for i in range(len(code) - 1):
        swapped = code[:i] + code[i + 1] + code[i] + code[i + 2 :]
        assert codes.is_well_formed(swapped) == (code[i] == code[i + 1])


def test_generate_makes_codes_of_the_length_with_the_start():
    made = {codes.generate(length=8, start="C") for _ in range(1000)}
    assert all(len(code) == 8 and code[0] == "C" and codes.is_well_formed(code) for code in made)
    assert len(made) > 990


@pytest.mark.parametrize("text", ["", "2", "O0IL", "C7K2-94QX", "c7k294qx", "2" * 31])
def test_odd_texts_are_not_well_formed(text):
    assert not codes.is_well_formed(text)


@pytest.mark.parametrize("typed", ["c7k2-94qx", " C7K2 94QX ", "C7K2–94QX", "c7k294qx", "C7K2_94.QX"])
def test_normalize_takes_what_people_type(typed):
    assert codes.normalize(typed) == "C7K294QX"


def test_grouped_shows_fours_and_keeps_the_prefix_whole():
    assert codes.grouped("C7K294QX") == "C7K2-94QX"
    assert codes.grouped("SUMMER" + "ABCD" * 3, body_length=12) == "SUMMER-ABCD-ABCD-ABCD"
    assert codes.grouped("ABCD" * 3, body_length=12) == "ABCD-ABCD-ABCD"


def test_check_symbols_are_spread_evenly():
    symbols = random.Random(7)
    counts = dict.fromkeys(codes.ALPHABET, 0)
    for _ in range(31_000):
        counts[codes.check_symbol("".join(symbols.choices(codes.ALPHABET, k=11)))] += 1
    chi_square = sum((count - 1000) ** 2 / 1000 for count in counts.values())
    assert chi_square < 59.7  # 99.9 % point of chi-square with 30 degrees of freedom
