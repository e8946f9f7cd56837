"""Skip rules in the back office."""

import pytest

from surveys.models import (
    SkipRule,
    Survey,
)
from tests.surveys.admin_forms import TEXTS, questions

pytestmark = pytest.mark.django_db


def skipping(lines, kind="NPS"):
    """The form of a survey whose first question has skip rules; three more questions follow."""
    told = questions(("", "", "Recommend?"), ("", "", "Why?"), ("", "", "What was good?"), ("", "", "Anything else?"))
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **told, "questions-0-kind": kind}
    return form | {"questions-0-skip_lines": lines, "questions-0-is_required": "on"}


def rules():
    found = SkipRule.objects.order_by("pk").select_related("goes_to", "choice")
    return [(rule.at_least, rule.at_most, rule.choice and rule.choice.text["en"], str(rule.goes_to)) for rule in found]


def test_skip_rules_are_written_a_line_each_and_shown_as_written(staff):
    staff.post("/admin/surveys/survey/add/", skipping("7–8 > END\r\n 9-10>3\r\n"))
    assert rules() == [(7, 8, None, "None"), (9, 10, None, "What was good?")]
    page = staff.get(f"/admin/surveys/survey/{Survey.objects.get().pk}/change/").content.decode()
    assert "7-8 &gt; end\n9-10 &gt; 3</textarea>" in page


def test_skip_rules_name_choices_by_their_lines(staff):
    form = skipping("2-3 > end", kind="SINGLE") | {"questions-0-choice_lines_en": "Bread\nCake\nTea"}
    staff.post("/admin/surveys/survey/add/", form)
    assert rules() == [(None, None, "Cake", "None"), (None, None, "Tea", "None")]
    page = staff.get(f"/admin/surveys/survey/{Survey.objects.get().pk}/change/").content.decode()
    assert "\n2-3 &gt; end</textarea>" in page


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ("0-6", "“0-6” does not say which answers lead to which question."),
        ("0-6 > 1", "There is no later question 1."),
        ("0-6 > 5", "There is no later question 5."),
        ("6-0 > 3", "“6-0 &gt; 3” begins above its end."),
    ],
)
def test_skip_rules_that_cannot_be_are_named(staff, lines, refusal):
    page = staff.post("/admin/surveys/survey/add/", skipping(lines))
    assert refusal in page.content.decode()
    assert not Survey.objects.exists()


def test_skip_rules_follow_their_question_when_it_is_moved(staff):
    staff.post("/admin/surveys/survey/add/", skipping("9-10 > 3"))
    survey = Survey.objects.get()
    rows = list(survey.questions.order_by("position"))
    told = questions(
        *[(row.pk, place, row.text["en"]) for row, place in zip(rows, (1, 2, 4, 3), strict=True)], initial=4
    )
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **told, "questions-0-kind": "NPS"}
    form |= {"questions-0-skip_lines": "9-10 > 3", **{f"questions-{place}-survey": survey.pk for place in range(4)}}
    assert staff.post(f"/admin/surveys/survey/{survey.pk}/change/", form).status_code == 302
    assert rules() == [(9, 10, None, "What was good?")]
    assert SkipRule.objects.get().goes_to.position == 4
