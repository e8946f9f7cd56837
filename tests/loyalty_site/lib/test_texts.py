from django import forms
from django.utils import translation

from loyalty_site.lib import texts


def test_localized_prefers_the_active_language_then_what_there_is():
    both = {"en": "Tea", "zh-hans": "茶"}
    assert texts.localized(both, "zh-hans") == "茶"
    with translation.override("zh-hans"):
        assert texts.localized(both) == "茶"
    assert texts.localized({"zh-hans": "茶"}, "en") == "茶"
    assert texts.localized({}, "en") == ""


def test_joined_sentences_have_a_space_between_them_but_not_in_chinese():
    assert (texts.joined([]), texts.joined(["One."]), texts.joined(["One.", "Two."])) == ("", "One.", "One. Two.")
    with translation.override("zh-hans"):
        assert texts.joined(["一。", "二。", "三。"]) == "一。二。三。"


class NameForm(forms.Form):
    name = texts.LocalizedTextFormField()


def test_form_field_takes_one_text_a_language():
    form = NameForm({"name_en": "Tea", "name_zh-hans": ""})
    assert form.is_valid()
    assert form.cleaned_data["name"] == {"en": "Tea"}


def test_form_field_needs_a_text_in_one_language():
    form = NameForm({"name_en": "", "name_zh-hans": " "})
    assert form.errors == {"name": ["This field is required."]}


def test_inputs_of_languages_are_not_bound_to_one_another():
    widget = texts.LocalizedTextWidget()
    widget.attrs["x-model.fill"] = "title"  # what the admin theme does on pages with conditional fields
    html = widget.render("title", {"en": "Tea", "zh-hans": "茶"})
    assert ("x-model" in html, 'value="Tea"' in html, 'value="茶"' in html) == (False, True, True)
