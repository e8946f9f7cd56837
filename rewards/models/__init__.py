from rewards.models.adjustment import AdjustmentState, PointsAdjustment
from rewards.models.coupon import Coupon, CouponGiveBack, CouponState
from rewards.models.earning import EarningKind, EarningRule
from rewards.models.hold import HoldState, PointsHold, PointsHoldPart
from rewards.models.offer import Offer, OfferKind
from rewards.models.points import EntryKind, PointsAccount, PointsAllocation, PointsEntry, PointsLot
from rewards.models.program import ExpiryPolicy, PeriodEnd, Program, ShortfallPolicy
from rewards.models.reward import LimitPeriod, RedemptionState, Reward, RewardKind, RewardPicture, RewardRedemption
from rewards.models.surprise import Arm, Surprise, SurpriseRule, Trigger

__all__ = [
    "AdjustmentState",
    "Arm",
    "Coupon",
    "CouponGiveBack",
    "CouponState",
    "EarningKind",
    "EarningRule",
    "EntryKind",
    "ExpiryPolicy",
    "HoldState",
    "LimitPeriod",
    "Offer",
    "OfferKind",
    "PeriodEnd",
    "PointsAccount",
    "PointsAdjustment",
    "PointsAllocation",
    "PointsEntry",
    "PointsHold",
    "PointsHoldPart",
    "PointsLot",
    "Program",
    "RedemptionState",
    "Reward",
    "RewardKind",
    "RewardPicture",
    "RewardRedemption",
    "ShortfallPolicy",
    "Surprise",
    "SurpriseRule",
    "Trigger",
]
