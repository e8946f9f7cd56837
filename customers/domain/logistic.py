"""The chance that something happens, from a few numbers about each case: logistic regression. Numpy, no Django."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

STRENGTH = 3.0  # keeps weights of scaled columns small where there is little to learn from


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """By column its mean, its spread and its weight; `level` is the log odds of a case that is average in all."""

    mean: Array
    spread: Array
    weights: Array
    level: float

    def chances(self, table: Array) -> Array:
        """Of cases × columns, from 0 to 1."""
        odds = self.level + ((table - self.mean) / self.spread) @ self.weights
        chance: Array = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
        return chance


def learn(table: Array, happened: Flags) -> Model:
    """Of at least one case."""
    mean, spread = table.mean(axis=0), table.std(axis=0)
    spread[spread < 1e-9] = 1.0
    scaled = np.c_[np.ones(len(table)), (table - mean) / spread]

    def loss(weights: Array) -> tuple[float, Array]:
        odds = scaled @ weights
        pulled = np.r_[0.0, weights[1:]]
        slope = scaled.T @ (1 / (1 + np.exp(-np.clip(odds, -500, 500))) - happened) + STRENGTH * pulled
        cost = np.logaddexp(0, odds).sum() - odds[happened].sum() + STRENGTH / 2 * pulled @ pulled
        return float(cost), slope

    found = optimize.minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x
    return Model(mean, spread, found[1:], float(found[0]))


def auc(score: Array, happened: Flags) -> float:
    """The chance that a case that happened has a higher score than one that did not; a half for equal scores, and
    where all or none happened."""
    some = int(happened.sum())
    others = len(happened) - some
    if not some or not others:
        return 0.5
    ranks = stats.rankdata(score)
    return float((ranks[happened].sum() - some * (some + 1) / 2) / (some * others))


def average_precision(score: Array, happened: Flags) -> float:
    """The mean over what happened of the share of it among all with as high a score or a higher one."""
    if not happened.any():
        return 0.0
    in_order = happened[np.argsort(-score, kind="stable")]
    return float((np.cumsum(in_order) / np.arange(1, len(in_order) + 1))[in_order].mean())
