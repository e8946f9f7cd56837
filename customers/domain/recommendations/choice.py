"""Which of many things is chosen: a conditional logit (McFadden 1974).

Each asked customer chooses among their own candidates; the chance of each is exp(weights · features) over the sum of
all. Every basket counts the same, however much is in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from customers.domain.recommendations.baskets import Flags, Floats, Numbers, run_lengths

STRENGTH = 3.0  # of the belief in `believed`
FEW = 60  # choices; with as many the belief is twice as strong, with fewer stronger yet
_STEPS = 150


def learn(table: NDArray[np.float32], starts: Numbers, chosen: Flags, believed: Floats) -> Floats:
    """Weights by column. `table` holds a row for each candidate, those of one choice together, beginning at `starts`;
    it is scaled in place. With little to learn from the weights stay near `believed`."""
    counts = np.add.reduceat(chosen, starts, dtype=np.int64) if len(starts) else np.zeros(0, np.int64)
    if not counts.any():
        return believed
    scale = np.maximum(table.std(axis=0, dtype=np.float64), 1e-9)
    scale[scale < 1e-6] = 1.0
    table -= table.mean(axis=0)
    table /= scale.astype(np.float32)
    found = optimize.minimize(
        _loss, believed * scale, args=(table, starts, chosen, counts, believed * scale), jac=True, method="L-BFGS-B",
        options={"maxiter": _STEPS},
    )  # fmt: skip
    return np.asarray(found.x / scale)


def _loss(
    weights: Floats,
    table: NDArray[np.float32],
    starts: Numbers,
    chosen: Flags,
    counts: Numbers,
    believed: Floats,
) -> tuple[float, Floats]:
    """Minus the logarithm of the chance of what was chosen, and its slope by weight."""
    lengths = run_lengths(starts, len(table))
    score = (table @ weights.astype(np.float32)).astype(np.float64)
    top = np.maximum.reduceat(score, starts)
    raised = np.exp(score - np.repeat(top, lengths))
    total = np.add.reduceat(raised, starts)
    counted = counts > 0
    share = chosen / np.repeat(np.maximum(counts, 1), lengths)
    loss = float(((top + np.log(total)) * counted).sum() - share @ score)
    expected = raised * np.repeat(counted / total, lengths)
    slope = (expected - share).astype(np.float32) @ table
    off = weights - believed
    strength = STRENGTH * (1 + FEW / max(int(counted.sum()), 1))
    return loss + strength / 2 * float(off @ off), slope.astype(np.float64) + strength * off
