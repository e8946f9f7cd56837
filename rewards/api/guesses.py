"""Where calls name coupons, and how their answers say that there is no such coupon."""

from collections.abc import Mapping
from typing import Any

from customers.api.guesses import Guesses
from rewards.domain import coupons

_WRONG = {coupons.CouponUnknown.code, coupons.CouponMistyped.code}


def _wrong(answer: Mapping[str, Any]) -> int:
    """In a problem or a check under `code`, in a quote as the refusals of its coupons."""
    refusals = (coupon["refusal"] for coupon in answer.get("coupons", ()) if coupon.get("refusal"))
    return sum(code in _WRONG for code in (answer.get("code"), *(refusal["code"] for refusal in refusals)))


IN_ADDRESS = Guesses(named=lambda values: True, wrong=_wrong)
IN_BASKET = Guesses(named=lambda values: bool(values["told"].coupons), wrong=_wrong)
