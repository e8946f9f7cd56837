from surveys.models.campaign import (
    STANDING,
    Campaign,
    CampaignState,
    CampaignTrigger,
    Interval,
    Occurrence,
    OccurrenceState,
)
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
from surveys.models.delivery import TO_SEND, Delivery, DeliveryState, SuppressionReason
from surveys.models.gesture import CaseGesture, GestureBudget, GestureOffer
from surveys.models.intent import Intent
from surveys.models.open_link import OpenLink
from surveys.models.question import CHOOSING, SCALES, Question, QuestionChoice, QuestionKind, SkipRule
from surveys.models.response import Answer, AnswerChoice, PartialResponse, SurveyResponse
from surveys.models.survey import Survey

__all__ = [
    "Answer",
    "AnswerChoice",
    "CHOOSING",
    "Campaign",
    "CampaignState",
    "CampaignTrigger",
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
    "Intent",
    "OpenLink",
    "Interval",
    "Occurrence",
    "OccurrenceState",
    "PartialResponse",
    "Question",
    "QuestionChoice",
    "QuestionKind",
    "SCALES",
    "STANDING",
    "SkipRule",
    "SuppressionReason",
    "Survey",
    "SurveyResponse",
    "TO_SEND",
    "WAITING",
]
