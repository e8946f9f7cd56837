"""What answers amount to: plain arithmetic, each formula with its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from rewards.domain import statistics
from rewards.domain.statistics import Interval

# A group with fewer answers is shown, but not ranked and not compared: with 30 an NPS is known to about ±27 points.
RANKED_FROM = 30


@dataclass(frozen=True, slots=True)
class Scale:
    """The scores that can be given, those that say something is wrong, those that say it is well."""

    scores: range
    low: range
    high: range


SCALES: Mapping[str, Scale] = {
    "NPS": Scale(range(11), low=range(7), high=range(9, 11)),
    "CSAT": Scale(range(1, 6), low=range(1, 3), high=range(4, 6)),
    "CES": Scale(range(1, 8), low=range(1, 4), high=range(5, 8)),
}
SCORES, DETRACTORS, PROMOTERS = SCALES["NPS"].scores, SCALES["NPS"].low, SCALES["NPS"].high


@dataclass(frozen=True, slots=True)
class Score:
    """What `n` answers to a scale come to: an NPS (−100 to 100), a CSAT (0 to 100, of 100 answers), a CES (1 to 7).

    `low` to `high` is its 95 % interval.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def is_ranked(self) -> bool:
        return self.n >= RANKED_FROM


@dataclass(frozen=True, slots=True)
class Rate:
    """`part` of `whole`; `share` is None when there is no whole."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Dispositions:
    """What became of those who were asked, each counted once; the words are AAPOR's.

    `complete` and `partial` answers (half of the questions or more, not sent), `broken_off` (fewer), `refused`
    (unsubscribed by the mail's link or complained of it), `silent` (it was delivered, nothing came back), `uncertain`
    (whether it was delivered is not known), `undelivered` (bounced or rejected).
    """

    complete: int = 0
    partial: int = 0
    broken_off: int = 0
    refused: int = 0
    silent: int = 0
    uncertain: int = 0
    undelivered: int = 0

    @property
    def asked(self) -> int:
        begun = self.complete + self.partial + self.broken_off
        return begun + self.refused + self.silent + self.uncertain + self.undelivered

    @property
    def response_rate_1(self) -> Rate:
        """AAPOR's RR1 = I / ((I + P) + (R + NC + O) + (UH + UO)), the least that the rate can be.

        R holds the break-offs too. UH and UO, whose eligibility is unknown, are here `uncertain` (code 3.19, nothing
        known of the invitation) and `undelivered` (3.30), so doubt never flatters the rate. Source: The American
        Association for Public Opinion Research, Standard Definitions: Final Dispositions of Case Codes and Outcome
        Rates for Surveys (2015), internet surveys of specifically named persons.
        """
        return Rate(self.complete, self.asked)

    @property
    def response_rate_2(self) -> Rate:
        """AAPOR's RR2 = (I + P) / the same denominator: partial answers count too."""
        return Rate(self.complete + self.partial, self.asked)


def score(kind: str, counts: Mapping[int, int]) -> Score | None:
    """Of a question of this kind, from how often each score was given. None without answers."""
    n, scale = sum(counts.values()), SCALES[kind]
    if n == 0:
        return None
    if kind == "CES":
        return ces(counts)
    high = sum(counts.get(score, 0) for score in scale.high)
    if kind == "CSAT":
        return csat(high, n)
    low = sum(counts.get(score, 0) for score in scale.low)
    return nps(high, n - high - low, low)


def nps(promoters: int, passives: int, detractors: int) -> Score | None:
    """The Net Promoter Score: 100 × (promoters − detractors) / n. None without answers.

    The interval is the adjusted Wald one: three imaginary answers (¾ promoter, 1½ passive, ¾ detractor) are added, and
    the interval is centered on what that gives, so it can be lopsided around the score itself. Source: B. Rocks,
    "Interval Estimation for the Net Promoter Score", The American Statistician 70 (2016), 365–372. How often it holds
    is measured in tests/surveys/domain/test_scoring_coverage.py.
    """
    n = promoters + passives + detractors
    if n == 0:
        return None
    adjusted = n + 3
    p, d = (promoters + 0.75) / adjusted, (detractors + 0.75) / adjusted
    margin = statistics.Z_95 * sqrt((p + d - (p - d) ** 2) / adjusted)
    return Score(
        value=100 * (promoters - detractors) / n,
        low=max(-100.0, 100 * (p - d - margin)),
        high=min(100.0, 100 * (p - d + margin)),
        n=n,
    )


def csat(satisfied: int, n: int) -> Score:
    """Customer satisfaction: of 100 answers those with 4 or 5, with Wilson's interval. ValueError without answers."""
    share = statistics.wilson(satisfied, n)
    return Score(100 * share.estimate, 100 * share.low, 100 * share.high, n)


def ces(counts: Mapping[int, int]) -> Score | None:
    """Customer effort: the mean of the scores 1 to 7, where 7 is least effort. None without answers.

    Student's t interval, kept on the scale. Where all said the same it would have no width; there it is as wide as what
    others could say whom n answers miss 39 of 40 times (a share of 1 − 0.025^(1/n), Clopper and Pearson's bound for
    none of n), on the far end of the scale.
    """
    n = sum(counts.values())
    if n == 0:
        return None
    least, most = SCALES["CES"].scores[0], SCALES["CES"].scores[-1]
    mean = sum(score * count for score, count in counts.items()) / n
    squares = sum(count * (score - mean) ** 2 for score, count in counts.items())
    if squares == 0:
        unseen = 1 - 0.025 ** (1 / n)
        return Score(mean, mean - unseen * (mean - least), mean + unseen * (most - mean), n)
    margin = statistics.quantile(0.975, n - 1) * sqrt(squares / (n - 1) / n)
    return Score(mean, max(float(least), mean - margin), min(float(most), mean + margin), n)


def difference(one: Score, other: Score) -> Interval:
    """Of two scores of the same kind from different answers, one − other.

    Made of the two intervals (the method of variance estimates recovery), so that it holds where these do; of two
    shares it is Newcombe's. Source: G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures:
    a general approach", Statistics in Medicine 27 (2008), 1693–1702.
    """
    found = one.value - other.value
    down = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    up = sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Interval(found, found - down, found + up)


def pooled(groups: Sequence[Mapping[int, int]]) -> dict[int, int]:
    """How often each score was given in all groups together."""
    together: dict[int, int] = {}
    for counts in groups:
        for score, count in counts.items():
            together[score] = together.get(score, 0) + count
    return together
