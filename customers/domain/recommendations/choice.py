"""Which of many things is chosen: a conditional logit (McFadden 1974).

Each asked customer chooses among their own candidates; the chance of each is exp(weights · features) over the sum of
all. A basket counts as much as the square root of what is in it: were each the same, small baskets would decide, and
were each product the same, large ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from customers.domain.recommendations.baskets import Flags, Floats, Numbers, run_lengths

STRENGTH = 3.0  # of the belief in `believed`
FEW = 60  # choices; with as many the belief is twice as strong, with fewer stronger yet
_STEPS = 30
_SAME = 1e-4  # a column that differs by less tells nothing: most have a spread of about one
_NEAR = 0.01  # of the logarithm of all chances together: nothing beside what chance does to it
_AT_ONCE = 100  # choices
_ROWS = 100_000


def learn(table: NDArray[np.float32], starts: Numbers, chosen: Flags, believed: Floats) -> Floats:
    """Weights by column. `table` holds a row for each candidate, those of one choice together, beginning at `starts`;
    it is scaled in place. With little to learn from the weights stay near `believed`."""
    if not chosen.any():
        return believed
    table -= table.mean(axis=0)
    scale = _spread(table)
    scale[scale < _SAME] = 1.0
    table /= scale.astype(np.float32)
    return _least(_Choices(table, starts, chosen, believed * scale)) / scale


def _spread(table: NDArray[np.float32]) -> Floats:
    """The standard deviation of each column, whose mean is 0."""
    parts = (table[first : first + _ROWS].astype(np.float64) for first in range(0, len(table), _ROWS))
    total: Floats = sum((np.einsum("ij,ij->j", part, part) for part in parts), np.zeros(table.shape[1]))
    return np.sqrt(total / len(table))


class _Choices:
    """How badly weights foretell what was chosen; `believed` is where they begin and are drawn to."""

    def __init__(self, table: NDArray[np.float32], starts: Numbers, chosen: Flags, believed: Floats) -> None:
        self._table, self._starts, self.believed = table, starts, believed
        self._lengths = run_lengths(starts, len(table))
        counts = np.add.reduceat(chosen, starts, dtype=np.int64)
        self._worth: Floats = np.sqrt(counts) / np.sqrt(counts[counts > 0]).mean()
        self._share = chosen * np.repeat(self._worth / np.maximum(counts, 1), self._lengths)
        self._strength = STRENGTH * (1 + FEW / int((counts > 0).sum()))

    def loss(self, weights: Floats) -> tuple[float, Floats, Floats]:
        """Minus the logarithm of the chance of what was chosen, its slope by weight, and the chance of each row, both
        counted as much as the choice is worth."""
        score = (self._table @ weights.astype(np.float32)).astype(np.float64)
        top = np.maximum.reduceat(score, self._starts)
        raised = np.exp(score - np.repeat(top, self._lengths))
        total = np.add.reduceat(raised, self._starts)
        expected = raised * np.repeat(self._worth / total, self._lengths)
        slope = ((expected - self._share).astype(np.float32) @ self._table).astype(np.float64)
        loss = float((top + np.log(total)) @ self._worth - self._share @ score)
        off = weights - self.believed
        return loss + self._strength / 2 * float(off @ off), slope + self._strength * off, expected

    def curvature(self, expected: Floats) -> Floats:
        """How the slope changes by weight: the covariance of the columns in each choice, and the strength."""
        table, starts = self._table, self._starts
        found: Floats = self._strength * np.eye(table.shape[1])
        ends, root = np.r_[starts[1:], len(table)], np.sqrt(np.maximum(self._worth, 1e-12))[:, None]
        for first in range(0, len(starts), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            rows = slice(starts[first], ends[some][-1])
            weighted = table[rows] * expected[rows, None].astype(np.float32)
            sums = np.add.reduceat(weighted, starts[some] - starts[first]) / root[some]
            found += weighted.T @ table[rows]
            found -= sums.T @ sums
        return found


def _least(choices: _Choices) -> Floats:
    """Newton's method: the loss is convex, and few steps with its curvature cost less than many by its slope alone."""
    weights = choices.believed
    loss, slope, expected = choices.loss(weights)
    for _ in range(_STEPS):
        step = linalg.solve(choices.curvature(expected), slope, assume_a="pos")
        gain = float(step @ slope)
        size = 1.0
        while size * gain > _NEAR:
            there = choices.loss(weights - size * step)
            if there[0] <= loss - size * gain / 4:
                break
            size /= 2
        else:
            break
        weights = weights - size * step
        loss, slope, expected = there
    return weights
