"""Whatever refers to a customer is decided upon: does a merge move it, does it name a person, is it handed out?"""

import pytest
from django.apps import apps
from django.db import models

from customers.models import Customer
from loyalty_site import personal_data
from loyalty_site.personal_tables import LEFT_OUT, TOLD
from rewards.models import PointsAccount

# Rows that follow the person to the customer they are merged into, and back when that is undone.
MOVED = {
    "customers.Card",
    "customers.Consent",  # where it is the last word on its purpose
    "customers.Preference",
    "customers.ProductRating",  # of two of the same product the last one counts
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
    "customers.Rhythm",  # the same
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


# Refer to a customer, and are not the customer's to have.
NOT_THEIRS = {"customers.SignInCode", "rewards.StaffAlert"}


def test_each_table_is_handed_out_to_the_person_or_says_why_not():
    ours = {
        model._meta.label
        for app in ("customers", "rewards", "surveys")
        for model in apps.get_app_config(app).get_models()
    }
    assert set(TOLD) | set(LEFT_OUT) == ours
    assert set(TOLD) & set(LEFT_OUT) == set()
    assert (MOVED | LEDGER | STAYING) - set(TOLD) == NOT_THEIRS
    assert all(LEFT_OUT.values())


def test_each_table_that_belongs_to_rows_that_are_handed_out_is_handed_out_with_them():
    """What hangs on a row of a person, as an answer on a response, tells of the person too."""
    hanging = {
        relation.related_model._meta.label
        for label in TOLD
        for relation in apps.get_model(label)._meta.get_fields(include_hidden=True)
        if relation.auto_created and relation.is_relation and not relation.concrete
    }
    assert hanging - set(TOLD) == NOT_THEIRS


@pytest.mark.parametrize("label", TOLD)
def test_what_is_handed_out_leads_to_a_customer_and_can_be_written_down(label):
    model, told = apps.get_model(label), TOLD[label]
    for path in told.paths if not told.key else ():
        target = model
        for name in path.split("__"):
            target = Customer if name == "pk" else target._meta.get_field(name).related_model
        assert target in (Customer, PointsAccount)
    assert told.left_out <= {field.name for field in model._meta.concrete_fields}
    handed_out = personal_data.fields_of(model)
    assert not [field for field in handed_out if isinstance(field, models.BinaryField | models.FileField)]
