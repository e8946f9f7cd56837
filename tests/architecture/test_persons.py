"""Whatever refers to a customer is decided upon: does a merge move it, and does it name a person?"""

from django.apps import apps
from django.db import models

from customers.models import Customer
from rewards.models import PointsAccount

# Rows that follow the person to the customer they are merged into, and back when that is undone.
MOVED = {
    "customers.Card",
    "customers.Consent",  # where it is the last word on its purpose
    "customers.Preference",
    "customers.Purchase",
    "customers.SegmentMember",  # where the target is not in the segment already
    "rewards.Assignment",  # of two in the same experiment the first counts
    "rewards.Coupon",
    "rewards.CouponHold",
    "rewards.CouponRedemption",
    "rewards.GestureMail",  # while it waits
    "rewards.MailingMail",  # while it waits
    "rewards.PointsAdjustment",
    "rewards.RewardRedemption",
    "rewards.Surprise",
    "surveys.Case",
}
# The ledger stays where it was written: entries that say MERGE carry over what is left.
LEDGER = {
    "rewards.PointsAccount",
    "rewards.PointsAllocation",
    "rewards.PointsEntry",
    "rewards.PointsHold",
    "rewards.PointsHoldPart",
    "rewards.PointsLot",
}
STAYING = {
    "customers.Customer",  # merged_into
    "customers.Contact",  # which address a mail went to
    "customers.CustomerMerge",
    "customers.Recommendation",  # deleted, and made anew
    "customers.SignInCode",  # opens nothing for who is closed
    "rewards.OfferTally",  # counted anew
    "rewards.PointsNotice",  # which address a mail went to
    "rewards.StaffAlert",  # about the member of staff
    "rewards.TierChange",
    "rewards.TierMembership",  # the higher one is carried over
    "surveys.CaseMail",  # which address a mail went to
    "surveys.Delivery",  # which address a mail went to; an answer to it is the present customer's
    "surveys.SurveyResponse",  # read by way of customers.family
}


def test_each_relation_to_a_customer_is_moved_or_stays():
    referring = {
        model._meta.label
        for app in ("customers", "rewards", "surveys")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model in (Customer, PointsAccount)
    }
    assert referring == MOVED | LEDGER | STAYING
