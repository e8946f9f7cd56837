"""A learned model as bytes: numbers only, nothing that could run. It tells what products are to all, not to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from customers.domain.recommendations import features
from customers.domain.recommendations.baskets import Floats, Numbers
from customers.domain.recommendations.crowd import Popularity, Rhythms
from customers.domain.recommendations.features import Crowd
from customers.domain.recommendations.likeness import Likeness
from customers.domain.recommendations.model import Model
from customers.domain.recommendations.selection import Popular


class OfOneDay(Popularity):
    """As it was in the morning the model was learned, whatever day is asked for."""

    def __init__(self, shares: Mapping[int, Floats], alone: Floats, best: Numbers) -> None:
        self.shares, self.bought_alone, self.popular = shares, alone, best

    def share(self, product: Numbers, day: Numbers, *, days: int) -> Floats:
        return self.shares[days][product]

    def alone(self, product: Numbers, day: Numbers, *, days: int) -> Floats:
        assert days == features.LONG
        return self.bought_alone[product]

    def best(self, day: int, *, days: int, size: int) -> Numbers:
        return self.popular[:size]


def frozen(popularity: Popularity, *, products: int, today: int) -> OfOneDay:
    everything, day = np.arange(products), np.full(products, today)
    shares = {days: popularity.share(everything, day, days=days) for days in features.WINDOWS}
    alone = popularity.alone(everything, day, days=features.LONG)
    return OfOneDay(shares, alone, popularity.best(today, days=features.LATELY, size=features.POPULAR))


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """By one night: a model whose popularity is `frozen`, the ids of its product numbers, and what is popular for whom
    nothing is known of."""

    model: Model
    product_ids: Numbers
    popular: Popular


def pack(learned: Learned) -> bytes:
    model, packed = learned.model, BytesIO()
    crowd, popularity = model.crowd, model.crowd.popularity
    assert isinstance(popularity, OfOneDay)
    arrays: dict[str, Any] = {
        "product_ids": learned.product_ids,
        "weights": model.weights,
        "chance": crowd.rhythms.chance,
        "gap": crowd.rhythms.gap,
        "alike_products": crowd.likeness.products,
        "alike_weights": crowd.likeness.weights.astype(np.float16),
        "popular": popularity.popular,
        "alone": popularity.bought_alone.astype(np.float32),
        "popular_rows": learned.popular.rows,
    }
    arrays |= {f"share_{days}": share.astype(np.float32) for days, share in popularity.shares.items()}
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def unpack(packed: bytes) -> Learned | None:
    """None when it was learned by another version of the product."""
    with np.load(BytesIO(packed), allow_pickle=False) as held:
        if "alone" not in held or len(held["weights"]) != len(features.NAMES):
            return None
        shares = {days: held[f"share_{days}"].astype(float) for days in features.WINDOWS}
        crowd = Crowd(
            Rhythms.known(chance=held["chance"], gap=held["gap"]),
            Likeness.known(products=held["alike_products"], weights=held["alike_weights"], of=len(held["product_ids"])),
            OfOneDay(shares, held["alone"].astype(float), held["popular"]),
        )
        return Learned(Model(crowd, held["weights"]), held["product_ids"], Popular(held["popular_rows"]))
