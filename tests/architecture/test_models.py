"""Every model is classified, so that a new one cannot slip in undecided."""

import re

import pytest
from django.apps import apps
from django.db import models

APPS = ("customers", "rewards", "surveys")
MODELS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
LABELS = [model._meta.label for model in MODELS]

APPEND_ONLY = {
    "customers.AuditEvent",
    "customers.Purchase",
    "customers.PurchaseLine",
    "customers.PurchaseReturn",
    "customers.PurchaseReturnLine",
    "rewards.Assignment",
    "rewards.PointsAllocation",
    "rewards.PointsEntry",
    "rewards.Surprise",
    "rewards.SurpriseDraw",
    "rewards.TierChange",
    "surveys.CaseEvent",
}
MUTABLE = {
    "customers.AttemptCount",
    "customers.Card",
    "customers.Category",
    "customers.Consent",
    "customers.Contact",
    "customers.Customer",
    "customers.Forecast",
    "customers.IdempotentCall",
    "customers.CustomerMerge",
    "customers.OutboxMail",
    "customers.Preference",
    "customers.Product",
    "customers.ProductRating",
    "customers.PurchaseImport",
    "customers.Recommendation",
    "customers.RecommendationRun",
    "customers.Rhythm",
    "customers.RhythmMap",
    "customers.Segment",
    "customers.SegmentMember",
    "customers.SegmentSize",
    "customers.SignInCode",
    "customers.SoftBounce",
    "customers.Store",
    "customers.SuppressedAddress",
    "customers.Till",
    "customers.User",
    "rewards.CodeBatch",
    "rewards.Coupon",
    "rewards.CouponHold",
    "rewards.CouponRedemption",
    "rewards.EarningRule",
    "rewards.Experiment",
    "rewards.GestureMail",
    "rewards.GestureText",
    "rewards.Mailing",
    "rewards.MailServer",
    "rewards.MailingMail",
    "rewards.Offer",
    "rewards.OfferTally",
    "rewards.PointsAccount",
    "rewards.PointsAdjustment",
    "rewards.PointsHold",
    "rewards.PointsHoldPart",
    "rewards.PointsLot",
    "rewards.PointsNotice",
    "rewards.Program",
    "rewards.RefusalTally",
    "rewards.Reward",
    "rewards.RewardPicture",
    "rewards.RewardRedemption",
    "rewards.StaffAlert",
    "rewards.SurpriseRule",
    "rewards.Tier",
    "rewards.TierMembership",
    "surveys.Answer",
    "surveys.AnswerChoice",
    "surveys.Campaign",
    "surveys.Case",
    "surveys.CaseGesture",
    "surveys.CaseMail",
    "surveys.Delivery",
    "surveys.GestureBudget",
    "surveys.GestureOffer",
    "surveys.Intent",
    "surveys.OpenLink",
    "surveys.Occurrence",
    "surveys.PartialResponse",
    "surveys.Question",
    "surveys.QuestionChoice",
    "surveys.SkipRule",
    "surveys.Survey",
    "surveys.SurveyResponse",
}


def test_each_model_is_append_only_or_mutable():
    assert set(LABELS) == APPEND_ONLY | MUTABLE
    assert not APPEND_ONLY & MUTABLE


@pytest.mark.parametrize("model", MODELS, ids=LABELS)
def test_append_only_models_are_held_by_a_trigger(model):
    triggers = {trigger.name for trigger in getattr(model._meta, "triggers", [])}
    assert ("append_only" in triggers) == (model._meta.label in APPEND_ONLY)


@pytest.mark.parametrize("model", MODELS, ids=LABELS)
def test_constraints_have_names_that_read_as_rules(model):
    for constraint in model._meta.constraints:
        assert re.fullmatch(r"[a-z]+(_[a-z]+){2,}", constraint.name), constraint.name


@pytest.mark.parametrize("model", MODELS, ids=LABELS)
def test_choices_are_held_by_the_database(model):
    """A field with choices also has a check constraint that names it."""
    checked = " ".join(str(c.condition) for c in model._meta.constraints if isinstance(c, models.CheckConstraint))
    free = {"scopes", "language", "reason"}
    missing = [
        field.name
        for field in model._meta.get_fields()
        if getattr(field, "choices", None) and field.name not in free and f"'{field.name}" not in checked
    ]
    assert missing == []


WITHOUT_MONEY = {"customers.Forecast"}  # parameters of a model, and by how many visits it is off


@pytest.mark.parametrize("model", MODELS, ids=LABELS)
def test_money_is_integer_minor_units(model):
    amounts = [field for field in model._meta.get_fields() if field.name.endswith("_minor")]
    assert all(isinstance(field, models.IntegerField) for field in amounts)
    assert not [
        field
        for field in model._meta.get_fields()
        if isinstance(field, models.FloatField) and "score" not in field.name and model._meta.label not in WITHOUT_MONEY
    ]
