"""What a segment can be built of besides: answers to surveys that are not anonymous."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.domain.segment_facts import Choices, Fact, Facts, Input, days
from surveys.domain.scoring import SCALES
from surveys.models import QuestionKind, Survey

ANSWERS = _("Answers to surveys")
SCORE_MAX = 10


def _surveys() -> Choices:
    return list(Survey.objects.filter(is_anonymous=False).order_by("-pk").values_list("pk", "name"))


def _scales() -> Choices:
    return [(kind, QuestionKind(kind).label) for kind in SCALES]


_OF_SURVEY = """
    SELECT r.customer_id FROM surveys_surveyresponse r
    WHERE r.customer_id IS NOT NULL AND r.survey_id = %(survey)s
        AND r.submitted_at > %(at)s - make_interval(days => %(days)s)
"""
# the latest answer alone counts
_LATEST_SCORE = """
    SELECT latest.customer_id FROM (
        SELECT DISTINCT ON (r.customer_id) r.customer_id, a.number
        FROM surveys_surveyresponse r
        JOIN surveys_answer a ON a.response_id = r.id AND a.number IS NOT NULL
        JOIN surveys_question q ON q.id = a.question_id AND q.kind = %(scale)s
        WHERE r.customer_id IS NOT NULL AND r.submitted_at > %(at)s - make_interval(days => %(days)s)
        ORDER BY r.customer_id, r.submitted_at DESC, a.id DESC
    ) latest
    WHERE latest.number BETWEEN %(least)s AND %(most)s
"""

FACTS: Facts = {
    "answered": Fact(
        _("Survey answered"),
        ANSWERS,
        _("answered “%(survey)s” in the last %(days)s days"),
        _OF_SURVEY,
        (Input("survey", _("survey"), choices=_surveys), days(365)),
    ),
    "score": Fact(
        _("Score given"),
        ANSWERS,
        _("gave a latest %(scale)s score of %(least)s to %(most)s in the last %(days)s days"),
        _LATEST_SCORE,
        (
            Input("scale", pgettext_lazy("of scores", "scale"), choices=_scales),
            Input("least", _("at least"), low=0, high=SCORE_MAX, initial=0),
            Input("most", _("at most"), low=0, high=SCORE_MAX, initial=6),
            days(365),
        ),
    ),
}
