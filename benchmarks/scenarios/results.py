"""What a manager waits for: the page of the results of a survey with 100,000 answers."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.site import Site

ANSWERS = 100_000
ASKED = 4  # mails for each answer
MOST = 1.0  # seconds

Database = psycopg.Connection[Any]

_DELIVERIES = """
INSERT INTO surveys_delivery (campaign_id, occurrence_id, customer_id, touch, state, reason, attempts, not_before,
                              settled_at, opened_at, opened_by_program, smtp_reply)
SELECT %(campaign)s, %(occurrence)s, id, 1, 'ACCEPTED', '', 1, %(at)s, %(at)s, %(at)s, id %% 10 = 0, '250 OK'
FROM customers_customer ORDER BY id
"""
_RESPONSES = """
INSERT INTO surveys_surveyresponse (survey_id, delivery_id, customer_id, store_id, language, submitted_at)
SELECT %(survey)s, id, customer_id, (SELECT min(id) FROM customers_store), 'en',
       %(at)s + customer_id * interval '20 seconds'
FROM surveys_delivery WHERE customer_id %% %(asked)s = 0 ORDER BY id
"""
_ANSWERS = """
INSERT INTO surveys_answer (response_id, question_id, number, text)
SELECT response.id, question.id, CASE WHEN question.kind = 'NPS' THEN response.id %% 11 END,
       CASE WHEN question.kind = 'TEXT' THEN 'The queue was long, the bread was fresh.' ELSE '' END
FROM surveys_surveyresponse response, surveys_question question
"""


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    number = scale.rows(ANSWERS)
    with site.database() as database:
        make.programme()
        make.customers(database, number * ASKED)
        survey = _fill(database)
        make.settle_down(database)
        _page(survey, 0)  # its templates are read
        yield side_by_side(
            work=f"the page of a survey's results, {number:,} answers, {number * ASKED:,} mails",
            beside="1 s",
            limit=lambda _turn: MOST,
            ours=partial(_page, survey),
            unit="s",
            target=1.0,
            scale=scale,
        )


def _fill(database: Database) -> Any:
    from surveys.models import Campaign, Occurrence, Question, Survey

    survey = Survey.objects.create(title={"en": "How was it?"}, published_at=make.AT)
    for position, kind in enumerate(("NPS", "TEXT"), start=1):
        Question.objects.create(survey=survey, position=position, kind=kind, text={"en": kind})
    campaign = Campaign.objects.create(
        name="Visits", survey=survey, state="SENDING", starts_at=make.AT, scheduled_by="system", materialized_at=make.AT
    )
    occurrence = Occurrence.objects.create(
        campaign=campaign, local_date=make.AT.date(), due_at=make.AT, began_at=make.AT, state="CHOSEN"
    )
    told = {"survey": survey.pk, "campaign": campaign.pk, "occurrence": occurrence.pk, "at": make.AT, "asked": ASKED}
    with database.transaction():
        database.execute("SET LOCAL session_replication_role = replica")
        for statement in (_DELIVERIES, _RESPONSES, _ANSWERS):
            database.execute(statement, told)
    return survey


def _page(survey: Any, _turn: int) -> float:
    """As a browser gets it, from the view on."""
    from django.contrib import admin
    from django.test import RequestFactory

    from customers.models import User
    from rewards.models import Program
    from surveys.admin import results
    from surveys.models import Survey

    request: Any = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, email="bench@example.org")
    request.program = Program.objects.current()
    began = time.perf_counter()
    shown: Any = results.page(admin.site.get_model_admin(Survey), request, survey)
    shown.render()
    if shown.status_code != 200:
        raise RuntimeError(f"the page answers {shown.status_code}")
    return time.perf_counter() - began
