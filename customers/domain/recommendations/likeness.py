"""Which products are bought by the same people.

Every product is explained by the others with one ridge regression (Steck, "Embarrassingly shallow autoencoders for
sparse data", WWW 2019): unlike plain counts of pairs, what two products share only because everybody buys both is
taken out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from customers.domain.recommendations.baskets import Baskets, Numbers, most, run_starts

PRODUCTS = 3000  # the inverse takes cubic time
TOGETHER_AT_LEAST = 3  # customers; a pair of fewer tells nothing
MEMORY = 40.0  # baskets
_RIDGE, _RIDGE_BY_CUSTOMER = 10.0, 0.3


class Likeness:
    """`products` (ascending) are those that most customers bought; `weights` (as many × as many) is how much having
    the row's product speaks for the column's; `column` gives a product's place, −1 when it has none."""

    def __init__(self, baskets: Baskets) -> None:
        pairs = run_starts(baskets.buyer * baskets.products + baskets.product)
        buyers = np.bincount(baskets.product[pairs], minlength=baskets.products)
        self._place(np.sort(most(buyers, PRODUCTS)), baskets.products)
        had = self._table(baskets, np.ones(len(pairs), np.float32), pairs)  # exact up to 16 million customers
        together = (had.T @ had).toarray().astype(np.float64)
        rare = together < TOGETHER_AT_LEAST
        together[np.diag_indices_from(together)] += _RIDGE + _RIDGE_BY_CUSTOMER * baskets.customers
        inverse = linalg.inv(together, overwrite_a=True, check_finite=False) if len(together) else together
        self.weights = (inverse / -np.diag(inverse)).astype(np.float32)
        self.weights[rare] = 0
        np.fill_diagonal(self.weights, 0)

    @classmethod
    def known(cls, *, products: Numbers, weights: NDArray[Any], of: int) -> Likeness:
        """`of`: how many products there are in all."""
        found = cls.__new__(cls)
        found._place(products, of)
        found.weights = weights.astype(np.float32)
        return found

    def _place(self, products: Numbers, of: int) -> None:
        self.products: Numbers = products
        self.column: Numbers = np.full(of, -1)
        self.column[products] = np.arange(len(products))

    def profile(self, baskets: Baskets) -> sparse.csr_array:
        """Customers × `products`: the square root of the baskets with it, each fading; every row of length 1."""
        pairs = run_starts(baskets.buyer * baskets.products + baskets.product)
        if not len(pairs):
            return sparse.csr_array((baskets.customers, len(self.products)))
        back = baskets.ends[baskets.customer] - np.arange(len(baskets.customer))
        faded = np.exp2(-back / MEMORY)[baskets.basket]
        table = self._table(baskets, np.sqrt(np.add.reduceat(faded, pairs)), pairs)
        length = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
        return sparse.csr_array(sparse.diags_array(1 / np.maximum(length, 1e-9)) @ table)

    def scores(self, baskets: Baskets) -> NDArray[np.float32]:
        """Customers × `products`: how much all they bought speaks for each."""
        scores: NDArray[np.float32] = self.profile(baskets).astype(np.float32).toarray() @ self.weights
        return scores

    def _table(self, baskets: Baskets, values: NDArray[Any], pairs: Numbers) -> sparse.csr_array:
        column = self.column[baskets.product[pairs]]
        known = column >= 0
        shape = (baskets.customers, len(self.products))
        at = baskets.buyer[pairs][known].astype(np.int32), column[known].astype(np.int32)
        return sparse.csr_array((values[known], at), shape=shape)
