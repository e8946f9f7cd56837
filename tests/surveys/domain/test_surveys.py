import pytest

from customers.models import AuditEvent
from loyalty_site.lib import actors
from surveys.domain import campaigns, surveys
from surveys.domain.surveys import Skip
from surveys.models import CampaignState, DeliveryState, QuestionChoice, SuppressionReason
from tests.factories.surveys import QuestionFactory, SurveyFactory

pytestmark = pytest.mark.django_db
BY = actors.user(1)


@pytest.fixture
def draft():
    return SurveyFactory(published_at=None, title={"en": "How was it?"})


def test_publish_numbers_the_questions_from_one(draft, now):
    for position in (7, 3, 40):
        QuestionFactory(survey=draft, position=position, text={"en": f"{position}"})
    published = surveys.publish(survey=draft, by=BY, at=now)
    assert published.published_at == now
    assert list(draft.questions.order_by("position").values_list("position", "text__en")) == [
        (1, "3"),
        (2, "7"),
        (3, "40"),
    ]
    assert AuditEvent.objects.get().action == "survey.publish"


def test_publish_refuses_a_survey_without_questions(draft, now):
    with pytest.raises(surveys.SurveyHasNoQuestion):
        surveys.publish(survey=draft, by=BY, at=now)


def test_publish_refuses_a_survey_without_title(now):
    untitled = SurveyFactory(published_at=None, title={})
    with pytest.raises(surveys.SurveyHasNoTitle):
        surveys.publish(survey=untitled, by=BY, at=now)


def test_publish_names_the_question_without_text(draft, now):
    QuestionFactory(survey=draft, text={"zh-hans": "好吗？"})
    QuestionFactory(survey=draft, text={"en": ""})
    with pytest.raises(surveys.QuestionHasNoText) as refusal:
        surveys.publish(survey=draft, by=BY, at=now)
    assert str(refusal.value) == "Question 2 has no text yet."


def test_publish_twice_is_refused(survey, now):
    with pytest.raises(surveys.SurveyAlreadyPublished):
        surveys.publish(survey=survey, by=BY, at=now)


def test_close_cancels_what_is_still_sent(due, survey, now):
    delivery = due()
    assert surveys.close(survey=survey, by=BY, at=now).closed_at == now
    delivery.refresh_from_db()
    delivery.campaign.refresh_from_db()
    assert delivery.campaign.state == CampaignState.CANCELLED
    assert (delivery.state, delivery.reason) == (DeliveryState.SUPPRESSED, SuppressionReason.CANCELLED)


def test_close_twice_is_refused(survey, now):
    surveys.close(survey=survey, by=BY, at=now)
    with pytest.raises(campaigns.SurveyNotOpen):
        surveys.close(survey=survey, by=BY, at=now)


def test_close_refuses_a_draft(draft, now):
    with pytest.raises(campaigns.SurveyNotOpen):
        surveys.close(survey=draft, by=BY, at=now)


@pytest.mark.parametrize("kind", ["SINGLE", "MULTIPLE"])
def test_publish_asks_for_two_choices(draft, now, kind):
    question = QuestionFactory(survey=draft, kind=kind)
    QuestionChoice.objects.create(question=question, position=1, text={"en": "Bread"})
    with pytest.raises(surveys.QuestionHasFewChoices) as refusal:
        surveys.publish(survey=draft, by=BY, at=now)
    assert str(refusal.value) == "Question 1 needs two choices or more."
    surveys.set_choices(question=question, texts=[{"en": "Bread"}, {"zh-hans": "蛋糕"}])
    assert surveys.publish(survey=draft, by=BY, at=now).published_at == now


def test_publish_refuses_a_choice_without_text(draft, now):
    question = QuestionFactory(survey=draft, kind="SINGLE")
    surveys.set_choices(question=question, texts=[{"en": "Bread"}, {}])
    with pytest.raises(surveys.ChoiceHasNoText):
        surveys.publish(survey=draft, by=BY, at=now)


def test_choices_of_a_published_survey_stay(survey):
    question = QuestionFactory(survey=survey, kind="SINGLE")
    with pytest.raises(surveys.SurveyAlreadyPublished):
        surveys.set_choices(question=question, texts=[{"en": "Bread"}])
    assert not QuestionChoice.objects.exists()


@pytest.mark.parametrize(
    ("first", "last", "target", "refusal"),
    [
        (0, 10, 2, "Question 2 is never asked: all answers skip it."),
        (11, 20, 2, "Question 1 has a skip rule that no answer ever comes to."),
        (0, 6, 2, None),
        (0, 6, None, None),
    ],
)
def test_publish_walks_the_skip_rules(draft, now, first, last, target, refusal):
    asked = [QuestionFactory(survey=draft, is_required=True) for _number in range(3)]
    goes_to = None if target is None else asked[target]
    surveys.set_skips(question=asked[0], rules=[Skip(first, last, goes_to)])
    if refusal is None:
        assert surveys.publish(survey=draft, by=BY, at=now).published_at == now
        return
    with pytest.raises(surveys.QuestionLeadsAstray) as refused:
        surveys.publish(survey=draft, by=BY, at=now)
    assert str(refused.value) == refusal


def test_publish_refuses_rules_that_lead_back(draft, now):
    first, second = QuestionFactory(survey=draft), QuestionFactory(survey=draft)
    surveys.set_skips(question=second, rules=[Skip(0, 6, first)])
    with pytest.raises(surveys.QuestionLeadsAstray) as refused:
        surveys.publish(survey=draft, by=BY, at=now)
    assert str(refused.value).startswith("Question 2 leads back")


def test_skip_rules_of_a_published_survey_stay(survey):
    with pytest.raises(surveys.SurveyAlreadyPublished):
        surveys.set_skips(question=survey.questions.get(position=1), rules=[Skip(0, 6, None)])
