"""What staff type at the till page."""

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from customers.domain import queries
from customers.domain.enrollment import ContactMissing
from customers.domain.purchases import LineLeft, ReturnLineIn
from customers.forms import PortalForm
from customers.models import Category, Customer, Purpose
from loyalty_site.lib import money
from rewards.models import Coupon

CATEGORIES_SHOWN = 40
AMOUNT_MAX = 10**11
POINTS_MAX = 10**9
CODES_MAX = 10


class MoneyField(forms.CharField):
    """An amount in the language's format, as minor units of `currency`."""

    def __init__(self, *, currency: str = "", **kwargs: Any) -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "off", "class": "form-control"}
        super().__init__(max_length=20, widget=forms.TextInput(attrs=attrs), **kwargs)
        self.currency = currency

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text in self.empty_values:
            return None
        try:
            amount = money.parse(text, self.currency)
        except ValueError as error:
            example = money.format_plain(123450 if money.digits(self.currency) else 1234, self.currency)
            raise ValidationError(_("Please write the amount like %(example)s.") % {"example": example}) from error
        if amount > AMOUNT_MAX:
            raise ValidationError(_("This amount is too large."))
        return amount

    def prepare_value(self, value: Any) -> Any:
        return money.format_plain(value, self.currency) if isinstance(value, int) else value


class CodesField(forms.MultipleChoiceField):
    """Ticked codes. Any that could be one: whether it can be used is for the domain to say, in words."""

    def valid_value(self, value: Any) -> bool:
        return bool(re.fullmatch(r"[0-9A-Z]{2,40}", str(value)))


class PurchaseForm(forms.Form):
    """`pays` is what the page said there is to pay."""

    pays = forms.IntegerField(required=False, widget=forms.HiddenInput)
    amount = MoneyField(label=_("Amount"), error_messages={"required": _("Please enter the amount.")})
    category = forms.ModelChoiceField(
        label=_("Category"),
        required=False,
        empty_label=pgettext_lazy("category", "No category"),
        queryset=Category.objects.all(),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    receipt_number = forms.CharField(
        label=_("Receipt number"),
        required=False,
        max_length=100,
        help_text=_("Left empty, one is made."),
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    coupons = CodesField(label=_("Coupons"), required=False, widget=forms.CheckboxSelectMultiple)
    codes = forms.CharField(
        label=_("Coupon code"),
        required=False,
        max_length=300,
        help_text=_("Type or scan it; several with spaces between them."),
        widget=forms.TextInput(attrs={"class": "form-control code", "autocomplete": "off", "autocapitalize": "none"}),
    )
    points = forms.IntegerField(
        label=_("Points to pay with"),
        required=False,
        min_value=0,
        max_value=POINTS_MAX,
        widget=forms.NumberInput(attrs={"class": "form-control", "inputmode": "numeric", "step": "1"}),
    )

    def __init__(
        self, data: Any = None, *, customer: Customer | None, usable: Sequence[Coupon], currency: str, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.fields["amount"].currency = currency  # type: ignore[attr-defined]
        self.fields["coupons"].choices = [(coupon.code, str(coupon.offer)) for coupon in usable]  # type: ignore[attr-defined]
        shown = queries.categories_to_like(customer=customer, limit=CATEGORIES_SHOWN)
        self.fields["category"].choices = [("", self.fields["category"].empty_label)] + [  # type: ignore[attr-defined]
            (category.pk, category.name) for category in shown
        ]
        if customer is None:
            del self.fields["points"]

    def clean_coupons(self) -> list[str]:
        found: list[str] = self.cleaned_data["coupons"]
        if len(found) > CODES_MAX:
            raise ValidationError(_("These are too many coupons for one purchase."))
        return found

    def clean_codes(self) -> list[str]:
        found = re.split(r"[\s,;，；]+", self.cleaned_data["codes"].strip())
        if len(found) > CODES_MAX:
            raise ValidationError(_("These are too many coupons for one purchase."))
        return [code for code in found if code]

    def fill_points(self, number: int) -> None:
        """As if that had been typed."""
        self.data = {**self.data.dict(), "points": str(number), "coupons": self.data.getlist("coupons")}  # type: ignore[attr-defined]
        self.cleaned_data["points"] = number

    @property
    def coupon_codes(self) -> list[str]:
        return [*self.cleaned_data["coupons"], *self.cleaned_data["codes"]]


class ReturnLineForm(forms.Form):
    """What comes back of one line. Left empty, a number follows from the other one; both empty mean all that is left.

    A line that was one piece is asked for its amount alone.
    """

    chosen = forms.BooleanField(required=False)
    quantity = forms.DecimalField(
        label=_("Quantity"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=3,
        widget=forms.TextInput(attrs={"class": "form-control", "inputmode": "decimal", "autocomplete": "off"}),
    )
    amount = MoneyField(label=_("Amount"), required=False)

    def __init__(self, data: Any, *, line: LineLeft, name: str, currency: str, is_only: bool) -> None:
        super().__init__(data, prefix=f"line-{line.position}", initial={"chosen": is_only})
        self.bought, self.name, self.currency = line, name, currency
        self.left_quantity = line.quantity - line.returned_quantity
        self.left_minor = line.amount_minor - line.returned_minor
        self.fields["amount"].currency = currency  # type: ignore[attr-defined]
        if line.quantity == 1:
            del self.fields["quantity"]

    def clean_quantity(self) -> Decimal | None:
        quantity: Decimal | None = self.cleaned_data["quantity"]
        if quantity is not None and quantity > self.left_quantity:
            raise ValidationError(_("More than was bought and not yet returned."))
        return quantity

    def clean_amount(self) -> int | None:
        amount: int | None = self.cleaned_data["amount"]
        if amount is not None and amount > self.left_minor:
            raise ValidationError(_("More than was bought and not yet returned."))
        return amount

    def line(self) -> ReturnLineIn:
        quantity, amount = self.cleaned_data.get("quantity"), self.cleaned_data["amount"]
        if quantity is None:
            quantity = self.left_quantity if amount in (None, self.left_minor) else self._quantity_of(amount)
        if amount is None:
            amount = self.left_minor if quantity == self.left_quantity else self._amount_of(quantity)
        return ReturnLineIn(self.bought.position, quantity, amount)

    def _quantity_of(self, amount: int) -> Decimal:
        share = self.bought.quantity * amount / self.bought.amount_minor
        return min(share.quantize(Decimal("0.001"), ROUND_DOWN), self.left_quantity)

    def _amount_of(self, quantity: Decimal) -> int:
        share = int(self.bought.amount_minor * quantity / self.bought.quantity) if self.bought.quantity else 0
        return min(share, self.left_minor)


class EnrollForm(PortalForm):
    """Nothing is allowed unless the customer said so: the boxes are empty."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=200)
    phone = PhoneNumberField(
        label=_("Phone"), required=False, widget=forms.TextInput(attrs={"inputmode": "tel", "type": "tel"})
    )
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254)
    language = forms.ChoiceField(label=_("Language of mails"), choices=[])
    survey_email = forms.BooleanField(label=_("The customer allows mails that ask how it was."), required=False)
    marketing_email = forms.BooleanField(label=_("The customer allows mails with offers and news."), required=False)

    def __init__(self, data: Any = None, *, guess: str = "") -> None:
        super().__init__(data, initial={**_guessed(guess), "language": get_language()})
        languages = Customer._meta.get_field("language").choices or ()
        self.fields["language"].choices = list(languages)  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs.setdefault("autocomplete", "off")  # the browser is the store's, not the customer's

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not cleaned["phone"] and not cleaned["email"]:
            raise ValidationError(ContactMissing.message)
        return cleaned

    def purposes(self) -> list[Purpose]:
        return [purpose for purpose in Purpose if self.cleaned_data[purpose.value]]


class CaseForm(PortalForm):
    """`token` names one showing of the form, so that a double click opens one case; a page of before has none."""

    token = forms.UUIDField(initial=uuid4, required=False, widget=forms.HiddenInput)
    words = forms.CharField(
        label=_("In the customer's words"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5, "autofocus": True, "autocomplete": "off"}),
        error_messages={"required": _("Please write a few words.")},
    )


def _guessed(text: str) -> dict[str, str]:
    """Into which field that goes which found nobody."""
    text = text.strip()[:200]
    if "@" in text:
        return {"email": text}
    return {"phone": text} if re.fullmatch(r"[+\d][\d\s()./-]{4,}", text) else {"name": text}
