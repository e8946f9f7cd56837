"""What customers fill in."""

import re
import unicodedata
from datetime import date

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Field, Layout
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import get_language_info, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from customers.domain import queries, sign_in
from customers.models import Category, Consent, Customer, Purpose, Store

CATEGORIES_SHOWN = 16


class PortalForm(forms.Form):
    """Crispy without its own `<form>` tag: the page has it."""

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper(self)
        helper.form_tag = False
        helper.disable_csrf = True
        return helper


class EmailForm(PortalForm):
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        error_messages={"required": _("Please enter your e-mail address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email", "placeholder": "you@example.org"}),
    )


class CodeForm(PortalForm):
    """Takes the digits as people paste them: with spaces, dashes, or full-width."""

    code = forms.CharField(
        label=_("Code from the mail"),
        max_length=20,
        error_messages={"required": _("Please enter the six digits from our mail.")},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
                "class": "code-field",
                "placeholder": "······",
            }
        ),
    )

    def clean_code(self) -> str:
        digits = re.sub(r"[\s\-–—]", "", unicodedata.normalize("NFKC", self.cleaned_data["code"]))
        if not re.fullmatch(rf"[0-9]{{{sign_in.DIGITS}}}", digits):
            raise ValidationError(_("The code has six digits."))
        return digits


def _languages() -> list[tuple[str, str]]:
    """Each by its own name."""
    return [(code, str(get_language_info(code)["name_local"])) for code, _name in settings.LANGUAGES]


class DetailsForm(PortalForm):
    name = forms.CharField(
        label=pgettext_lazy("person", "Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = PhoneNumberField(
        label=_("Phone"),
        required=False,
        help_text=_("At the till it finds you when you have no card with you."),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel"}),
    )
    birthday = forms.DateField(
        label=_("Birthday"),
        required=False,
        help_text=_("We like to surprise you. It can be set once."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "bday"}),
    )
    home_store = forms.ModelChoiceField(
        label=_("Your store"),
        required=False,
        empty_label=pgettext_lazy("store", "None in particular"),
        queryset=Store.objects.filter(closed_at__isnull=True).order_by("name"),
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=_languages, help_text=_("Of these pages and of our mails to you.")
    )

    def __init__(self, data: QueryDict | None = None, *, customer: Customer) -> None:
        initial = {name: getattr(customer, name) for name in ("name", "phone", "birthday", "language", "home_store")}
        super().__init__(data, initial=initial)
        if customer.birthday:
            self.fields["birthday"].disabled = True
            self.fields["birthday"].help_text = _("Wrong? Please ask in one of our stores.")

    def clean_birthday(self) -> date | None:
        birthday: date | None = self.cleaned_data["birthday"]
        if birthday and not date(1900, 1, 1) <= birthday <= timezone.localdate():
            raise ValidationError(_("Please check the year."))
        return birthday


class PreferencesForm(PortalForm):
    categories = forms.ModelMultipleChoiceField(
        label=_("What do you like?"),
        required=False,
        queryset=Category.objects.all(),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: QueryDict | None = None, *, customer: Customer) -> None:
        liked = list(customer.preferences.values_list("category", flat=True))
        super().__init__(data, initial={"categories": liked})
        shown = queries.categories_to_like(customer=customer, limit=max(CATEGORIES_SHOWN, len(liked)))
        self.fields["categories"].choices = [(category.pk, category.name) for category in shown]  # type: ignore[attr-defined]

    @property
    def helper(self) -> FormHelper:
        helper = super().helper
        helper.field_class = "check-grid"
        return helper


class ConsentsForm(PortalForm):
    survey_email = forms.BooleanField(
        label=_("Ask me how it was"),
        required=False,
        help_text=_("Now and then a mail with a few questions about your last visit. Answering earns you points."),
    )
    marketing_email = forms.BooleanField(
        label=_("Offers and news"),
        required=False,
        help_text=_("Offers, coupons and small surprises for you, and a word before points of yours lapse."),
    )

    def __init__(self, data: QueryDict | None = None, *, customer: Customer) -> None:
        given = Consent.objects.filter(customer=customer, withdrawn_at__isnull=True).values_list("purpose", flat=True)
        super().__init__(data, initial=dict.fromkeys(given, True))

    def purposes(self) -> dict[Purpose, bool]:
        """Which are allowed, as the customer wants it from now on."""
        return {purpose: self.cleaned_data[purpose.value] for purpose in Purpose}

    @property
    def helper(self) -> FormHelper:
        helper = super().helper
        helper.layout = Layout(*(Field(purpose.value, wrapper_class="form-switch") for purpose in Purpose))
        return helper


class RecommendationsForm(PortalForm):
    recommendations = forms.BooleanField(
        label=_("Recommendations for me"),
        required=False,
        help_text=_(
            "From what you buy we choose what you may like next, and mention it here, at the till and in mails."
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, customer: Customer) -> None:
        super().__init__(data, initial={"recommendations": customer.profiling_refused_at is None})

    @property
    def helper(self) -> FormHelper:
        helper = super().helper
        helper.layout = Layout(Field("recommendations", wrapper_class="form-switch"))
        return helper
