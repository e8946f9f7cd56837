"""The Complete Journey's campaigns as columns: who was written to, with which coupons, and who redeemed them."""

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customers.domain.absences.evaluation import Days
from loyalty_site.demo import journey
from rewards.domain.redeemers.evaluation import History

DAY_ZERO = date(1970, 1, 1)
_BEHIND_UTC = np.timedelta64(5, "h")  # the stores' clocks, without summer time: nobody buys at that hour
_PERSONAL = "Type A"  # 16 coupons for each household, chosen for it from all


def days(moments: NDArray[Any]) -> NDArray[np.int64]:
    """Since DAY_ZERO, of times in UTC."""
    return (moments - _BEHIND_UTC).astype("datetime64[D]").astype(np.int64)


def history() -> History:
    """Raises DataMissing."""
    bought, told = _columns("transactions"), _columns("campaign_descriptions")
    sent, coupons, redeemed = _columns("campaigns"), _columns("coupons"), _columns("coupon_redemptions")
    households = _Numbers(bought["household_id"], sent["household_id"])
    products = _Numbers(bought["product_id"], coupons["product_id"])
    campaigns = _Numbers(told["campaign_id"])
    own = _Numbers(coupons["campaign_id"] * 10**12 + coupons["coupon_upc"])
    _, first, basket = np.unique(bought["basket_id"], return_index=True, return_inverse=True)
    discount = np.bincount(basket, bought["coupon_disc"] + bought["coupon_match_disc"])
    order = np.argsort(told["campaign_id"])
    return History(
        customers=len(households.values),
        buyer=households.of(bought["household_id"][first]),
        day=days(bought["transaction_timestamp"][first]),
        is_discounted=discount > 0,
        basket=basket,
        product=products.of(bought["product_id"]),
        starts=told["start_date"][order].astype("datetime64[D]").astype(np.int64),
        ends=told["end_date"][order].astype("datetime64[D]").astype(np.int64),
        is_for_all=told["campaign_type"][order] != _PERSONAL,
        target=households.of(sent["household_id"]),
        campaign=campaigns.of(sent["campaign_id"]),
        good=products.of(coupons["product_id"]),
        good_coupon=own.of(coupons["campaign_id"] * 10**12 + coupons["coupon_upc"]),
        coupon_campaign=campaigns.of(own.values // 10**12),
        redeemer=households.of(redeemed["household_id"]),
        redeemed_coupon=own.of(redeemed["campaign_id"] * 10**12 + redeemed["coupon_upc"]),
        redeemed_day=redeemed["redemption_date"].astype("datetime64[D]").astype(np.int64),
    )


def visits(known: History) -> Days:
    """Several baskets on a day are one visit."""
    size = int(known.day.max()) + 1
    key = (known.buyer * size + known.day)[known.basket]
    found, lines = np.unique(key, return_counts=True)
    return Days(known.customers, found // size, found % size, lines)


def _columns(name: str) -> dict[str, NDArray[Any]]:
    found = journey.table(name)
    return {column: found[column].to_numpy() for column in found.column_names}


class _Numbers:
    """From 0 for the values of columns."""

    def __init__(self, *columns: NDArray[Any]) -> None:
        self.values = np.unique(np.concatenate(columns))

    def of(self, column: NDArray[Any]) -> NDArray[np.int64]:
        return np.searchsorted(self.values, column)
