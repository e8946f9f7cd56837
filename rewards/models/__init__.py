from rewards.models.adjustment import AdjustmentState, PointsAdjustment
from rewards.models.alert import AlertKind, StaffAlert
from rewards.models.code_batch import BatchState, CodeBatch
from rewards.models.coupon import Coupon, CouponState
from rewards.models.coupon_hold import CouponHold
from rewards.models.coupon_redemption import CouponRedemption, OfferTally
from rewards.models.earning import CapPeriod, EarningKind, EarningRule, Weekday
from rewards.models.experiment import Arm, Assignment, Experiment, ExperimentKind, ReturnWindow
from rewards.models.gesture_mail import GestureMail, GestureText
from rewards.models.hold import HoldState, PointsHold, PointsHoldPart
from rewards.models.mail import MailBarrier, MailState
from rewards.models.mail_server import MailServer, PauseCause
from rewards.models.mailing import Mailing, MailingMail, MailingState
from rewards.models.notice import PointsNotice
from rewards.models.offer import Offer, OfferKind, OfferPeriod
from rewards.models.points import EntryKind, PointsAccount, PointsAllocation, PointsEntry, PointsLot
from rewards.models.program import (
    ExpiryPolicy,
    PeriodEnd,
    Program,
    ShortfallPolicy,
    TierBasis,
    TierDowngrade,
    TierWindow,
)
from rewards.models.refusal_tally import RefusalReason, RefusalTally
from rewards.models.reward import LimitPeriod, RedemptionState, Reward, RewardKind, RewardPicture, RewardRedemption
from rewards.models.surprise import DrawOutcome, Surprise, SurpriseDraw
from rewards.models.surprise_rule import PURCHASE_TRIGGERS, Gesture, SurpriseRule, Trigger
from rewards.models.tier import Tier, TierChange, TierChangeReason, TierMembership

__all__ = [
    "AdjustmentState",
    "AlertKind",
    "Arm",
    "Assignment",
    "BatchState",
    "CapPeriod",
    "CodeBatch",
    "Coupon",
    "CouponHold",
    "CouponRedemption",
    "CouponState",
    "DrawOutcome",
    "EarningKind",
    "EarningRule",
    "EntryKind",
    "Experiment",
    "ExperimentKind",
    "ExpiryPolicy",
    "Gesture",
    "GestureMail",
    "GestureText",
    "HoldState",
    "LimitPeriod",
    "MailBarrier",
    "MailServer",
    "MailState",
    "Mailing",
    "MailingMail",
    "MailingState",
    "Offer",
    "OfferKind",
    "OfferPeriod",
    "OfferTally",
    "PauseCause",
    "PURCHASE_TRIGGERS",
    "PeriodEnd",
    "PointsAccount",
    "PointsAdjustment",
    "PointsAllocation",
    "PointsEntry",
    "PointsHold",
    "PointsHoldPart",
    "PointsLot",
    "PointsNotice",
    "Program",
    "RedemptionState",
    "RefusalReason",
    "RefusalTally",
    "ReturnWindow",
    "Reward",
    "RewardKind",
    "RewardPicture",
    "RewardRedemption",
    "ShortfallPolicy",
    "StaffAlert",
    "Surprise",
    "SurpriseDraw",
    "SurpriseRule",
    "Tier",
    "TierBasis",
    "TierChange",
    "TierChangeReason",
    "TierDowngrade",
    "TierMembership",
    "TierWindow",
    "Trigger",
    "Weekday",
]
