"""Nothing in the database leads from the answer to an anonymous survey to who gave it."""

import json
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from django.db import connection
from django.test import Client

from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import PointsEntry
from surveys.domain import anonymity, audience, funnels, invitations, open_links, reports, responses
from surveys.domain.reports import Scope
from surveys.models import Answer, AnswerChoice, Delivery, QuestionChoice, SurveyResponse
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import OpenLinkFactory, QuestionFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
PEOPLE = 12
SAID_BY = SurveyResponse._meta.db_table
SAID = {SAID_BY, Answer._meta.db_table, AnswerChoice._meta.db_table}
# What the answer is. That two people scored alike leads nowhere.
CONTENT = {"number", "text", "choice_id", "question_id"}


@pytest.fixture(autouse=True)
def program():
    return ProgramFactory(timezone="Asia/Shanghai")


@pytest.fixture
def anonymous(survey):
    survey.is_anonymous = True
    survey.save()
    choosing = QuestionFactory(survey=survey, kind="MULTIPLE")
    for position in (1, 2):
        QuestionChoice.objects.create(question=choosing, position=position, text={"en": "x"})
    return survey


def submit(delivery, at, score=9):
    survey = delivery.campaign.survey
    scale, words, choosing = survey.questions.order_by("position")
    chosen = frozenset(choosing.choices.values_list("pk", flat=True))
    answers = {scale.pk: score, words.pk: f"Said by number {score}", choosing.pk: chosen}
    by = actors.customer(delivery.customer_id)
    return responses.submit(delivery=delivery, answers=answers, language="en", by=by, at=at)


def transactions(table):
    """The numbers of those that wrote its rows, the first before; a savepoint has a number of its own."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT xmin::text::bigint FROM {connection.ops.quote_name(table)} ORDER BY 1")
        return [xmin for (xmin,) in cursor.fetchall()]


def rows(table, order="row::text"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT row_to_json(row) FROM {connection.ops.quote_name(table)} row ORDER BY {order}")
        return [json.loads(row) if isinstance(row, str) else row for (row,) in cursor.fetchall()]


def values(row, without=frozenset()):
    """As text, with what stands inside of JSON."""
    return {json.dumps(value) for name, value in row.items() if name not in without and value not in (None, "", {}, [])}


def shared():
    """Values of one response's rows that no other response has, and that stand in a row of any other table."""
    elsewhere = set()
    for table in connection.introspection.table_names():
        if table not in SAID:
            for row in rows(table):
                elsewhere |= values(row)
    said = {row["id"]: values(row) for row in rows(SurveyResponse._meta.db_table)}
    of_answer = {}
    for row in rows(Answer._meta.db_table):
        of_answer[row["id"]] = row["response_id"]
        said[row["response_id"]] |= values(row, CONTENT)
    for row in rows(AnswerChoice._meta.db_table):
        said[of_answer[row["answer_id"]]] |= values(row, CONTENT)
    found = set()
    for pk, own in said.items():
        others = set().union(*(values for other, values in said.items() if other != pk))
        found |= (own - others) & elsewhere
    return found


def answer_all(due, now):
    """One after the other, over two hours, each with a score of their own."""
    for number in range(PEOPLE):
        submit(due(), now + timedelta(minutes=10 * number), score=number % 11)


def test_nothing_in_the_database_joins_an_answer_and_who_gave_it(anonymous, due, now):
    answer_all(due, now)
    assert SurveyResponse.objects.count() == PointsEntry.objects.count() == PEOPLE
    assert shared() == set()
    assert not SurveyResponse.objects.exclude(customer=None, delivery=None, points_entry=None, language="").exists()
    assert SurveyResponse.objects.values("submitted_at").distinct().count() == 1


def test_the_same_look_finds_who_answered_a_survey_with_names(survey, due, now):
    """Else the test above could not fail."""
    choosing = QuestionFactory(survey=survey, kind="MULTIPLE")
    QuestionChoice.objects.create(question=choosing, position=1, text={"en": "x"})
    answer_all(due, now)
    assert len(shared()) >= PEOPLE


def test_ids_do_not_tell_the_order_of_answering(anonymous, due, now):
    """Of 479,001,600 orders one is the order of answering."""
    answer_all(due, now)
    said = list(Answer.objects.exclude(text="").order_by("pk").values_list("text", flat=True))
    by_response = list(Answer.objects.exclude(text="").order_by("response_id").values_list("text", flat=True))
    arrived = [f"Said by number {number % 11}" for number in range(PEOPLE)]
    assert sorted(said) == sorted(by_response) == sorted(arrived)
    assert arrived not in (said, said[::-1], by_response, by_response[::-1])


def test_sequences_do_not_count_the_answers(anonymous, due, now):
    """They would tell how many answers came between two named ones."""
    submit(due(), now)
    for model in (SurveyResponse, Answer, AnswerChoice):
        assert min(model.objects.values_list("pk", flat=True)) >= 2**52


@pytest.mark.parametrize(
    ("told", "week"),
    [
        (datetime(2026, 6, 7, 15, 59, tzinfo=UTC), datetime(2026, 5, 31, 16, tzinfo=UTC)),  # Sunday, 23:59 in Shanghai
        (datetime(2026, 6, 7, 16, 0, tzinfo=UTC), datetime(2026, 6, 7, 16, tzinfo=UTC)),
    ],
)
def test_time_is_the_week_of_the_programme(told, week):
    assert anonymity.week(at=told) == week


def test_customer_is_thanked_and_their_link_is_spent(client, anonymous, due, now):
    delivery = due()
    page = f"/s/{responses.token_for(delivery)}/"
    assert "not which answer is yours" in client.get(page).text
    scale = anonymous.questions.get(position=1)
    assert "50 points are yours" in client.post(page, {f"q{scale.pk}": "2"}, follow=True).text
    assert "50 points are yours" in client.post(page, {f"q{scale.pk}": "9"}, follow=True).text
    assert Answer.objects.get().number == 2
    entry = PointsEntry.objects.get()
    assert (entry.customer_id, entry.reference) == (delivery.customer_id, f"survey-delivery:{delivery.pk}")
    delivery.refresh_from_db()
    assert delivery.answered_on is not None


def test_answering_again_finds_nothing_and_changes_nothing(anonymous, due, now):
    delivery = due()
    assert submit(delivery, now) is not None
    assert submit(delivery, now) is None
    assert (SurveyResponse.objects.count(), PointsEntry.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_fifty_submits_of_one_link_at_once_are_one_answer_and_one_reward(anonymous, due, now):
    delivery = due()
    page, scale = f"/s/{responses.token_for(delivery)}/", anonymous.questions.get(position=1)
    given = at_once(*[lambda: Client().post(page, {f"q{scale.pk}": "9"}).status_code] * 50)
    assert given == [302] * 50
    assert (SurveyResponse.objects.count(), PointsEntry.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_every_night_postgresql_forgets_who_wrote_when(anonymous, due, now):
    """Before, each answer stands beside its points; afterwards all have one transaction, and lie as their ids do."""
    answer_all(due, now)
    of_points = transactions(PointsEntry._meta.db_table)
    before = {table: rows(table) for table in SAID}
    assert len(of_points) == PEOPLE
    told = zip(of_points, transactions(SAID_BY), [*of_points[1:], inf], strict=True)
    assert all(its_points <= answer < next_points for its_points, answer, next_points in told)
    anonymity.mix(at=now + timedelta(days=1))
    [once] = {xmin for table in SAID for xmin in transactions(table)}
    assert once > of_points[-1]
    for table in SAID:
        assert sorted(map(json.dumps, rows(table))) == sorted(map(json.dumps, before[table]))
        ids = [row["id"] for row in rows(table, order="ctid")]
        assert ids == sorted(ids)


def test_mixing_leaves_answers_with_names_and_older_weeks_alone(survey, due, now):
    QuestionFactory(survey=survey, kind="MULTIPLE")
    QuestionChoice.objects.create(question=survey.questions.get(kind="MULTIPLE"), position=1, text={"en": "x"})
    submit(due(), now)
    survey.is_anonymous = True
    survey.save()
    old = due()
    submit(old, now - timedelta(weeks=3))
    place = [row["id"] for row in rows(SurveyResponse._meta.db_table, order="ctid")]
    anonymity.mix(at=now)
    assert [row["id"] for row in rows(SurveyResponse._meta.db_table, order="ctid")] == place


@pytest.mark.django_db(transaction=True)
def test_answer_that_cannot_be_thanked_is_not_kept(anonymous, due, now, monkeypatch):
    def fail(**kwargs):
        raise RuntimeError

    monkeypatch.setattr(points, "award", fail)
    with pytest.raises(RuntimeError):
        submit(due(), now)
    assert (SurveyResponse.objects.count(), Delivery.objects.exclude(answered_on=None).count()) == (0, 0)


def test_reports_count_the_answers_and_the_way_to_them(anonymous, sending, due, now):
    submit(due(), now)
    due()
    assert reports.report(Scope(anonymous)).responses == 1
    assert reports.report(Scope(anonymous, campaign=sending)).responses == 0
    assert funnels.funnel(Scope(anonymous)).answered == audience.answered().filter(campaign=sending).count() == 1


def test_mail_has_no_address_that_tells_a_score(anonymous, due, program):
    message = invitations.compose(delivery=due(), program=program)
    assert "score=" not in message.body + message.alternatives[0].content


def test_open_link_of_an_anonymous_survey_keeps_the_week_alone(anonymous, now):
    scale = anonymous.questions.get(position=1).pk
    link = OpenLinkFactory(survey=anonymous)
    told = {"customer": None, "page_key": "5f0c1d5e-8a53-4ba4-9a0c-0d5f5fd7a1b0", "language": "en"}
    response = open_links.submit(link=link, answers={scale: 9}, by=actors.SYSTEM, at=now, **told)
    assert (response.submitted_at, response.language) == (anonymity.week(at=now), "")
