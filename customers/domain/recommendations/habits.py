"""How often, how lately and in which rhythm each customer bought each product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customers.domain.recommendations.baskets import Baskets, Flags, Floats, Numbers, run_lengths, run_starts

# Half-lives of what is remembered: short, middle and long; which one tells most is learned.
BASKET_MEMORIES = (5.0, 20.0, 80.0)
DAY_MEMORIES = (30.0, 90.0)
MIDDLE = 1  # of the memories: 20 baskets
MEMORIES = len(BASKET_MEMORIES) + len(DAY_MEMORIES)
_LONGEST = 1 << 20  # days, and more than any gap


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """One row for each customer and product bought, in that order.

    `times` in baskets; `age` and `span` in days (since the last, from the first to the last); `back` in baskets since
    the last (1 when it was in the latest). `kept` (rows × memories) sums the baskets with it, each fading with its age;
    `all_kept` (customers × memories) sums all baskets in the same way, so that their ratio is a share of baskets.
    `alone` (rows) sums the baskets with it once more, by the middle memory, each counting one over the products in it,
    and `size` (customers) is the logarithm of how many products are usually in a basket (a geometric mean).
    """

    customer: Numbers
    product: Numbers
    times: Numbers
    age: Numbers
    span: Numbers
    back: Numbers
    kept: Floats
    all_kept: Floats
    alone: Floats
    size: Floats


def count(baskets: Baskets, today: Numbers) -> Habits:
    """As known in the morning of `today` (a day by customer), from all of `baskets`."""
    buyer, day = baskets.buyer, baskets.day[baskets.basket]
    starts = run_starts(buyer * baskets.products + baskets.product)
    times = run_lengths(starts, len(buyer))
    last = starts + times - 1
    ends = baskets.ends
    of = buyer[starts]
    kept, all_kept = np.empty((len(starts), MEMORIES)), np.empty((baskets.customers, MEMORIES))
    back = ends[baskets.customer] - np.arange(len(baskets.customer))
    age = np.maximum(today[baskets.customer] - baskets.day, 0)
    for column, (past, memory) in enumerate(
        [*((back, memory) for memory in BASKET_MEMORIES), *((age, memory) for memory in DAY_MEMORIES)]
    ):
        faded = np.exp2(-past / memory)
        all_kept[:, column] = np.bincount(baskets.customer, faded, minlength=baskets.customers)
        kept[:, column] = np.add.reduceat(faded[baskets.basket], starts) if len(starts) else 0
    faded = np.exp2(-back / BASKET_MEMORIES[MIDDLE])
    sizes = np.bincount(baskets.customer, faded * np.log(np.maximum(baskets.sizes, 1)), minlength=baskets.customers)
    return Habits(
        customer=of,
        product=baskets.product[starts],
        times=times,
        age=np.maximum(today[of] - day[last], 0),
        span=day[last] - day[starts],
        back=back[baskets.basket[last]],
        kept=kept,
        all_kept=all_kept,
        alone=np.add.reduceat(faded[baskets.basket] * baskets.parts, starts) if len(starts) else np.zeros(0),
        size=sizes / np.maximum(all_kept[:, MIDDLE], 1e-9),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """By row of `count` for the same baskets, of all products of its name together: on how many `days`, the last of
    them, the middle gap in days (the shorter of two; 0 after a single day), and whether the gaps are alike."""

    days: Numbers
    last_day: Numbers
    every_days: Floats
    is_regular: Flags


def rhythm(baskets: Baskets, name: Numbers) -> Rhythm:
    """`name` is by product. Several baskets of a day are one day."""
    product, zero = baskets.buyer * baskets.products + baskets.product, int(baskets.day.min(initial=0))
    named = baskets.buyer * (int(name.max(initial=0)) + 1) + name[baskets.product]
    span = int(baskets.day.max(initial=0)) - zero + 1
    both = np.sort(named * span + baskets.day[baskets.basket] - zero)
    pair, day = np.divmod(both[run_starts(both)], span)
    starts = run_starts(pair)
    days = run_lengths(starts, len(pair))
    if not len(starts):
        return Rhythm(days, days, days.astype(float), days > 0)
    gap = np.r_[0, np.diff(day)].astype(float)
    gap[starts] = 0
    gaps = np.maximum(days - 1, 1)
    mean = np.add.reduceat(gap, starts) / gaps
    spread = np.sqrt(np.maximum(np.add.reduceat(gap**2, starts) / gaps - mean**2, 0))
    by_size = np.sort(np.repeat(np.arange(len(starts)), days) * _LONGEST + gap.astype(np.int64))
    middle = by_size[starts + days // 2] % _LONGEST  # the 0 that stands for the first day comes first of its run
    row = np.searchsorted(pair[starts], named[run_starts(product)])
    is_regular = (days >= 4) & (spread < 0.75 * mean)
    return Rhythm(days[row], zero + day[starts + days - 1][row], middle.astype(float)[row], is_regular[row])
