"""Every text a person sees is in every language, and what is compiled is what is written."""

import pytest

from tests import translations


@pytest.fixture(scope="module", params=list(translations.LANGUAGES))
def language(request):
    return request.param


def test_every_text_is_translated(language):
    catalog = translations.read(language)
    wanted = {(message.id, message.context) for message in translations.template() if message.id}
    there = {(message.id, message.context) for message in catalog if message.id and translations.complete(message)}
    assert wanted - there == set(), "run python -m tests.translations and translate what is empty"


def test_compiled_catalog_is_up_to_date(language):
    path = translations.po_path(language)
    assert path.with_suffix(".mo").read_bytes() == translations.compiled(translations.read(language))


def test_translations_keep_their_placeholders(language):
    wrong = [(message.id, [str(error) for error in errors]) for message, errors in translations.read(language).check()]
    assert wrong == []
