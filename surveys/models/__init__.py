from surveys.models.campaign import Campaign, CampaignState, Delivery, DeliveryState, SuppressionReason
from surveys.models.response import Answer, SurveyResponse
from surveys.models.survey import Question, QuestionKind, Survey

__all__ = [
    "Answer",
    "Campaign",
    "CampaignState",
    "Delivery",
    "DeliveryState",
    "Question",
    "QuestionKind",
    "SuppressionReason",
    "Survey",
    "SurveyResponse",
]
