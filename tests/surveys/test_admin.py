"""Surveys, campaigns and what came of them, in the back office."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from customers.domain import consents
from customers.models import Purpose
from loyalty_site import roles
from loyalty_site.lib import actors
from surveys.domain import campaigns, responses
from surveys.models import (
    Campaign,
    CampaignState,
    Delivery,
    DeliveryState,
    Question,
    QuestionChoice,
    SkipRule,
    Survey,
    SurveyResponse,
)
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.surveys import CampaignFactory, DeliveryFactory, QuestionFactory, SurveyFactory
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

TEXTS = {
    f"{name}_{language}": text
    for name in ("title", "introduction", "thanks")
    for language, text in (("en", "How was it?"), ("zh-hans", "怎么样？"))
}


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


def act(row, name):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def questions(*told, initial=0):
    """A formset of (id, position, text)."""
    form = {"questions-TOTAL_FORMS": len(told), "questions-INITIAL_FORMS": initial}
    for number, (pk, position, text) in enumerate(told):
        row = {"id": pk, "position": position, "kind": "TEXT", "text_en": text, "text_zh-hans": ""}
        form |= {f"questions-{number}-{name}": value for name, value in row.items()}
    return form


def test_survey_is_written_with_its_questions_in_order(staff):
    form = {"name": "Autumn", "reward_points": "50", **TEXTS, **questions(("", "", "First"), ("", "", "Second"))}
    staff.post("/admin/surveys/survey/add/", form)
    survey = Survey.objects.get()
    assert survey.title == {"en": "How was it?", "zh-hans": "怎么样？"}
    assert [(q.position, q.text["en"]) for q in survey.questions.order_by("position")] == [(1, "First"), (2, "Second")]


def test_low_score_is_followed_up_as_written(staff):
    form = {"name": "Autumn", "reward_points": "0", "follow_up_hours": "24", **TEXTS, **questions(("", "", "Score"))}
    staff.post("/admin/surveys/survey/add/", {**form, "questions-0-kind": "NPS", "questions-0-follow_up_at_most": "6"})
    assert (Survey.objects.get().follow_up_hours, Question.objects.get().follow_up_at_most) == (24, 6)


def test_words_are_not_followed_up_by_score(staff):
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **questions(("", "", "Why?"))}
    page = staff.post("/admin/surveys/survey/add/", {**form, "questions-0-follow_up_at_most": "6"})
    assert "Words have no score that could be low." in page.content.decode()
    assert not Survey.objects.exists()


def test_low_score_is_one_of_the_scale(staff):
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **questions(("", "", "Satisfied?"))}
    form |= {"questions-0-kind": "CSAT", "questions-0-follow_up_at_most": "6"}
    page = staff.post("/admin/surveys/survey/add/", form)
    assert "This kind of question has no such score." in page.content.decode()
    staff.post("/admin/surveys/survey/add/", {**form, "questions-0-follow_up_at_most": "2"})
    assert list(Question.objects.values_list("kind", "follow_up_at_most")) == [("CSAT", 2)]


def choices(english, chinese="", kind="SINGLE"):
    """The form of a survey with one question."""
    form = {"name": "Autumn", "reward_points": "0", **TEXTS, **questions(("", "", "What?"))}
    lines = {"questions-0-choice_lines_en": english, "questions-0-choice_lines_zh-hans": chinese}
    return form | lines | {"questions-0-kind": kind}


@pytest.mark.parametrize("kind", ["SINGLE", "MULTIPLE"])
def test_choices_are_written_a_line_each(kind, staff):
    staff.post("/admin/surveys/survey/add/", choices("Bread\r\n\r\n Cake ", "面包\r\n蛋糕", kind))
    assert list(QuestionChoice.objects.order_by("position").values_list("position", "text")) == [
        (1, {"en": "Bread", "zh-hans": "面包"}),
        (2, {"en": "Cake", "zh-hans": "蛋糕"}),
    ]


@pytest.mark.parametrize(
    ("english", "chinese", "kind", "refusal"),
    [
        ("Bread\nCake", "面包", "SINGLE", "Each language needs the same number of lines."),
        ("Bread\nBread", "", "MULTIPLE", "A choice stands here twice."),
        ("Bread\nCake", "", "TEXT", "This kind of question has no choices."),
    ],
)
def test_choices_that_cannot_be_are_named(english, chinese, kind, refusal, staff):
    page = staff.post("/admin/surveys/survey/add/", choices(english, chinese, kind))
    assert refusal in page.content.decode()
    assert not Survey.objects.exists()


def test_choices_are_changed_in_their_place(staff):
    staff.post("/admin/surveys/survey/add/", choices("Bread\nCake\nTea"))
    survey, question = Survey.objects.get(), Question.objects.get()
    first = question.choices.get(position=1).pk
    page = staff.get(f"/admin/surveys/survey/{survey.pk}/change/").content.decode()
    assert "Bread\nCake\nTea</textarea>" in page
    form = choices("Rolls\nPie") | {"questions-INITIAL_FORMS": 1, "questions-0-id": question.pk}
    staff.post(f"/admin/surveys/survey/{survey.pk}/change/", {**form, "questions-0-survey": survey.pk})
    found = list(question.choices.order_by("position").values_list("pk", "text__en"))
    assert (found[0], [text for _pk, text in found]) == ((first, "Rolls"), ["Rolls", "Pie"])


def test_choices_of_a_published_survey_are_read(staff):
    staff.post("/admin/surveys/survey/add/", choices("Bread\nCake"))
    survey = Survey.objects.get()
    staff.post(act(survey, "publish"))
    assert "Bread · Cake" in staff.get(f"/admin/surveys/survey/{survey.pk}/change/").content.decode()


def test_page_of_a_response_says_what_was_chosen(staff, due, survey):
    question = QuestionFactory(survey=survey, kind="MULTIPLE")
    chosen = [
        QuestionChoice.objects.create(question=question, position=position, text={"en": text})
        for position, text in ((2, "Cake"), (1, "Bread"), (3, "Tea"))
    ][:2]
    delivery, by = due(), actors.customer(1)
    score = survey.questions.get(position=1).pk
    answers = {score: 9, question.pk: frozenset(choice.pk for choice in chosen)}
    response = responses.submit(delivery=delivery, answers=answers, language="en", by=by, at=timezone.now())
    page = staff.get(f"/admin/surveys/surveyresponse/{response.pk}/change/").content.decode()
    assert "Bread · Cake" in page
    assert "Tea" not in page


def test_questions_swap_places_and_a_new_one_comes_last(staff):
    survey = SurveyFactory(published_at=None)
    first, second = QuestionFactory(survey=survey), QuestionFactory(survey=survey)
    told = questions((first.pk, 2, "First"), (second.pk, 1, "Second"), ("", "", "Third"), initial=2)
    answer = staff.post(
        f"/admin/surveys/survey/{survey.pk}/change/",
        {"name": "Autumn", "reward_points": "0", **TEXTS, **told, "questions-0-survey": survey.pk},
    )
    assert answer.status_code == 302
    ordered = survey.questions.order_by("position")
    assert [(q.position, q.text["en"]) for q in ordered] == [(1, "Second"), (2, "First"), (3, "Third")]


def test_published_survey_keeps_its_questions(staff):
    survey = rows.make(Survey)
    question = survey.questions.get()
    staff.post(act(survey, "publish"))
    form = {"name": "Renamed", "reward_points": "99", **TEXTS}
    staff.post(
        f"/admin/surveys/survey/{survey.pk}/change/",
        {**form, **questions((question.pk, 1, "Changed"), ("", "", "New"), initial=1)},
    )
    survey.refresh_from_db()
    assert (survey.name, survey.reward_points) == ("Renamed", 0)
    assert [q.text for q in Question.objects.all()] == [question.text]


def test_published_questions_are_read_in_the_readers_language(staff):
    question = QuestionFactory(text={"en": "Why?", "zh-hans": "为什么？"})
    page = staff.get(f"/admin/surveys/survey/{question.survey_id}/change/").content.decode()
    assert ("Why?" in page, r"\u4e3a" in page) == (True, False)


def test_unfinished_survey_is_not_published(staff):
    survey = SurveyFactory(published_at=None)
    answer = staff.post(act(survey, "publish"))
    assert answer.context["form"].non_field_errors() == ["The survey has no question yet."]


def test_closing_a_survey_ends_it(staff):
    survey = SurveyFactory()
    staff.post(act(survey, "close"))
    survey.refresh_from_db()
    assert survey.closed_at


def test_only_unused_drafts_are_deleted(staff):
    draft, live = SurveyFactory(published_at=None), SurveyFactory()
    used = CampaignFactory(survey__published_at=None).survey
    answers = [
        staff.post(f"/admin/surveys/survey/{survey.pk}/delete/", {"post": "yes"}).status_code
        for survey in (draft, live, used)
    ]
    assert answers == [302, 403, 403]


@pytest.fixture
def audience():
    """Two who may be asked, one who said no, one without an address."""
    people = [CustomerFactory() for _ in range(3)] + [CustomerFactory(email="", phone="+8613812345678")]
    for customer in (*people[:2], people[3]):
        consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=actors.SYSTEM, at=rows.AT)
    return people


def test_preflight_says_who_will_get_it_and_why_the_others_not(staff, audience):
    page = staff.get(act(CampaignFactory(), "schedule"))
    preflight = page.context["preflight"]
    assert (preflight.total, preflight.will_send) == (4, 2)
    assert {reason.value: number for reason, number in preflight.reasons.items()} == {"NO_CONSENT": 1, "NO_EMAIL": 1}
    text = page.content.decode()
    assert "4 → 2" in text
    assert "no e-mail address" in text
    assert Campaign.objects.get().state == CampaignState.DRAFT


def test_campaign_is_scheduled_on_the_clock_of_a_zone(staff):
    campaign = CampaignFactory()
    later = {"when": "later", "start_date": "2030-03-01", "start_time": "09:00", "timezone": "Asia/Shanghai"}
    answer = staff.post(act(campaign, "schedule"), later, follow=True)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.starts_at) == (CampaignState.SCHEDULED, datetime(2030, 3, 1, 1, tzinfo=UTC))
    assert "9 a.m. (Asia/Shanghai)" in answer.content.decode()


def test_campaign_may_start_now(staff):
    campaign = CampaignFactory()
    staff.post(act(campaign, "schedule"), {"when": "now", "timezone": "Asia/Shanghai"})
    campaign.refresh_from_db()
    assert timezone.now() - campaign.starts_at < timedelta(minutes=2)
    assert campaign.state == CampaignState.SCHEDULED


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"when": "later", "start_time": "09:00", "timezone": "UTC"}, "start_date"),
        ({"when": "later", "start_date": "2030-03-01", "timezone": "UTC"}, "start_time"),
        ({"when": "now", "timezone": "Mars/Base"}, "timezone"),
        ({"timezone": "UTC"}, "when"),
        ({"when": "later", "start_date": "2020-03-01", "start_time": "09:00", "timezone": "UTC"}, "__all__"),
    ],
)
def test_campaign_is_not_scheduled_without(staff, told, field):
    answer = staff.post(act(CampaignFactory(), "schedule"), told)
    assert field in answer.context["form"].errors
    assert Campaign.objects.get().state == CampaignState.DRAFT


def test_campaign_is_paused_resumed_and_cancelled(staff, audience):
    campaign = CampaignFactory()
    staff.post(act(campaign, "schedule"), {"when": "now", "timezone": "UTC"})
    campaigns.materialize_due(at=timezone.now())
    states = []
    for name in ("pause", "resume", "cancel"):
        staff.post(act(campaign, name))
        campaign.refresh_from_db()
        states.append(campaign.state)
    assert states == [CampaignState.PAUSED, CampaignState.SENDING, CampaignState.CANCELLED]
    refused = staff.post(act(campaign, "resume"))
    assert "That is not possible now" in str(refused.context["form"].non_field_errors())


def test_campaign_shows_how_far_it_is(staff):
    campaign = CampaignFactory(state=CampaignState.SENDING, starts_at=rows.AT, scheduled_by="system")
    DeliveryFactory(campaign=campaign)
    DeliveryFactory(campaign=campaign, state=DeliveryState.ACCEPTED)
    DeliveryFactory(campaign=campaign, state=DeliveryState.SUPPRESSED, reason="NO_CONSENT")
    progress = staff.get(f"/admin/surveys/campaign/{campaign.pk}/change/").context["progress"]
    assert (progress["addressed"], progress["done"], progress["percent"]) == (2, 1, 50)
    for row in progress["states"]:
        listed = staff.get(row["url"]).context["cl"].result_list
        assert [delivery.state for delivery in listed] == [row["state"]] * row["number"]


def test_scheduled_campaign_keeps_its_audience(staff):
    campaign = CampaignFactory(state=CampaignState.SCHEDULED, starts_at=rows.AT, scheduled_by="system")
    staff.post(f"/admin/surveys/campaign/{campaign.pk}/change/", {"name": "Renamed", "bought_within_days": "7"})
    campaign.refresh_from_db()
    assert (campaign.name, campaign.bought_within_days) == ("Renamed", None)


def answered(survey, score, text="", **fields):
    customer = CustomerFactory(**fields)
    delivery = DeliveryFactory(campaign__survey=survey, customer=customer, state=DeliveryState.ACCEPTED)
    scale, words = survey.questions.order_by("position")
    told = {scale.pk: score, **({words.pk: text} if text else {})}
    return responses.submit(
        delivery=delivery, answers=told, language="en", by=actors.customer(delivery.customer_id), at=rows.LATER
    )


def test_results_show_the_score_its_interval_and_the_words(staff):
    survey = SurveyFactory()
    QuestionFactory(survey=survey)
    QuestionFactory(survey=survey, kind="TEXT")
    for score, text in ((10, "Lovely <b>staff</b>"), (9, ""), (7, ""), (3, "Too slow")):
        answered(survey, score, text)
    page = staff.get(act(survey, "results"))
    text = page.content.decode()
    [scale] = page.context["questions"]
    assert scale["said"]["value"] == "25"
    assert [bar["count"] for bar in scale["bars"]] == [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1]
    assert [step["number"] for step in page.context["steps"]] == [4, 4, 4, 4, 4]
    assert "95 % interval" in text
    assert "Lovely &lt;b&gt;staff&lt;/b&gt;" in text
    assert "Too slow" in text


def test_results_of_nobody_say_so(staff):
    survey = QuestionFactory().survey
    text = staff.get(act(survey, "results")).content.decode()
    assert "No answers yet." in text
    assert "Nobody has written anything like that yet." in text


@pytest.fixture
def talked_about():
    """A survey with a scale and a text, answered in Chinese by a customer of a store."""
    survey = SurveyFactory()
    QuestionFactory(survey=survey)
    QuestionFactory(survey=survey, kind="TEXT")
    answered(survey, 2, "=1+1 牛奶过期")
    return survey


@pytest.mark.parametrize(("search", "is_found"), [("牛奶", True), ("面包", False)])
def test_results_are_searched(staff, talked_about, search, is_found):
    page = staff.get(act(talked_about, "results"), {"search": search})
    assert ("牛奶过期" in page.content.decode()) is is_found


@pytest.mark.parametrize(
    "query", [{"since": "x"}, {"since": "2026-02-02", "until": "2026-02-01"}, {"store": "99"}, {"question": "x"}]
)
def test_results_with_a_bad_filter_are_shown_with_what_is_wrong(staff, talked_about, query):
    page = staff.get(act(talked_about, "results"), query)
    assert page.status_code == 200
    assert bool(page.context["form"].errors) is ("question" not in query)


def test_results_of_one_day(staff, talked_about):
    day = rows.LATER.date()
    page = staff.get(act(talked_about, "results"), {"since": day.isoformat(), "until": day.isoformat()})
    assert page.context["found"].responses == 1
    page = staff.get(act(talked_about, "results"), {"since": (day + timedelta(days=2)).isoformat()})
    assert page.context["found"].responses == 0


def test_words_that_stand_out_are_a_page(staff, talked_about):
    page = staff.get(act(talked_about, "results"), {"view": "themes"})
    assert "No word stands out." in page.content.decode()


def test_responses_are_a_file_without_formulas(staff, talked_about):
    file = staff.get(act(talked_about, "results"), {"file": "responses"})
    heading, line = b"".join(file.streaming_content).decode().splitlines()
    assert heading.startswith("response,submitted_at,campaign,store,customer,language,q1,q2")
    assert line.endswith(",2,'=1+1 牛奶过期")


def test_staff_of_stores_see_what_is_said_of_these(client):
    survey = SurveyFactory()
    QuestionFactory(survey=survey)
    QuestionFactory(survey=survey, kind="TEXT")
    own, other = StoreFactory(), StoreFactory()
    for store, text in ((own, "Lovely"), (other, "Too slow")):
        answered(survey, 5, text, home_store=store)
    roles.sync()
    manager = UserFactory(is_staff=True, password=None)
    manager.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    manager.stores.add(own)
    client.force_login(manager)
    page = client.get(act(survey, "results"), {"store": other.pk})
    assert page.context["found"].responses == 1
    text = page.content.decode()
    assert ("Lovely" in text, "Too slow" in text) == (True, False)
    lines = b"".join(client.get(act(survey, "results"), {"file": "responses"}).streaming_content).decode()
    assert ("Lovely" in lines, "Too slow" in lines) == (True, False)


def test_response_page_shows_the_answers(staff):
    given = rows.make(SurveyResponse)
    page = staff.get(f"/admin/surveys/surveyresponse/{given.pk}/change/").content.decode()
    assert "Question 1" in page
    assert Delivery.objects.get().customer.name in page


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
