from surveys.models.campaign import Campaign, CampaignState, Delivery, DeliveryState, SuppressionReason
from surveys.models.case import (
    WAITING,
    Case,
    CaseChannel,
    CaseEvent,
    CaseEventKind,
    CaseMail,
    CaseOutcome,
    CaseSeverity,
    CaseState,
)
from surveys.models.gesture import CaseGesture, GestureBudget, GestureOffer
from surveys.models.response import Answer, SurveyResponse
from surveys.models.survey import Question, QuestionKind, Survey

__all__ = [
    "Answer",
    "Campaign",
    "CampaignState",
    "Case",
    "CaseChannel",
    "CaseEvent",
    "CaseEventKind",
    "CaseGesture",
    "CaseMail",
    "CaseOutcome",
    "CaseSeverity",
    "CaseState",
    "Delivery",
    "DeliveryState",
    "GestureBudget",
    "GestureOffer",
    "Question",
    "QuestionKind",
    "SuppressionReason",
    "Survey",
    "SurveyResponse",
    "WAITING",
]
