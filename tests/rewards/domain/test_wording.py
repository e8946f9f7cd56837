import pytest

from rewards.domain import mail_texts, wording

VALUES = {"first_name": "Mei", "program": "Green Basket", "code": "ABCD"}


def test_placeholders_are_replaced_and_lines_stay():
    assert wording.fill("Dear {first_name},\n\n{code}!", VALUES) == "Dear Mei,\n\nABCD!"


@pytest.mark.parametrize("name", ["{code}", "{0.__class__}", "%(code)s", "{{ settings.SECRET_KEY }}", "{% load x %}"])
def test_what_a_customer_is_called_is_never_read_as_a_text(name):
    assert wording.fill("Dear {first_name}", {**VALUES, "first_name": name}) == f"Dear {name}"


def test_subject_is_one_line_of_bounded_length():
    values = {"first_name": "Mei\r\nBcc: all@example.org\n"}
    assert wording.fill_line("Hello\n {first_name}", values) == "Hello Mei Bcc: all@example.org"
    assert len(wording.fill_line("{first_name}", {"first_name": "x" * 999})) == 150


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("{surname}", "{surname}"), ("{ code }", "{ code }"), ("{}", "{}"), ("{first_name.__class__}", "{first_name.__c")],
)
def test_unknown_placeholders_are_refused_by_name_and_told_what_there_is(text, wrong):
    with pytest.raises(wording.PlaceholderUnknown) as refusal:
        wording.check({"en": "fine {code}", "zh-hans": text}, allowed=wording.OF_COUPON)
    assert wrong in str(refusal.value)
    assert "{first_name} {program} {coupon_title} {code} {expires_on}" in str(refusal.value)


@pytest.mark.parametrize("text", ["{code", "code}", "{{code}}", "{code}}"])
def test_half_a_pair_of_braces_is_refused(text):
    with pytest.raises(wording.BraceAlone):
        wording.check({"en": text}, allowed=wording.OF_COUPON)


def test_points_are_told_of_only_where_there_are_points():
    wording.check({"en": "{points}"}, allowed=wording.OF_POINTS)
    with pytest.raises(wording.PlaceholderUnknown):
        wording.check({"en": "{points}"}, allowed=wording.OF_COUPON)


def test_our_own_texts_name_only_what_is_known_in_both_languages():
    for gesture, text in mail_texts.GESTURES.items():
        allowed = wording.OF_POINTS if gesture == "POINTS" else wording.OF_COUPON
        for part in (text.subject, text.body):
            wording.check(part, allowed=allowed)
            assert set(part) == {"en", "zh-hans"}
    wording.check(mail_texts.OFFER.subject, allowed=wording.OF_COUPON)
    wording.check(mail_texts.OFFER.body, allowed=wording.OF_COUPON)


def test_language_that_marketing_left_empty_is_our_own():
    own, ours = {"en": "Own"}, {"en": "Ours", "zh-hans": "我们的"}
    assert [wording.written(own, ours, code) for code in ("en", "zh-hans")] == ["Own", "我们的"]


@pytest.mark.parametrize(
    ("name", "language", "first"),
    [
        ("Anna Maria Berg", "en", "Anna"),
        ("王小梅", "zh-hans", "王小梅"),
        ("  ", "en", "customer"),
        ("", "zh-hans", "顾客"),
    ],
)
def test_greeting(name, language, first):
    assert wording.first_name(name, language) == first
