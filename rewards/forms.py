"""What customers fill in about rewards."""

from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _


class RedeemForm(forms.Form):
    """A yes. Its token is made with the page, so that pressing the button twice takes one reward; it says yes to the
    cost that the page showed."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    cost = forms.IntegerField(widget=forms.HiddenInput)

    def reference(self) -> str:
        """The same for who stands for the customer after a merge."""
        token: UUID = self.cleaned_data["token"]
        return f"portal:{token}"


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Coupon code"),
        max_length=80,
        widget=forms.TextInput(
            attrs={
                "class": "form-control code",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )
