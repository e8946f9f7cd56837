"""What staff type in a case."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from customers.models import Customer, Store
from surveys.domain import cases, gestures
from surveys.models import Case, CaseChannel, CaseOutcome, CaseSeverity, GestureOffer

HOURS_MAX = 24 * 90
POINTS_MAX = 1_000_000
# A survey's case comes by itself.
TYPED = [(channel.value, channel.label) for channel in CaseChannel if channel != CaseChannel.SURVEY]


def words(label: Any, *, required: bool = True, rows: int = 4, help_text: Any = "") -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": rows})
    return forms.CharField(
        label=label, required=required, max_length=cases.TEXT_LENGTH, widget=widget, help_text=help_text
    )


class NoteForm(forms.Form):
    text = words(gettext_lazy("note"))


class StepForm(forms.Form):
    """`version` is what the page showed: who changed the case meanwhile is not overruled."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any, *, case: Case) -> None:
        super().__init__(data, initial={"version": case.version})
        self.case = case

    def clean_version(self) -> int:
        self.case.version = int(self.cleaned_data["version"])
        return self.case.version


class SaidForm(StepForm):
    text = words(gettext_lazy("what happened"), required=False)


class CloseForm(StepForm):
    outcome = forms.ChoiceField(
        label=gettext_lazy("outcome"), choices=CaseOutcome.choices, widget=UnfoldAdminSelectWidget
    )
    text = words(gettext_lazy("what happened"), required=False)


class ReasonForm(StepForm):
    reason = words(gettext_lazy("reason"), rows=2)


class OwnerForm(StepForm):
    owner = forms.ModelChoiceField(
        label=pgettext_lazy("case", "owner"), queryset=Case.objects.none(), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, data: Any, *, case: Case) -> None:
        super().__init__(data, case=case)
        people = cases.candidates(store=case.store).order_by("email")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]
        self.initial["owner"] = case.owner_id


class StoreForm(StepForm):
    store = forms.ModelChoiceField(
        label=gettext_lazy("store"),
        queryset=Store.objects.filter(closed_at__isnull=True).order_by("name"),
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, data: Any, *, case: Case) -> None:
        super().__init__(data, case=case)
        field: Any = self.fields["store"]
        field.queryset = field.queryset.exclude(pk=case.store_id)


class DueForm(StepForm):
    hours = forms.IntegerField(
        label=gettext_lazy("due in (hours)"),
        min_value=1,
        max_value=HOURS_MAX,
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("From now on."),
    )
    reason = words(gettext_lazy("reason"), rows=2)


class MailForm(forms.Form):
    """`token` names one showing of the form, so that a double click writes once."""

    token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)
    text = words(gettext_lazy("mail"), rows=10)


class GestureForm(forms.Form):
    """Points or one of the offers to say sorry."""

    points = forms.IntegerField(
        label=gettext_lazy("points"),
        required=False,
        min_value=1,
        max_value=POINTS_MAX,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"inputmode": "numeric"}),
    )
    offer = forms.ModelChoiceField(
        label=gettext_lazy("or a coupon"),
        required=False,
        empty_label=pgettext_lazy("coupon", "none"),
        queryset=GestureOffer.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    reason = words(gettext_lazy("reason"), rows=2, help_text=gettext_lazy("Kept in the case with your name."))

    def __init__(self, data: Any, *, case: Case, at: datetime) -> None:
        super().__init__(data)
        self.fields["offer"].queryset = gestures.offers_for(case=case, at=at)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and bool(cleaned.get("points")) == bool(cleaned.get("offer")):
            raise forms.ValidationError(_("Choose points or a coupon, one of them."))
        return cleaned


class UndoForm(forms.Form):
    reason = words(gettext_lazy("reason"), rows=2)


class NewCaseForm(forms.Form):
    """`customer` is who was found before; without one there may be an address to answer to. `token` names one showing
    of the form, so that a double click opens one case; a page of before has none."""

    token = forms.UUIDField(initial=uuid4, required=False, widget=forms.HiddenInput)
    words = words(gettext_lazy("what the customer says"), rows=6)
    channel = forms.ChoiceField(label=gettext_lazy("came by"), choices=TYPED, widget=UnfoldAdminSelectWidget)
    store = forms.ModelChoiceField(
        label=gettext_lazy("store"),
        required=False,
        queryset=Store.objects.none(),
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Which store it is about: it answers for the case."),
    )
    severity = forms.ChoiceField(
        label=gettext_lazy("severity"), choices=CaseSeverity.choices, widget=UnfoldAdminSelectWidget
    )
    hours = forms.IntegerField(
        label=gettext_lazy("due in (hours)"),
        min_value=1,
        max_value=HOURS_MAX,
        initial=int(cases.DUE_WITHIN / timedelta(hours=1)),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    address = forms.EmailField(
        label=gettext_lazy("e-mail to answer to"), required=False, widget=UnfoldAdminEmailInputWidget
    )

    def __init__(self, data: Any, *, customer: Customer | None, stores: QuerySet[Store], is_bound_to_own: bool) -> None:
        super().__init__(data)
        field: Any = self.fields["store"]
        field.queryset, field.required = stores, is_bound_to_own
        field.initial = customer.home_store_id if customer else None
        if customer:
            del self.fields["address"]
        if is_bound_to_own and len(stores) == 1:
            field.initial = stores[0].pk
