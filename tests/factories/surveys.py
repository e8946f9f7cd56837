"""Surveys, campaigns and deliveries."""

from datetime import date, timedelta

import factory
from factory.django import DjangoModelFactory

from loyalty_site.lib import codes
from surveys.models import (
    Campaign,
    Case,
    CaseChannel,
    Delivery,
    GestureBudget,
    GestureOffer,
    Occurrence,
    OccurrenceState,
    OpenLink,
    Question,
    QuestionKind,
    Survey,
)
from tests.factories.customers import AT, CustomerFactory, StoreFactory
from tests.factories.rewards import OfferFactory


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


class OpenLinkFactory(DjangoModelFactory):
    class Meta:
        model = OpenLink

    survey = factory.SubFactory(SurveyFactory)
    source = factory.Sequence(lambda n: f"Poster {n}")
    code = factory.LazyFunction(lambda: codes.generate(length=OpenLink.CODE_LENGTH))
    opened_at = AT


def occurrence_of(campaign: Campaign) -> Occurrence:
    """The campaign's first one."""
    return campaign.occurrences.first() or Occurrence.objects.create(
        campaign=campaign, local_date=AT.date(), due_at=AT, began_at=AT, state=OccurrenceState.CHOSEN
    )


class DeliveryFactory(DjangoModelFactory):
    """Waiting to be sent."""

    class Meta:
        model = Delivery

    campaign = factory.SubFactory(CampaignFactory)
    customer = factory.SubFactory(CustomerFactory)
    occurrence = factory.LazyAttribute(lambda own: occurrence_of(own.campaign))
    not_before = AT


class CaseFactory(DjangoModelFactory):
    """New, told on the hotline, of a customer and a store; without the event that it began with."""

    class Meta:
        model = Case

    customer = factory.SubFactory(CustomerFactory)
    channel = CaseChannel.HOTLINE
    store = factory.SubFactory(StoreFactory)
    subject = "The bread was stale"
    opened_at = AT
    opened_by = "user:1"
    due_at = AT + timedelta(hours=48)


class GestureBudgetFactory(DjangoModelFactory):
    """From January on."""

    class Meta:
        model = GestureBudget

    store = factory.SubFactory(StoreFactory)
    month = date(2026, 1, 1)
    points_max = 1000
    budget_minor = 10_000


class GestureOfferFactory(DjangoModelFactory):
    class Meta:
        model = GestureOffer

    offer = factory.SubFactory(OfferFactory)
    cost_minor = 500
