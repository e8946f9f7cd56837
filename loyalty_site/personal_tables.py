"""What each table knows of a person: how its rows are found, or why they are not handed out.

Every table of ours is in one of both: tests/architecture/test_persons.py sees to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """Rows are the person's where one of `paths` leads to one of their customers. `left_out` are fields that say
    nothing about them: what only machines compare. With `key`, `paths` hold that text, with the customer's id in it."""

    paths: tuple[str, ...] = ("customer",)
    left_out: frozenset[str] = frozenset()
    key: str = ""


TOLD: Mapping[str, Told] = {
    "customers.Customer": Told(("pk",)),
    "customers.Card": Told(),
    "customers.Preference": Told(),
    "customers.Consent": Told(),
    "customers.Contact": Told(),
    "customers.SegmentMember": Told(),
    "customers.ProductRating": Told(),
    "customers.Recommendation": Told(),
    "customers.Rhythm": Told(),
    "customers.CustomerMerge": Told(("source", "target"), frozenset({"moved", "contacts"})),
    "customers.Purchase": Told(left_out=frozenset({"fingerprint"})),
    "customers.PurchaseLine": Told(("purchase__customer",)),
    "customers.PurchaseReturn": Told(("purchase__customer",), frozenset({"fingerprint"})),
    "customers.PurchaseReturnLine": Told(("purchase_return__purchase__customer",)),
    "customers.AuditEvent": Told(("subject",), key="customer:{}"),
    "rewards.PointsAccount": Told(),
    "rewards.PointsEntry": Told(),
    "rewards.PointsLot": Told(),
    "rewards.PointsAllocation": Told(),
    "rewards.PointsHold": Told(),
    "rewards.PointsHoldPart": Told(),
    "rewards.PointsAdjustment": Told(),
    "rewards.PointsNotice": Told(),
    "rewards.TierMembership": Told(),
    "rewards.TierChange": Told(),
    "rewards.Coupon": Told(),
    "rewards.CouponHold": Told(),
    "rewards.CouponRedemption": Told(),
    "rewards.OfferTally": Told(),
    "rewards.Assignment": Told(),
    "rewards.Surprise": Told(),
    "rewards.SurpriseDraw": Told(("purchase__customer",)),
    "rewards.GestureMail": Told(),
    "rewards.MailingMail": Told(),
    "rewards.RewardRedemption": Told(),
    "surveys.Delivery": Told(left_out=frozenset({"lease_token"})),
    "surveys.Intent": Told(("delivery__customer",)),
    "surveys.SurveyResponse": Told(left_out=frozenset({"page_key"})),
    "surveys.PartialResponse": Told(("delivery__customer",)),
    "surveys.Answer": Told(("response__customer",)),
    "surveys.AnswerChoice": Told(("answer__response__customer",)),
    "surveys.Case": Told(),
    "surveys.CaseEvent": Told(("case__customer",)),
    "surveys.CaseMail": Told(),
    "surveys.CaseGesture": Told(("case__customer",)),
}
LEFT_OUT: Mapping[str, str] = {
    "customers.SoftBounce": "of an address, whoever has it; counted for some weeks",
    "customers.SuppressedAddress": "of an address, whoever has it; keeps mail away from it",
    "customers.AttemptCount": "how often codes were tried, forgotten after days; it guards the codes",
    "customers.SignInCode": "hashes of codes to sign in, of no use to anybody",
    "customers.IdempotentCall": "answers to tills, kept for a short while; what they told of is told",
    "customers.OutboxMail": "copies of mails that went to the person; some hold codes to sign in",
    "customers.PurchaseImport": "whole files of many persons; the rows are purchases",
    "customers.User": "staff",
    "customers.Till": "of a store",
    "customers.Store": "of everybody",
    "customers.Category": "of everybody",
    "customers.Product": "of everybody",
    "customers.Forecast": "of everybody",
    "customers.RhythmMap": "of everybody: numbers of customers",
    "customers.RecommendationRun": "of everybody: what products are to all, not to whom",
    "customers.Segment": "of everybody",
    "customers.SegmentSize": "of everybody",
    "rewards.StaffAlert": "about the member of staff",
    "rewards.Program": "of everybody",
    "rewards.Tier": "of everybody",
    "rewards.EarningRule": "of everybody",
    "rewards.Offer": "of everybody",
    "rewards.CodeBatch": "of everybody",
    "rewards.RefusalTally": "how often tills said no, of no customer",
    "rewards.Experiment": "of everybody; its salt decides",
    "rewards.SurpriseRule": "of everybody; its seed draws",
    "rewards.GestureText": "of everybody",
    "rewards.Mailing": "of everybody",
    "rewards.MailServer": "of everybody",
    "rewards.Reward": "of everybody",
    "rewards.RewardPicture": "of everybody",
    "surveys.Survey": "of everybody",
    "surveys.Question": "of everybody",
    "surveys.QuestionChoice": "of everybody",
    "surveys.SkipRule": "of everybody",
    "surveys.Campaign": "of everybody",
    "surveys.Occurrence": "of everybody",
    "surveys.OpenLink": "of everybody",
    "surveys.GestureOffer": "of everybody",
    "surveys.GestureBudget": "of a store",
}
