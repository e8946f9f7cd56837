"""Small histories of purchases, made up."""

import numpy as np

from customers.domain.recommendations import baskets


def history(*customers):
    """Each customer is a list of (day, products); numbers follow the order given."""
    owner, day, receipt, product = [], [], [], []
    for number, visits in enumerate(customers):
        for when, goods in visits:
            receipt += [len(owner)] * len(goods)
            product += goods
            owner.append(number)
            day.append(when)
    return baskets.build(
        customer=owner, moment=day, day=day, receipt=np.arange(len(owner)), line_receipt=receipt, product=product
    )


def habitual(*, customers=60, visits=12, products=40, seed=5):
    """Everybody has five products of their own that they take every other time, and takes two others by chance."""
    draws = np.random.default_rng(seed)
    people = []
    for _ in range(customers):
        own = draws.choice(products, 5, replace=False)
        people.append(
            [
                (7 * visit, sorted({*own[draws.random(5) < 0.5].tolist(), *draws.choice(products, 2).tolist()}))
                for visit in range(visits)
            ]
        )
    return people
