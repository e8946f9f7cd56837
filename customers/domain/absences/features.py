"""What tells whether a customer stays away: nine numbers about their days with a purchase up to a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

AHEAD = 28  # days that are foretold
RECENT = 84  # days of what is counted lately
DAYS_MIN = 3  # with fewer days there is no habit
SEEN_WITHIN = 365
WEEKS = 52  # of the share of weeks with a purchase

_USUAL_LONG, _USUAL_SPAN = 3.0, 60.0
_USUAL_GAPS, _USUAL_GAP = 3.0, 7.0


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """By customer: days since the last one with a purchase; how many such days there were in all, in the last 28 and in
    the last 84 days; in how many of the last 52 weeks; lines bought in the last 84 days; how many days of the gaps
    between purchases lay beyond the 28th; days from the first to the last one; days since the third last one."""

    since: Array
    days: Array
    days_28: Array
    days_84: Array
    weeks: Array
    lines: Array
    beyond: Array
    span: Array
    third: Array


def table(counts: Counts) -> Array:
    """Customers × 9."""
    weeks_known = np.minimum((counts.span + counts.since) // 7 + 1, WEEKS)
    usual_gap = (counts.span + _USUAL_GAPS * _USUAL_GAP) / (counts.days - 1 + _USUAL_GAPS)
    return np.stack(
        [
            np.log1p(counts.since),
            np.log1p(counts.days),
            np.log1p(counts.days_28),
            np.log1p(counts.days_84),
            counts.weeks / weeks_known,
            np.log1p(counts.lines),
            np.log((counts.beyond + _USUAL_LONG) / (counts.span + _USUAL_SPAN)),
            np.log1p(counts.since / usual_gap),
            np.log1p(counts.third),
        ],
        axis=1,
    )
