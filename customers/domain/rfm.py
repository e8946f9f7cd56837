"""Recency, frequency and money: scores by rank, and the groups they make. No Django, no clock.

A score says in which fifth of the customers who bought in the last 365 days somebody is: 5 is the latest, most often or
most. Who is equal has the same score, that of the middle of their ranks. The groups are those of the common 5 × 5 map:
recency across; down, the mean of frequency and money.
"""

from collections.abc import Iterator, Sequence

SCORES = range(1, 6)

# By `volume` (frequency and money together), then by recency from 1 to 5.
GRID: dict[int, tuple[str, str, str, str, str]] = {
    5: ("CANNOT_LOSE", "CANNOT_LOSE", "LOYAL", "LOYAL", "CHAMPIONS"),
    4: ("AT_RISK", "AT_RISK", "LOYAL", "LOYAL", "CHAMPIONS"),
    3: ("AT_RISK", "AT_RISK", "NEED_ATTENTION", "POTENTIAL", "POTENTIAL"),
    2: ("HIBERNATING", "HIBERNATING", "ABOUT_TO_SLEEP", "POTENTIAL", "POTENTIAL"),
    1: ("HIBERNATING", "HIBERNATING", "ABOUT_TO_SLEEP", "PROMISING", "NEW"),
}
LOST = "LOST"


def score(value: float, everybody: Sequence[float]) -> int:
    """The fifth that `value` is in among `everybody`, of whom it is one."""
    below = sum(other < value for other in everybody)
    equal = sum(other == value for other in everybody)
    return 5 * (2 * below + equal) // (2 * len(everybody)) + 1


def volume(frequency: int, monetary: int) -> int:
    """The mean of both scores, halves up."""
    return (frequency + monetary + 1) // 2


def group(recency: int, volume: int) -> str:
    return GRID[volume][recency - 1]


def cells() -> Iterator[tuple[int, int, str]]:
    """(volume, recency, group), the highest volume first, as the map is drawn."""
    for high, groups in GRID.items():
        for recency, name in zip(SCORES, groups, strict=True):
            yield high, recency, name
