"""Every text a person sees is in every language, and what is compiled is what is written."""

import re
from pathlib import Path

import django
import pytest
from babel.messages.pofile import read_po

from tests import translations

KEPT = re.compile(r"%\(\w+\)s|%[sd%]|<[^>]*>|\{[^}]*\}")
HALF_WIDTH_BESIDE_CHINESE = re.compile(r"[\u4e00-\u9fff](?:[,;:!?]|\.(?!\w))|[,;!?][\u4e00-\u9fff]")
NOT_THE_GLOSSARY = re.compile(r"会员|订单|代金券|礼物|奖品|调查|你")


@pytest.fixture(scope="module", params=list(translations.LANGUAGES))
def language(request):
    return request.param


def own_texts(language):
    """Messages of our own code; the admin theme's words are its own."""
    return [message for message in translations.read(language) if {path for path, _ in message.locations} - {"unfold"}]


def pairs(messages):
    """(text, its translation); of a plural its last form, the one that always names the number."""
    for message in messages:
        if message.id:
            yield tuple(words if isinstance(words, str) else words[-1] for words in (message.id, message.string))


def texts_of_django(language):
    for part in ("conf", "contrib/admin", "contrib/auth"):
        path = Path(django.__file__).parent / part / "locale" / language / "LC_MESSAGES" / "django.po"
        with path.open("rb") as file:
            yield from (message for message in read_po(file, locale=language) if message.id and message.string)


def test_every_text_is_translated(language):
    catalog = translations.read(language)
    wanted = {(message.id, message.context) for message in translations.template() if message.id}
    there = {(message.id, message.context) for message in catalog if message.id and translations.complete(message)}
    assert wanted - there == set(), "run python -m tests.translations and translate what is empty"


def test_compiled_catalog_is_up_to_date(language):
    path = translations.po_path(language)
    assert path.with_suffix(".mo").read_bytes() == translations.compiled(translations.read(language))


def test_translations_keep_their_placeholders_and_markup(language):
    found = pairs(translations.read(language))
    assert [text for text, words in found if sorted(KEPT.findall(text)) != sorted(KEPT.findall(words))] == []


def test_translations_keep_the_white_space_around_them(language):
    found = pairs(translations.read(language))
    assert [text for text, words in found if text[:1].isspace() != words[:1].isspace()] == []


def test_no_text_is_used_both_alone_and_as_a_singular():
    # gettext keeps them apart, so that the one alone would stay English
    alone = {(words, context) for _where, words, context in translations.messages() if isinstance(words, str)}
    plural = {(words[0], context) for _where, words, context in translations.messages() if isinstance(words, tuple)}
    assert alone & plural == set(), "give one of them a context by pgettext"


def test_own_texts_keep_the_words_of_django(language):
    # ours win everywhere: a field named "may" would change the month
    of_django = {(message.id, message.context): message.string for message in texts_of_django(language)}
    own = {(message.id, message.context): message.string for message in own_texts(language)}
    changed = {key: (words, of_django[key]) for key, words in own.items() if words != of_django.get(key, words)}
    assert changed == {}, "give the text a context by pgettext"


def test_chinese_has_full_width_punctuation():
    wrong = [words for _text, words in pairs(translations.read("zh_Hans")) if HALF_WIDTH_BESIDE_CHINESE.search(words)]
    assert wrong == []


def test_chinese_uses_the_words_of_the_glossary():
    assert [words for _text, words in pairs(own_texts("zh_Hans")) if NOT_THE_GLOSSARY.search(words)] == []
