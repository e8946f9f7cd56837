from datetime import timedelta

import pytest
from django.core import mail

from customers.models import Customer, Purpose
from surveys.domain import deliveries
from surveys.models import Campaign, CampaignState, Delivery
from tests.factories.customers import ConsentFactory, CustomerFactory, UserFactory
from tests.factories.surveys import CampaignFactory, DeliveryFactory, QuestionFactory, SurveyFactory


@pytest.fixture
def willing():
    """Makes a customer who allows surveys by mail."""

    def make(**fields: object) -> Customer:
        customer = CustomerFactory(**fields)
        ConsentFactory(customer=customer, purpose=Purpose.SURVEY_EMAIL)
        return customer

    return make


@pytest.fixture
def survey():
    """Published: one scale that must be answered, one text that may be; 50 points."""
    survey = SurveyFactory(title={"en": "How was it?", "zh-hans": "您满意吗？"}, reward_points=50)
    text = {"en": "Would you recommend us?", "zh-hans": "您会推荐我们吗？"}
    QuestionFactory(survey=survey, position=1, kind="NPS", text=text, is_required=True)
    QuestionFactory(survey=survey, position=2, kind="TEXT", text={"en": "What should we do better?"})
    return survey


@pytest.fixture
def sending(survey, now) -> Campaign:
    """A campaign whose audience is frozen."""
    return CampaignFactory(
        survey=survey, state=CampaignState.SENDING, starts_at=now, scheduled_by="user:1", materialized_at=now
    )


@pytest.fixture
def due(sending, willing, now):
    """Makes a delivery that can be sent."""

    def make(**fields: object) -> Delivery:
        not_before = now - timedelta(minutes=1)
        return DeliveryFactory(campaign=sending, customer=willing(**fields), not_before=not_before)

    return make


@pytest.fixture
def send(now):
    def send_due(*, at=now, seconds=60):
        return deliveries.send_due(
            mailer=mail.get_connection(), clock=lambda: at, until=at + timedelta(seconds=seconds)
        )

    return send_due


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client
