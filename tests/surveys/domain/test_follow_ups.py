"""A low score opens a case, in the transaction of the response, once."""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group

from customers.models import Store
from loyalty_site import roles
from loyalty_site.lib import actors
from surveys.domain import follow_ups, responses
from surveys.models import Case, CaseChannel, CaseState, Question, SurveyResponse
from tests.factories.customers import PurchaseFactory, StoreFactory, UserFactory
from tests.factories.surveys import DeliveryFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def following(survey):
    """The survey, whose scores up to 6 are followed up within a day."""
    survey.follow_up_hours = 24
    survey.save()
    Question.objects.filter(survey=survey, position=1).update(follow_up_at_most=6)
    return survey


@pytest.fixture
def submit(due, survey, now):
    scale, text = survey.questions.order_by("position").values_list("pk", flat=True)

    def answer(score, words="", *, delivery=None, **customer):
        delivery = responses.read_token(responses.token_for(delivery or due(**customer)))
        told = {scale: score, **({text: words} if words else {})}
        by = actors.customer(delivery.customer_id)
        return responses.submit(delivery=delivery, answers=told, language="en", by=by, at=now)

    return answer


def test_low_score_opens_a_case_of_the_store_where_they_are_at_home(following, submit, now):
    roles.sync()
    store = StoreFactory()
    lena = UserFactory(password=None)
    lena.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    lena.stores.add(store)
    response = submit(6, "I waited half an hour.", home_store=store)
    case = Case.objects.get()
    assert (case.response, case.customer, case.channel) == (response, response.customer, CaseChannel.SURVEY)
    assert (case.store, case.owner, case.state) == (store, lena, CaseState.ASSIGNED)
    assert (case.opened_at, case.due_at) == (now, now + timedelta(hours=24))
    assert case.subject == "6 · I waited half an hour."
    assert case.events.first().actor == f"customer:{response.customer_id}"


def test_case_of_a_purchase_is_the_business_of_its_store(following, submit, sending, willing):
    purchase = PurchaseFactory()
    customer = willing(home_store=StoreFactory())
    submit(2, delivery=DeliveryFactory(campaign=sending, customer=customer, purchase=purchase, occurrence=None))
    assert Case.objects.get().store == purchase.store


def test_case_without_words_says_what_was_asked(following, submit):
    submit(0)
    assert Case.objects.get().subject == "0 · Would you recommend us?"


@pytest.mark.parametrize("score", [7, 10])
def test_other_scores_open_none(following, submit, score):
    submit(score, "Too loud.")
    assert not Case.objects.exists()


def test_survey_that_follows_nothing_up_opens_none(survey, submit):
    Question.objects.filter(position=1).update(follow_up_at_most=6)
    submit(0)
    assert not Case.objects.exists()


def test_answered_again_it_opens_none_more(following, submit, due):
    delivery = due()
    submit(2, delivery=delivery)
    submit(1, delivery=delivery)
    assert Case.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_submits_at_once_open_one_case(following, submit, due):
    delivery = due(home_store=StoreFactory())
    at_once(*[partial(submit, 3, delivery=delivery)] * 20)
    assert (SurveyResponse.objects.count(), Case.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_case_that_cannot_be_opened_keeps_no_response(following, submit, monkeypatch):
    def fail(**kwargs):
        raise RuntimeError

    monkeypatch.setattr(follow_ups.cases, "begin", fail)
    with pytest.raises(RuntimeError):
        submit(2)
    assert not SurveyResponse.objects.exists()


def test_customer_without_a_store_has_a_case_of_nobody(following, submit):
    submit(2)
    assert (Case.objects.get().store, Store.objects.exists()) == (None, False)
