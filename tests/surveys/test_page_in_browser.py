import pytest
from django.urls import reverse

from loyalty_site.lib import actors
from surveys.domain import drafts, responses, surveys
from surveys.domain.surveys import Skip
from surveys.models import Answer, Survey, SurveyResponse
from tests.factories.surveys import AT, DeliveryFactory, QuestionFactory, SurveyFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Prices was ticked before the satisfaction that is asked no reasons was chosen.
PICKED = [("CSAT", "1"), ("MULTIPLE", "Prices"), ("CSAT", "5"), ("NPS", "9"), ("CES", "7"), ("SINGLE", "Yes")]


@pytest.fixture
def url(live_server, due):
    return live_server.url + reverse("survey", args=[responses.token_for(due())])


@pytest.fixture
def phone(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_customer_answers_on_a_phone_by_keyboard_without_javascript(phone, url):
    phone.goto(url)
    phone.locator("input[type=radio]").first.focus()
    phone.keyboard.press("Space")
    for _ in range(9):
        phone.keyboard.press("ArrowRight")
    phone.keyboard.press("Tab")
    phone.keyboard.type("More bread")
    phone.keyboard.press("Tab")
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Thank you!").wait_for()
    assert set(Answer.objects.values_list("number", "text")) == {(9, ""), (None, "More bread")}


def test_page_fits_a_phone_and_asks_no_other_host(browser, url, live_server):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, hosts, complaints = context.new_page(), set(), []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: complaints.append(message.text))
    for path in ("", "?score=9", "unsubscribe/"):
        page.goto(url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()
    assert (hosts, complaints) == ({live_server.url.split("/")[2]}, [])


@pytest.fixture
def every_kind():
    """One question of each kind; low satisfaction is asked why, everybody else is not; who got nothing is done."""
    survey = SurveyFactory(title={"en": "All of it"}, reward_points=5)
    asked = {
        kind: QuestionFactory(survey=survey, kind=kind, text={"en": f"About {kind}"}, is_required=kind != "TEXT")
        for kind in ("CSAT", "MULTIPLE", "NPS", "CES", "SINGLE", "TEXT")
    }
    Survey.objects.filter(pk=survey.pk).update(published_at=None)
    long = "A choice whose words are so long that a narrow phone has to break them into several lines of text"
    surveys.set_choices(question=asked["MULTIPLE"], texts=[{"en": "Prices"}, {"en": long}, {"en": "Waiting"}])
    surveys.set_choices(question=asked["SINGLE"], texts=[{"en": "Yes"}, {"en": "No"}])
    surveys.set_skips(question=asked["CSAT"], rules=[Skip(4, 5, asked["NPS"])])
    surveys.set_skips(question=asked["SINGLE"], rules=[Skip(1, 1, None)])
    surveys.publish(survey=survey, by=actors.user(1), at=AT)
    return survey


@pytest.fixture
def narrow(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


def test_every_kind_is_answered_on_a_phone_and_only_what_is_asked_is_shown(narrow, live_server, every_kind):
    delivery = DeliveryFactory(campaign__survey=every_kind)
    narrow.goto(live_server.url + reverse("survey", args=[responses.token_for(delivery)]))

    def shown():
        return [kind for kind in ("CSAT", "MULTIPLE", "NPS", "CES", "SINGLE", "TEXT") if is_shown(kind)]

    def is_shown(kind):
        return narrow.locator(".question", has_text=f"About {kind}").is_visible()

    def choose(kind, label):
        narrow.locator(".question", has_text=f"About {kind}").locator("label", has_text=label).first.click()

    assert narrow.evaluate("document.documentElement.scrollWidth") == 390
    choose("CSAT", "5")
    assert shown() == ["CSAT", "NPS", "CES", "SINGLE", "TEXT"]
    choose("CSAT", "2")
    choose("SINGLE", "Yes")
    assert shown() == ["CSAT", "MULTIPLE", "NPS", "CES", "SINGLE"]
    choose("SINGLE", "No")
    choose("MULTIPLE", "Prices")
    choose("MULTIPLE", "Waiting")
    choose("NPS", "7")
    choose("CES", "6")
    narrow.locator("textarea").fill("More bread")
    assert narrow.evaluate("document.documentElement.scrollWidth") == 390
    narrow.get_by_role("button", name="Send my answer").click()
    narrow.get_by_role("heading", name="Thank you!").wait_for()
    kept = Answer.objects.order_by("question__position").prefetch_related("choices__choice")
    assert [str(answer) for answer in kept] == ["2", "Prices · Waiting", "7", "6", "No", "More bread"]


def test_skipped_questions_are_neither_shown_nor_kept(narrow, live_server, every_kind):
    delivery = DeliveryFactory(campaign__survey=every_kind)
    narrow.goto(live_server.url + reverse("survey", args=[responses.token_for(delivery)]))
    for kind, label in (
        ("CSAT", "1"),
        ("MULTIPLE", "Waiting"),
        ("CSAT", "5"),
        ("NPS", "9"),
        ("CES", "7"),
        ("SINGLE", "Yes"),
    ):
        narrow.locator(".question", has_text=f"About {kind}").locator("label", has_text=label).first.click()
    narrow.get_by_role("button", name="Send my answer").click()
    narrow.get_by_role("heading", name="Thank you!").wait_for()
    response = SurveyResponse.objects.get()
    answers = response.answers.order_by("question__position").prefetch_related("choices__choice")
    assert [str(answer) for answer in answers] == ["5", "9", "7", "Yes"]


@pytest.mark.parametrize("example", drafts.EXAMPLES)
def test_examples_fit_a_phone_in_both_languages(narrow, live_server, example, now):
    survey = drafts.begin(example=example, by=actors.user(1), at=now)
    surveys.publish(survey=survey, by=actors.user(1), at=now)
    for language in ("en", "zh-hans"):
        delivery = DeliveryFactory(campaign__survey=survey, customer__language=language)
        narrow.goto(live_server.url + reverse("survey", args=[responses.token_for(delivery)]))
        assert narrow.evaluate("[document.documentElement.lang, document.documentElement.scrollWidth]") == [
            language,
            390,
        ]
