"""Codes made in sets. Every mistake of a million codes: LOYALTY_CODES=1000000."""

import os

import numpy as np
import pytest

from loyalty_site.lib import code_sets, codes

CODES = int(os.environ.get("LOYALTY_CODES", "10000"))


def test_a_million_codes_are_different_well_formed_and_fair():
    """Chi-square over the 31 symbols of the 11 random places, 330 degrees of freedom: beyond 460 comes once in 250,000
    runs of a fair alphabet, and a modulo without rejection lies in the thousands."""
    number, length = 1_000_000, 12
    drawn = code_sets.draw(count=number, body_length=length)
    bodies = code_sets.texts(drawn)
    assert len(set(bodies)) == number
    assert bodies == sorted(bodies)
    values = np.searchsorted(np.frombuffer(codes.ALPHABET.encode(), dtype=np.uint8), drawn)
    assert not (values @ np.arange(1, length + 1) % 31).any()
    counts = np.array([np.bincount(values[:, place], minlength=31) for place in range(length - 1)])
    expected = number / 31
    assert ((counts - expected) ** 2 / expected).sum() < 460
    assert all(codes.is_well_formed(body) for body in bodies[::1000])


def test_a_modulo_without_rejection_would_not_pass():
    values = np.frombuffer(np.random.default_rng(1).bytes(11_000_000), dtype=np.uint8) % 31
    expected = len(values) / 31
    assert ((np.bincount(values, minlength=31) - expected) ** 2 / expected).sum() > 460


@pytest.mark.parametrize("length", [8, 12, 24])
def test_sum_of_each_code_misses_no_wrong_character_and_no_swap_of_neighbors(length):
    """As `codes.is_well_formed` weighs, which the next test asks of fewer codes: the sum is 0 for a code that is right,
    and never for one that is wrong in one place, by each of 30 symbols, or in which two different neighbors stand the
    other way round."""
    drawn = code_sets.draw(count=CODES, body_length=length)
    values = np.searchsorted(np.frombuffer(codes.ALPHABET.encode(), dtype=np.uint8), drawn).astype(np.int64)
    total = values @ np.arange(1, length + 1)
    assert not (total % 31).any()
    for place in range(length):
        for off in range(1, 31):
            wrong = (values[:, place] + off) % 31
            assert ((total + (place + 1) * (wrong - values[:, place])) % 31).all()
    for place in range(length - 1):
        first, second = values[:, place], values[:, place + 1]
        swapped = total + (place + 1) * (second - first) + (place + 2) * (first - second)
        assert ((swapped % 31 == 0) == (first == second)).all()


@pytest.mark.parametrize("length", [8, 12, 24])
def test_each_wrong_character_and_each_swap_of_neighbors_is_found(length):
    for body in code_sets.texts(code_sets.draw(count=50, body_length=length)):
        for place, right in enumerate(body):
            wrong = (symbol for symbol in codes.ALPHABET if symbol != right)
            assert not any(codes.is_well_formed(body[:place] + symbol + body[place + 1 :]) for symbol in wrong)
        for place in range(length - 1):
            first, second = body[place : place + 2]
            if first != second:
                assert not codes.is_well_formed(body[:place] + second + first + body[place + 2 :])


def test_of_any_other_mistake_one_in_31_passes():
    bodies = code_sets.texts(code_sets.draw(count=31_000, body_length=12))
    passed = sum(codes.is_well_formed(one[:6] + other[6:]) for one, other in zip(bodies, bodies[::-1], strict=True))
    assert 850 < passed < 1150  # 1000, six deviations


def test_taken_bodies_are_drawn_again():
    drawn = code_sets.draw(count=100, body_length=8)
    taken = [body.encode() for body in code_sets.texts(drawn)[:40]]
    again = code_sets.texts(code_sets.replaced(drawn, taken))
    assert len(set(again)) == 100
    assert not {body.decode() for body in taken} & set(again)
    assert set(code_sets.texts(drawn)[40:]) < set(again)


def test_lines_are_numbered():
    drawn = np.frombuffer(b"ABCDEFGH", dtype=np.uint8).reshape(2, 4)
    lines = code_sets.numbered_lines(drawn, before="P", between=":", first=9, width=3, after="!\n")
    assert lines == b"PABCD:009!\nPEFGH:010!\n"
