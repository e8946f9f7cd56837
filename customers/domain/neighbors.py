"""Which products the same customers buy. Needs numpy: import it where it is used, never in a web process."""

from collections.abc import Iterable, Mapping, Set

import numpy as np

TOGETHER_AT_LEAST = 3
SHRINKAGE = 10.0


class Neighbors:
    """Likeness of two products: customers with both / (sqrt(customers with one × with the other) + shrinkage).

    The shrinkage keeps two rare products that one or two customers share from looking inseparable.
    """

    def __init__(self, products: Mapping[int, str]) -> None:
        self.names = products
        self._products = list(products)
        self._column = {product: column for column, product in enumerate(products)}
        self._together = np.zeros((len(products), len(products)), dtype=np.float32)

    def count(self, bought: Iterable[tuple[int, int]]) -> None:
        """Adds (customer, product) pairs, each once; all of a customer's in one call."""
        pairs = [(customer, self._column[product]) for customer, product in bought if product in self._column]
        row = {customer: number for number, customer in enumerate(dict.fromkeys(customer for customer, _ in pairs))}
        baskets = np.zeros((len(row), len(self._products)), dtype=np.float32)
        for customer, column in pairs:
            baskets[row[customer], column] = 1
        self._together += baskets.T @ baskets

    def settle(self) -> None:
        """Turns the counts into likenesses; to be called once, after the last `count`."""
        buyers = self._together.diagonal().copy()
        self._together[self._together < TOGETHER_AT_LEAST] = 0
        np.fill_diagonal(self._together, 0)
        self._together /= np.sqrt(np.outer(buyers, buyers)) + SHRINKAGE
        self._spread = np.sqrt(buyers + SHRINKAGE)

    def suggest(self, *, habits: Mapping[int, float], without: Set[int], limit: int) -> list[tuple[int, float, int]]:
        """(product, score, habit), best first, for a customer's habits: product → weight.

        The habit is one whose buyers often take the product; each time it is named it counts half as much for the
        next, so that not everything comes from the bananas.
        """
        own = [product for product in habits if product in self._column]
        if not own:
            return []
        columns = [self._column[product] for product in own]
        parts = self._together[columns] * np.array([habits[product] for product in own], dtype=np.float32)[:, None]
        scores = parts.sum(axis=0)
        scores[[self._column[product] for product in without if product in self._column]] = 0
        share = parts / self._spread[columns][:, None]
        found = []
        for column in np.argsort(-scores, kind="stable")[:limit]:
            if scores[column] > 0:
                habit = int(share[:, column].argmax())
                share[habit] /= 2
                found.append((self._products[column], float(scores[column]), own[habit]))
        return found
