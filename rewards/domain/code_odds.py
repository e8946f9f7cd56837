"""How long somebody who tries codes would need to find one. Only arithmetic."""

from math import log2

SYMBOLS = 31
HOURS_A_YEAR = 365.25 * 24


def bits(*, body_length: int) -> float:
    """Of chance in a code; its last symbol checks the others and adds none."""
    return (body_length - 1) * log2(SYMBOLS)


def years_to_find(*, body_length: int, live_codes: int, guesses_per_hour: int) -> float:
    """Years until the first hit, on average, of who knows the prefix and makes the check symbol themselves."""
    guesses: float = SYMBOLS ** (body_length - 1) / max(live_codes, 1)
    return guesses / guesses_per_hour / HOURS_A_YEAR
