"""How often customers will come, and for how much: BG/NBD and Gamma-Gamma. Numpy, no Django, no clock.

P. Fader, B. Hardie, K. L. Lee, “Counting Your Customers” the Easy Way, Marketing Science 24 (2005); P. Fader,
B. Hardie, The Gamma-Gamma Model of Monetary Value (2013). Customers come at a rate of their own until, after a
purchase, they stop for good; rates are Gamma(r, alpha) over customers and the chances of stopping Beta(a, b). Times are
in weeks, and a repeat is a day with a purchase after the first one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lgamma
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PENALTY = 1e-5  # on log parameters: keeps few customers from running away; CDNOW does not feel it
_VISITS_MAX = 400  # in a horizon: more than one a day is none


@dataclass(frozen=True, slots=True)
class Histories:
    """One row for each kind of history: `repeats`, the week of the last one, weeks since the first purchase, and how
    many customers have it."""

    repeats: Array
    last_week: Array
    weeks: Array
    customers: Array


@dataclass(frozen=True, slots=True)
class Visits:
    """BG/NBD with its four parameters."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, seen: Histories) -> float:
        return float(seen.customers @ _log_likelihoods((self.r, self.alpha, self.a, self.b), seen))

    def alive(self, seen: Histories) -> Array:
        """The chance that a customer has not stopped. One-time buyers have 1: never rank by it."""
        ratio = np.log((self.alpha + seen.weeks) / (self.alpha + seen.last_week))
        odds = np.log(self.a) - np.log(self.b + np.maximum(seen.repeats, 1) - 1) + (self.r + seen.repeats) * ratio
        gone = np.where(seen.repeats > 0, np.exp(np.minimum(odds, 700)), 0.0)
        chance: Array = 1 / (1 + gone)
        return chance

    def ahead(self, seen: Histories, *, weeks: float, share: float) -> "Ahead":
        """What `weeks` from now bring: while somebody is there, the visits at a rate Gamma(r + x, alpha + T) are
        negative binomial, and each but the last was survived, with a chance Beta(a, b + x)."""
        shape, chance = self.r + seen.repeats, weeks / (self.alpha + seen.weeks + weeks)
        point = (1 - chance) ** shape
        above = 1 - point  # of k visits or more, were nobody to stop
        stays = np.ones_like(point)
        alive = self.alive(seen)
        expected, low, high = (np.zeros_like(point) for _ in range(3))
        side = (1 - share) / 2
        for k in range(1, _VISITS_MAX + 1):
            reaches = alive * above * stays
            if float(reaches.max(initial=0.0)) < 1e-9:
                break
            expected += reaches
            low += reaches > 1 - side
            high += reaches > side
            point = point * (shape + k - 1) / k * chance
            above = np.maximum(above - point, 0)
            stays = stays * (self.b + seen.repeats + k - 1) / (self.a + self.b + seen.repeats + k - 1)
        return Ahead(expected, low, high)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Expected visits, and the least and the most of them in the middle share of cases."""

    expected: Array
    low: Array
    high: Array


def fit_visits(seen: Histories) -> Visits:
    """The parameters under which these histories are likeliest."""
    total = float(seen.customers.sum())

    def badness(logs: Array) -> float:
        told = float(seen.customers @ _log_likelihoods(tuple(np.exp(logs)), seen)) / total
        return -told + _PENALTY / total * float(logs @ logs)

    return Visits(*map(float, np.exp(_minimized(badness, np.zeros(4)))))


def _log_likelihoods(parameters: Sequence[float], seen: Histories) -> Array:
    r, alpha, a, b = parameters
    most = int(seen.repeats.max(initial=0))
    steps = np.arange(most)
    rising = np.concatenate([[0.0], np.cumsum(np.log(r + steps))])  # ln Γ(r + x) − ln Γ(r)
    staying = np.concatenate([[0.0], np.cumsum(np.log((b + steps) / (a + b + steps)))])  # ln B(a, b + x) − ln B(a, b)
    x = seen.repeats.astype(int)
    there = -(r + seen.repeats) * np.log(alpha + seen.weeks)
    gone = np.where(
        x > 0,
        np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + seen.repeats) * np.log(alpha + seen.last_week),
        -np.inf,
    )
    told: Array = rising[x] + staying[x] + r * np.log(alpha) + np.logaddexp(there, gone)
    return told


@dataclass(frozen=True, slots=True)
class Spends:
    """Gamma-Gamma: what a visit is worth to whom, whatever their number of visits."""

    p: float
    q: float
    gamma: float

    def expected(self, visits: Array, mean: Array) -> Array:
        """Of the next visit of customers whose `visits` so far were worth `mean` each: near everybody's for who came
        once, near their own for who came often. `q` is above 1 (see `fit_spends`)."""
        value: Array = self.p * (self.gamma + visits * mean) / (self.p * visits + self.q - 1)
        return value


def fit_spends(visits: Array, mean: Array) -> Spends:
    """From customers with visits that were worth something, each with their number and mean."""
    unit = float(np.median(mean))
    counts, scaled = np.unique(visits), mean / unit
    where = np.searchsorted(counts, visits)

    def badness(logs: Array) -> float:
        p, q, gamma = float(np.exp(logs[0])), 1 + float(np.exp(logs[1])), float(np.exp(logs[2]))
        factors = np.array([lgamma(p * n + q) - lgamma(p * n) for n in counts])[where] - lgamma(q)
        told = (
            factors
            + q * np.log(gamma)
            + (p * visits - 1) * np.log(scaled)
            + p * visits * np.log(visits)
            - (p * visits + q) * np.log(gamma + visits * scaled)
        )
        return -float(told.mean()) + _PENALTY / len(mean) * float(logs @ logs)

    logs = _minimized(badness, np.zeros(3))
    return Spends(float(np.exp(logs[0])), 1 + float(np.exp(logs[1])), float(np.exp(logs[2])) * unit)


def _minimized(badness: Callable[[Array], float], start: Array) -> Array:
    """J. Nelder, R. Mead, A simplex method for function minimization (1965)."""
    size = len(start)
    points = [start, *(start + 0.5 * np.eye(size)[n] for n in range(size))]
    corners: list[tuple[float, Any]] = [(badness(point), point) for point in points]
    for _ in range(400 * size):
        corners.sort(key=lambda corner: corner[0])
        (best, _first), (worst, far) = corners[0], corners[-1]
        if worst - best < 1e-10 and float(np.ptp([point for _value, point in corners], axis=0).max()) < 1e-5:
            break
        middle = np.mean([point for _value, point in corners[:-1]], axis=0)

        def at(step: float, middle: Array = middle, far: Array = far) -> tuple[float, Any]:
            point = middle + step * (middle - far)
            return badness(point), point

        mirrored = at(1.0)
        if mirrored[0] < best:
            corners[-1] = min(mirrored, at(2.0), key=lambda corner: corner[0])
        elif mirrored[0] < corners[-2][0]:
            corners[-1] = mirrored
        else:
            inward = at(0.5) if mirrored[0] < worst else at(-0.5)
            if inward[0] < min(mirrored[0], worst):
                corners[-1] = inward
            else:
                near = corners[0][1]
                shrunk = [near + 0.5 * (point - near) for _value, point in corners[1:]]
                corners = [corners[0], *((badness(point), point) for point in shrunk)]
    found: Array = min(corners, key=lambda corner: corner[0])[1]
    return found
