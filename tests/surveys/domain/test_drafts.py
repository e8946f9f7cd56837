import pytest
from django.utils import translation

from customers.models import AuditEvent
from loyalty_site.lib import actors
from surveys.domain import drafts, missing_texts, skips, surveys
from surveys.domain.surveys import Skip
from surveys.models import Question, QuestionChoice, SkipRule, Survey
from tests.factories.surveys import QuestionFactory, SurveyFactory

pytestmark = pytest.mark.django_db
BY = actors.user(1)


def said(survey):
    """All that customers meet, without ids."""
    places = {question.pk: question.position for question in survey.questions.all()}
    return [
        (
            question.position,
            question.kind,
            question.text,
            question.is_required,
            question.follow_up_at_most,
            [choice.text for choice in question.choices.order_by("position")],
            [
                (rule.at_least, rule.at_most, rule.choice and rule.choice.position, places.get(rule.goes_to_id))
                for rule in skips.rules(question)
            ],
        )
        for question in survey.questions.order_by("position")
    ]


@pytest.mark.parametrize("example", drafts.EXAMPLES)
def test_example_can_be_published_as_it_is_in_every_language(example, now):
    survey = drafts.begin(example=example, by=BY, at=now)
    assert missing_texts.of(survey) == []
    assert survey.published_at is None
    assert surveys.publish(survey=survey, by=BY, at=now).published_at == now


@pytest.mark.parametrize(
    ("example", "answers", "asked"),
    [
        ("purchase", {1: 5}, [1, 3]),
        ("purchase", {1: 2}, [1, 2, 3]),
        ("year", {1: 9}, [1, 3, 4]),
        ("year", {1: 6, 2: "Prices"}, [1, 2, 4]),
        ("return", {1: 7, 3: "Yes"}, [1, 3]),
        ("return", {1: 1, 3: "No, something is still open"}, [1, 2, 3, 4]),
    ],
)
def test_example_asks_what_concerns_the_customer(example, answers, asked, now):
    questions = skips.questions(drafts.begin(example=example, by=BY, at=now))
    given = {}
    for question in questions:
        value = answers.get(question.position)
        chosen = {choice.pk for choice in question.choices.all() if choice.text["en"] == value}
        if value is not None:
            given[question.pk] = frozenset(chosen) if chosen else value
    path = skips.asked(questions, given)
    assert [question.position for question in questions if question.pk in path] == asked


def test_example_is_named_in_the_language_of_whoever_takes_it(now):
    with translation.override("zh-hans"):
        assert drafts.begin(example="year", by=BY, at=now).name == "年度推荐意愿"
    assert AuditEvent.objects.get().data == {"example": "year"}


def test_copy_asks_the_same_and_can_be_changed(now):
    survey = drafts.begin(example="year", by=BY, at=now)
    Survey.objects.filter(pk=survey.pk).update(reward_points=50)
    survey = surveys.publish(survey=survey, by=BY, at=now)
    copy = drafts.copy(survey=survey, by=BY, at=now)
    assert said(copy) == said(survey)
    assert (copy.title, copy.reward_points, copy.follow_up_hours) == (survey.title, 50, 72)
    assert (copy.published_at, copy.closed_at) == (None, None)
    assert AuditEvent.objects.get(action="survey.copy").data == {"from": survey.pk}


def test_copy_leaves_the_rules_of_the_original_alone(now):
    survey = SurveyFactory()
    first, last = QuestionFactory(survey=survey), QuestionFactory(survey=survey)
    copy = drafts.copy(survey=survey, by=BY, at=now)
    copied = copy.questions.get(position=1)
    surveys.set_skips(question=copied, rules=[Skip(0, 6, None)])
    assert not first.skip_rules.exists()
    assert {first.survey_id, last.survey_id, copied.survey_id} == {survey.pk, copy.pk}


def test_copies_have_names_of_their_own(now):
    survey = SurveyFactory(name="Autumn")
    second = drafts.copy(survey=survey, by=BY, at=now)
    third = drafts.copy(survey=second, by=BY, at=now)
    long = drafts.copy(survey=SurveyFactory(name="x" * 200), by=BY, at=now)
    assert (second.name, third.name) == ("Autumn (2)", "Autumn (3)")
    assert len(long.name) <= 200


@pytest.mark.parametrize(
    ("model", "own"),
    [
        (Survey, {"id", "name", "published_at", "closed_at"}),
        (Question, {"id", "survey"}),
        (QuestionChoice, {"id", "question"}),
        (SkipRule, {"id", "question", "choice", "goes_to"}),
    ],
)
def test_copy_takes_every_column_over_that_is_not_its_own(model, own, now):
    survey = drafts.begin(example="return", by=BY, at=now)
    Survey.objects.filter(pk=survey.pk).update(reward_points=7, is_anonymous=True, follow_up_hours=None)
    copy = drafts.copy(survey=Survey.objects.get(pk=survey.pk), by=BY, at=now)
    columns = [field.name for field in model._meta.concrete_fields if field.name not in own]
    path = {Survey: "pk", Question: "survey", QuestionChoice: "question__survey", SkipRule: "question__survey"}[model]
    first, second = (
        list(model.objects.filter(**{path: row.pk}).order_by("pk").values(*columns)) for row in (survey, copy)
    )
    assert (len(first) > 0, first) == (True, second)
