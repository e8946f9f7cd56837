"""What customers fill in about rewards."""

from uuid import UUID, uuid4

from django import forms


class RedeemForm(forms.Form):
    """A yes. Its token is made with the page, so that pressing the button twice takes one reward."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def reference(self, customer_id: int) -> str:
        token: UUID = self.cleaned_data["token"]
        return f"portal:{customer_id}:{token}"
