import re
from email.header import decode_header, make_header
from email.utils import parseaddr
from html import unescape

import pytest

from rewards.domain import letters
from rewards.domain.mail_texts import Text
from rewards.models import Program
from surveys.domain import invitations, responses
from tests.factories.surveys import CampaignFactory, DeliveryFactory, QuestionFactory, SurveyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def base_url(settings):
    settings.BASE_URL = "https://loyalty.example.org"


def compose(delivery):
    return invitations.compose(delivery=delivery, program=Program(name="Corner Stores"))


def html(message):
    [part] = message.alternatives
    assert part.mimetype == "text/html"
    return part.content


def link(delivery):
    return f"https://loyalty.example.org/s/{responses.token_for(delivery)}/"


def preferences(delivery):
    return f"https://loyalty.example.org/news/{letters.token_for(delivery.customer)}/"


def test_mail_has_the_headers_of_a_mailing(due):
    delivery = due(email="ann@example.org")
    message = compose(delivery).message()
    assert message["To"] == "ann@example.org"
    assert message["Subject"] == "How was it?"
    name = re.fullmatch(r"<survey-delivery-([0-9]+)\.[0-9a-f]{20}@loyalty\.example\.org>", message["Message-ID"])
    assert name is not None
    assert name[1] == str(delivery.pk)
    assert compose(delivery).message()["Message-ID"] == message["Message-ID"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<surveys.loyalty.example.org>"
    assert message["List-Unsubscribe"].replace("\n", "") == f"<{link(delivery)}unsubscribe/>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_mail_has_a_link_for_each_score_and_one_to_unsubscribe(due):
    delivery = due()
    links = re.findall(r'<a href="([^"]+)"', html(compose(delivery)))
    scores = [f"{link(delivery)}?score={score}" for score in range(11)]
    assert links == [*scores, f"{link(delivery)}more/", f"{link(delivery)}unsubscribe/", preferences(delivery)]


def test_mail_as_text_has_the_link_and_the_promise(due):
    delivery = due(name="Ann & Bob <i>")
    body = compose(delivery).body
    assert "Hello Ann & Bob <i>,\n" in body
    assert "Would you recommend us?\n" in body
    assert f"\n{link(delivery)}\n" in body
    assert "Your answer brings you 50 points, whatever you say." in body
    assert f"Stop these mails: {link(delivery)}unsubscribe/\nChoose your mails: {preferences(delivery)}\n" in body


def test_mail_escapes_what_people_typed(due, survey):
    survey.introduction = {"en": "<script>alert(1)</script>"}
    survey.save(update_fields=["introduction"])
    content = html(compose(due(name='<img src=x onerror="alert(1)">')))
    assert "<img" not in content
    assert "<script" not in content


def test_mail_has_its_styles_in_the_tags(due):
    content = html(compose(due()))
    assert re.search(r'<a href="[^"]+" style="[^"]*border-radius: ?10px', content)
    assert "prefers-color-scheme: dark" in content


def test_mail_is_in_the_language_of_the_customer(due, survey):
    survey.introduction = {"en": "Only in English"}
    survey.save(update_fields=["introduction"])
    message = compose(due(language="zh-hans"))
    assert message.subject == "您满意吗？"
    assert '<html lang="zh-hans">' in html(message)
    assert "Only in English" in message.body


def test_mail_without_name_greets_all_the_same(due):
    assert "\nHello,\n" in compose(due(name="")).body


def test_mail_without_reward_promises_none(due, survey):
    survey.reward_points = 0
    survey.save(update_fields=["reward_points"])
    assert "points" not in compose(due()).body


def test_mail_of_a_survey_that_begins_with_words_has_one_button(due, survey):
    survey.questions.all().delete()
    QuestionFactory(survey=survey, kind="TEXT", position=1)
    QuestionFactory(survey=survey, kind="NPS", position=2)
    delivery = due()
    links = re.findall(r'<a href="([^"]+)"', html(compose(delivery)))
    assert links == [link(delivery), f"{link(delivery)}more/", f"{link(delivery)}unsubscribe/", preferences(delivery)]


def test_subject_is_one_line_whatever_staff_typed(due, survey):
    survey.title = {"en": "How was it?\r\nBcc: all@example.org"}
    survey.save(update_fields=["title"])
    message = compose(due()).message()
    assert message["Subject"] == "How was it? Bcc: all@example.org"
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    ("kind", "scores", "ends"),
    [
        ("CSAT", range(1, 6), ("1 = Very dissatisfied", "5 = Very satisfied")),
        ("CES", range(1, 8), ("1 = Very difficult", "7 = Very easy")),
    ],
)
def test_mail_asks_the_scale_that_comes_first(due, survey, kind, scores, ends):
    survey.questions.filter(position=1).update(kind=kind)
    content = html(compose(due()))
    assert [score for score in range(11) if f'?score={score}"' in content] == list(scores)
    assert all(end in content for end in ends)


def test_mail_names_the_programme_as_its_staff_wrote_it(due):
    program = Program(
        name="Corner Stores",
        sender_name="Café\nEcke, Kundendienst",
        reply_to="care@shop.example",
        postal_address="Hof 1",
    )
    message = invitations.compose(delivery=due(), program=program)
    sent = message.message()
    name, address = parseaddr(sent["From"])
    assert str(make_header(decode_header(name))) == "Café Ecke, Kundendienst"
    assert address == "hello@example.org"
    assert sent["Reply-To"] == "care@shop.example"
    for text in (message.body, html(message)):
        assert "Corner Stores, Hof 1" in text


def test_mail_without_such_words_comes_from_the_address_that_is_set_up(due):
    message = compose(due())
    assert message.message()["From"] == "Loyalty Site <hello@example.org>"
    assert message.message()["Reply-To"] is None
    assert "Corner Stores," not in message.body


@pytest.mark.parametrize("touch", [1, 2])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("name", ["", "Ann", "Anna Maria  O'Berg & <b>", "梅"])
def test_mail_written_for_several_is_the_one_written_for_each(due, sending, name, language, touch):
    own = {language: "{first_name}, how was it?"}
    text = Text(own, {language: "<b>Hello</b> {first_name}\n\nfriends & all"})
    sending.subject, sending.introduction = text.subject, text.body
    program, alike = Program(name="Corner <Stores>"), {}
    others = [due(name=other, language=language) for other in ("Bob Ray", "", "Eve")]
    delivery = due(name=name, language=language)
    for row in (*others, delivery):
        row.touch = touch
        invitations.compose(delivery=row, program=program, alike=alike)
    message = invitations.compose(delivery=delivery, program=program, alike=alike)
    alone = invitations.letter(
        survey=delivery.campaign.survey,
        customer=delivery.customer,
        program=program,
        text=text,
        url=link(delivery),
        unsubscribe_url=f"{link(delivery)}unsubscribe/",
        preferences_url=letters.link("portal:mail-preferences", letters.token_for(delivery.customer)),
        trap_url=f"{link(delivery)}more/",
        is_reminder=touch > 1,
    )
    assert len(alike) == 2
    assert message.subject.endswith(f"{name.split()[0]}, how was it?" if name else ", how was it?")
    assert (message.subject, message.body, message.to) == (alone.subject, alone.body, alone.to)
    assert unescape(html(message)) == unescape(html(alone))


def test_long_subject_is_cut_after_the_name_is_in_it(due, sending):
    sending.subject = {"en": f"{'So nice to see you again. ' * 6}{{first_name}}!"[-151:]}
    assert compose(due(name="Ann")).subject.endswith("again. Ann!")
    sending.subject = {"en": f"{{first_name}}! {'x' * 200}"}
    assert compose(due(name="Ann")).subject == f"Ann! {'x' * 145}"


def test_mails_of_two_campaigns_are_not_alike(due, willing, now):
    other = CampaignFactory(survey=SurveyFactory(title={"en": "And this?"}), starts_at=now)
    first, second = due(), DeliveryFactory(campaign=other, customer=willing())
    program, alike = Program(name="Corner Stores"), {}
    rows = (first, second, first)
    subjects = [invitations.compose(delivery=row, program=program, alike=alike).subject for row in rows]
    assert subjects == ["How was it?", "And this?", "How was it?"]


def test_reminder_says_so_and_the_first_mail_does_not(due):
    delivery = due()
    first = compose(delivery)
    delivery.touch = 2
    again = compose(delivery)
    assert (first.subject, again.subject) == ("How was it?", "Reminder: How was it?")
    for before, after in ((first.body, again.body), (html(first), html(again))):
        assert "We asked you some days ago" not in before
        assert "We asked you some days ago" in after


def worded(due, **texts):
    delivery = due(name="{title} <b>\nMei", language=texts.pop("language", "en"))
    for name, text in texts.items():
        setattr(delivery.campaign, name, text)
    return compose(delivery)


def test_campaign_may_say_it_in_its_own_words(due):
    message = worded(
        due,
        subject={"en": "{first_name}, a word\nabout {program}?"},
        introduction={"en": "Dear {first_name},\nthis is about “{title}” <i>."},
    )
    assert message.subject == "{title}, a word about Corner Stores?"
    assert "Dear {title},\nthis is about “How was it?” <i>." in message.body
    assert "Dear {title},<br>this is about “How was it?” &lt;i&gt;." in html(message)


def test_campaign_that_is_silent_in_a_language_says_what_the_survey_does(due, survey):
    survey.introduction = {"en": "English {first_name}", "zh-hans": "中文 {first_name}"}
    survey.save()
    message = worded(due, subject={"en": "Ours"}, introduction={"en": "Our own"}, language="zh-hans")
    assert message.subject == "您满意吗？"
    assert "中文 {first_name}" in message.body  # the survey's words are no text with placeholders
    assert "Our own" not in message.body


def test_reminder_reminds_of_the_campaigns_subject(due):
    delivery = due()
    delivery.campaign.subject, delivery.touch = {"en": "One minute?"}, 2
    assert compose(delivery).subject == "Reminder: One minute?"
