"""Surveys, campaigns and deliveries."""

import factory
from factory.django import DjangoModelFactory

from surveys.models import Campaign, Delivery, Question, QuestionKind, Survey
from tests.factories.customers import AT, CustomerFactory


class SurveyFactory(DjangoModelFactory):
    """Published, without questions and without points."""

    class Meta:
        model = Survey

    name = factory.Sequence(lambda n: f"Survey {n}")
    title = factory.LazyAttribute(lambda own: {"en": own.name})
    published_at = AT


class QuestionFactory(DjangoModelFactory):
    class Meta:
        model = Question

    survey = factory.SubFactory(SurveyFactory)
    position = factory.LazyAttribute(lambda own: own.survey.questions.count() + 1)
    kind = QuestionKind.NPS
    text = factory.LazyAttribute(lambda own: {"en": f"Question {own.position}"})


class CampaignFactory(DjangoModelFactory):
    """A draft."""

    class Meta:
        model = Campaign

    name = factory.Sequence(lambda n: f"Campaign {n}")
    survey = factory.SubFactory(SurveyFactory)


class DeliveryFactory(DjangoModelFactory):
    """Waiting to be sent."""

    class Meta:
        model = Delivery

    campaign = factory.SubFactory(CampaignFactory)
    customer = factory.SubFactory(CustomerFactory)
    not_before = AT
