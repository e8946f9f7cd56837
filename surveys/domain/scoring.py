"""What answers amount to: plain arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

SCORES = range(11)
DETRACTORS = range(7)
PROMOTERS = range(9, 11)
Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Nps:
    """Net Promoter Score, −100 to 100, with its 95 % interval; `n` answers."""

    score: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole`; `share` is None when there is no whole."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole else None


def nps(promoters: int, passives: int, detractors: int) -> Nps | None:
    """None without answers.

    The interval is the adjusted Wald one: three imaginary answers (¾ promoter, 1½ passive, ¾ detractor) are added, and
    the interval is centered on what that gives, so it can be lopsided around the score itself. Source: B. Rocks,
    "Interval Estimation for the Net Promoter Score", The American Statistician 70 (2016), 365–372.
    """
    n = promoters + passives + detractors
    if n == 0:
        return None
    adjusted = n + 3
    p, d = (promoters + 0.75) / adjusted, (detractors + 0.75) / adjusted
    margin = Z_95 * sqrt((p + d - (p - d) ** 2) / adjusted)
    return Nps(
        score=100 * (promoters - detractors) / n,
        low=max(-100.0, 100 * (p - d - margin)),
        high=min(100.0, 100 * (p - d + margin)),
        n=n,
    )


def nps_of(counts: Sequence[int]) -> Nps | None:
    """From how often each score from 0 to 10 was given."""
    promoters, detractors = (sum(counts[score] for score in group) for group in (PROMOTERS, DETRACTORS))
    return nps(promoters, sum(counts) - promoters - detractors, detractors)


def response_rate(*, answered: int, accepted: int, uncertain: int) -> Rate:
    """AAPOR's response rate 1: complete answers among everybody who was or may have been reached.

    Mails that may have arrived (`uncertain`) count as asked, so the rate is never flattered. Source: AAPOR, Standard
    Definitions, internet surveys of specifically named persons.
    """
    return Rate(part=answered, whole=accepted + uncertain)
