"""A customer's page is sent at the very moment at which they are merged: it is done for who stands for them then."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from customers.domain import consents
from customers.domain.customers import CustomerMerged
from customers.models import Customer, Preference, ProductRating, Purpose
from loyalty_site import merges
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import letters, points
from rewards.models import Coupon, PointsEntry, RewardRedemption
from surveys.domain import responses
from surveys.models import PartialResponse, SurveyResponse
from tests.factories.customers import CategoryFactory, CustomerFactory, ProductFactory
from tests.factories.rewards import CouponFactory, ProgramFactory, RewardFactory
from tests.factories.surveys import CampaignFactory, DeliveryFactory, OpenLinkFactory, QuestionFactory, SurveyFactory
from tests.races import behind
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _programme(db, now, time_machine):
    ProgramFactory()
    time_machine.move_to(now, tick=False)


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


@pytest.fixture
def target():
    return CustomerFactory(name="M. Bell")


@pytest.fixture
def post(mia, target, now):
    """Sends a form while Mia's merge is done and not yet committed. The answer of the site."""

    def sent(url, told, client=None):
        def merge():
            return merges.merge(source=mia, target=target, reason="", by=SYSTEM, at=now)

        client = client or signed_in(mia)
        _merge, answer = behind(merge, lambda: client.post(url, told))
        if isinstance(answer, Exception):
            raise answer
        assert Customer.objects.get(pk=mia.pk).merged_into == target
        return answer

    return sent


@pytest.fixture
def question():
    return QuestionFactory(survey=SurveyFactory(reward_points=50))


@pytest.fixture
def delivery(question, mia):
    return DeliveryFactory(campaign=CampaignFactory(survey=question.survey), customer=mia)


def test_answer_to_a_mail_is_the_target_s(post, question, delivery, target):
    url = reverse("survey", args=[responses.token_for(delivery)])
    answer = post(url, {f"q{question.pk}": "9"}, client=Client())
    assert (answer.status_code, answer.url) == (302, url)
    response = SurveyResponse.objects.get()
    assert (response.customer, response.points_entry.customer_id) == (target, target.pk)


def test_answer_that_was_begun_is_kept(post, question, delivery):
    url = reverse("survey", args=[responses.token_for(delivery)])
    assert post(url, {f"q{question.pk}": "9", "keep": "quietly"}, client=Client()).status_code == 204
    assert PartialResponse.objects.get().answers == {str(question.pk): 9}


def test_answer_to_a_poster_is_the_target_s(post, question, target):
    url = reverse("survey-open", args=[OpenLinkFactory(survey=question.survey).code])
    assert post(url, {f"q{question.pk}": "9", "page_key": str(uuid4())}).status_code == 302
    assert SurveyResponse.objects.get().customer == target
    assert PointsEntry.objects.get(kind="AWARD").customer_id == target.pk


@pytest.mark.parametrize("part", ["details", "preferences", "consents"])
def test_what_they_say_of_themselves_counts_for_the_target(post, target, part):
    category = CategoryFactory()
    told = {"name": "Mia Bell", "language": "en", "categories": [category.pk], "survey_email": "on"}
    assert post("/me/", {**told, "part": part}).status_code == 302
    target.refresh_from_db()
    liked = [preference.category for preference in Preference.objects.filter(customer=target)]
    allowed = consents.allows(customer=target, purpose=Purpose.SURVEY_EMAIL)
    done = {"details": target.name == "Mia Bell", "preferences": liked == [category], "consents": allowed}
    assert done == {each: each == part for each in done}


def test_what_is_not_for_them_is_not_for_the_target(post, target):
    product = ProductFactory()
    assert post("/me/not-for-me/", {"sku": product.sku}).status_code == 302
    assert ProductRating.objects.get().customer == target


def test_code_that_they_bring_goes_to_the_target(post, target):
    assert post("/coupons/", {"code": CouponFactory().code}).status_code == 302
    assert Coupon.objects.get().customer == target


def test_reward_that_they_take_is_the_target_s(post, mia, target, now):
    points.award(customer=mia, points=100, reference="a", by=SYSTEM, at=now)
    reward = RewardFactory(cost_points=100)
    assert post(f"/rewards/{reward.pk}/", {"token": str(uuid4()), "cost": "100"}).status_code == 302
    assert RewardRedemption.objects.get().customer == target
    assert points.summary(customer=target, at=now).balance == 0


def test_reward_that_was_taken_before_is_not_taken_again(post, mia, target, now):
    points.award(customer=mia, points=200, reference="a", by=SYSTEM, at=now)
    url, yes = f"/rewards/{RewardFactory(cost_points=100).pk}/", {"token": str(uuid4()), "cost": "100"}
    client = signed_in(mia)
    first, second = client.post(url, yes), post(url, yes, client)
    assert (second.status_code, second.url) == (302, first.url)
    assert RewardRedemption.objects.get().customer == target
    assert points.summary(customer=target, at=now).balance == 100


def test_mails_that_they_choose_go_to_the_target(post, mia, target):
    answer = post(f"/news/{letters.token_for(mia)}/", {"marketing_email": "on"}, client=Client())
    assert answer.status_code == 200
    assert consents.allows(customer=target, purpose=Purpose.MARKETING_EMAIL)


def test_who_is_merged_again_at_that_moment_is_told(mia, monkeypatch):
    def refuse(**_told):
        raise CustomerMerged

    monkeypatch.setattr(consents, "choose", refuse)
    answer = signed_in(mia).post("/me/", {"part": "consents"})
    assert answer.status_code == 409
    assert "Nothing is lost" in answer.text
