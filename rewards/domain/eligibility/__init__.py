"""Whether coupons are good for a basket and what they are worth: no database, no clock.

The order of the lines and of the coupons never matters. Coupons are applied by priority, percentages before amounts,
then by code; each takes off what those before it left. A discount is rounded down to the minor unit, once for each
coupon, and spread over the lines that the offer is for in proportion to what they still cost, largest remainder first;
of equal remainders the line that costs more, then the one whose content comes first. Lines that are the same in all of
this may swap a unit: nobody can tell them apart.
"""

from rewards.domain.eligibility.baskets import Basket, Line
from rewards.domain.eligibility.evaluation import Evaluation, Multiplied, evaluate
from rewards.domain.eligibility.proposals import Best, best
from rewards.domain.eligibility.reasons import CLOCK_TOLERANCE, Refusal, refusal_of, refusal_of_state
from rewards.domain.eligibility.terms import CouponIn, Left, Terms

__all__ = [
    "CLOCK_TOLERANCE",
    "Basket",
    "Best",
    "CouponIn",
    "Evaluation",
    "Left",
    "Line",
    "Multiplied",
    "Refusal",
    "Terms",
    "best",
    "evaluate",
    "refusal_of",
    "refusal_of_state",
]
