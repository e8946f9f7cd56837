"""Error pages stand alone: they must render when everything else has failed."""

import pytest
from allauth.core.ratelimit import respond_429
from django.template.loader import get_template
from django.test import override_settings
from django.utils import translation

NO_MANIFEST = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
}


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "409", "429", "500"])
def test_error_page_renders_without_context_database_or_manifest(name, tmp_path):
    with override_settings(STORAGES=NO_MANIFEST, STATIC_ROOT=tmp_path, DEBUG=False):
        html = get_template(f"{name}.html").render()
    assert f'<p class="error-code">{name[:3]}</p>' in html
    assert '<link rel="stylesheet" href="/static/css/loyalty.css">' in html


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_error_page_says_its_language(language):
    with translation.override(language):
        assert f'<html lang="{language}">' in get_template("500.html").render()


@pytest.mark.django_db
def test_page_that_is_asked_for_too_often_says_so_in_the_house_s_style(rf):
    answer = respond_429(rf.get("/staff/login/"))
    assert answer.status_code == 429
    assert "Please wait a moment" in answer.text
    assert '<p class="error-code">429</p>' in answer.text
