"""Customers in the back office: found, enrolled, helped."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from customers.domain import audit, consents, customers, enrollment, profiling
from customers.models import Customer, Purpose
from loyalty_site import customer_page
from loyalty_site.admin.membership import MembershipActs
from loyalty_site.lib.admin import ModelAdmin, RowForm, States, act, act_page, acting, posted, row_url, state_filter
from loyalty_site.lib.numbers import points as points_text
from loyalty_site.lib.texts import joined
from rewards.domain import adjustments, coupons, points
from rewards.models import Offer

MOST_POINTS = 1_000_000
SEARCH_LIMIT = 200


class CustomerForm(RowForm):
    """Tells at once whose an address or a phone number already is."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("email") and not cleaned.get("phone") and not self.errors:
            self.add_error("email", str(enrollment.ContactMissing()))
        for name in ("email", "phone"):
            text = str(cleaned.get(name) or "")
            owners = [owner for owner in customers.holders(text=text) if owner.pk != self.instance.pk] if text else []
            if owners:
                self.add_error(name, _("This already belongs to customer %s.") % owners[0].display_number)
        return cleaned


class EnrollForm(CustomerForm):
    consents = forms.MultipleChoiceField(
        label=gettext_lazy("allows"),
        choices=Purpose.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("Only what the customer said yes to."),
    )


class OnceForm(forms.Form):
    """`token` names one showing of the form, so that a double click acts once."""

    token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)


class AdjustForm(OnceForm):
    points = forms.IntegerField(
        label=gettext_lazy("points"),
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"autofocus": True}),
        help_text=gettext_lazy("With a minus sign to take points away."),
    )
    reason = forms.CharField(
        label=gettext_lazy("reason"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Kept in the ledger; the customer reads it too."),
    )

    def clean_points(self) -> int:
        number = int(self.cleaned_data["points"])
        if number == 0:
            raise forms.ValidationError(_("Zero points change nothing."))
        return number


class IssueCouponForm(OnceForm):
    offer = forms.ModelChoiceField(
        label=gettext_lazy("offer"), queryset=Offer.objects.none(), widget=UnfoldAdminSelectWidget
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        now = timezone.now()
        live = Offer.objects.filter(published_at__lte=now, withdrawn_at__isnull=True)
        still = live.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=now))
        self.fields["offer"].queryset = still.order_by("-pk")  # type: ignore[attr-defined]


def adjustments_wait(request: HttpRequest) -> list[str]:
    """The sentence that says from when on a second person is needed, where there is such a rule."""
    threshold = request.program.adjustment_threshold  # type: ignore[attr-defined]
    if threshold is None:
        return []
    return [_("More than %s by you for this customer in 24 hours wait for a second person.") % points_text(threshold)]


def states(_now: datetime) -> States:
    return {
        "member": (_("member"), Q(closed_at__isnull=True)),
        "left": (_("left the programme"), Q(closed_at__isnull=False, merged_into__isnull=True)),
        "merged": (_("merged into another"), Q(merged_into__isnull=False)),
    }


@admin.register(Customer)
class CustomerAdmin(MembershipActs, ModelAdmin):
    """A customer's own page shows all of them (`customer_page`); the form to edit them is one of its acts."""

    form = CustomerForm
    list_display = ("name_or_number", "display_number", "phone", "email", "balance", "home_store", "enrolled_at")
    list_display_links = ("name_or_number", "display_number")
    list_select_related = ("home_store", "points_account")
    list_filter = (
        ("home_store", AutocompleteSelectFilter),
        "language",
        state_filter(name="is", label=gettext_lazy("membership"), states=states),
    )
    search_fields = ("name",)
    search_help_text = gettext_lazy("Name, phone, e-mail, number or card")
    autocomplete_fields = ("home_store",)
    ordering = ("-enrolled_at", "-pk")
    sortable_by = ()
    fields = ("name", "email", "phone", "birthday", "language", "home_store")
    actions_detail = ("adjust_points", "issue_coupon", "edit", "merge_into", "close", "hand_out", "erase")

    def matching(self, text: str) -> Q:
        return Q(pk__in=customers.search(text=text, limit=SEARCH_LIMIT).values("pk"))

    def get_urls(self) -> list[Any]:
        consent = self.admin_site.admin_view(self.consent_view)
        profiled = self.admin_site.admin_view(self.profiling_view)
        return [
            path("<int:customer_id>/consents/<str:purpose>/<str:verb>/", consent, name="customers_customer_consent"),
            path("<int:customer_id>/recommendations/<str:verb>/", profiled, name="customers_customer_profiling"),
            *super().get_urls(),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=CustomerForm if obj else EnrollForm, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else (*self.fields, "consents")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        customer: Customer = self.row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": customer,
            "title": customer,
            "actions_detail": self.buttons(request, customer),
            "has_add_permission": self.has_add_permission(request),
            **customer_page.show(request, customer=customer, at=timezone.now()),
        }
        return TemplateResponse(request, "admin/customers/customer/page.html", context)

    def offers(self, act: str, row: Customer) -> bool:
        if row.erased_at is not None or row.merged_into_id is not None:
            return False
        return row.closed_at is None or act in ("edit", "hand_out", "erase")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by, at, told = acting(request), timezone.now(), form.cleaned_data
        if change:
            super().save_model(request, obj, form, change)
            data, subject = {"fields": sorted(form.changed_data)}, f"customer:{obj.pk}"
            audit.record(actor=by, action="customer.changed", subject=subject, data=data, at=at)
            return
        purposes = [Purpose(purpose) for purpose in told.pop("consents")]
        enrolled = enrollment.enroll(**{**told, "phone": str(told["phone"])}, consents=purposes, by=by, at=at)
        obj.pk, obj.number = enrolled.pk, enrolled.number

    def response_post_save_add(self, request: HttpRequest, obj: Customer) -> HttpResponseRedirect:
        return HttpResponseRedirect(row_url(self, obj))

    def response_post_save_change(self, request: HttpRequest, obj: Customer) -> HttpResponseRedirect:
        return HttpResponseRedirect(row_url(self, obj))

    @act(title=gettext_lazy("Edit"), permission="customers.change_customer", icon="edit")
    def edit(self, request: HttpRequest, object_id: int) -> Any:
        hidden = {"show_save_and_continue": False, "show_save_and_add_another": False, "actions_detail": []}
        return self.changeform_view(request, str(object_id), "", {**hidden, "is_edit_page": True})

    @act(
        title=gettext_lazy("Adjust points"),
        permission="rewards.add_pointsadjustment",
        icon="exposure",
        variant="primary",
    )
    def adjust_points(self, request: HttpRequest, object_id: int) -> HttpResponse:
        at = timezone.now()
        customer: Customer = self.row(request, object_id)
        summary = points.summary(customer=customer, at=at)
        stands = _("%(available)s can be spent now; the balance is %(balance)s.") % {
            "available": points_text(summary.available),
            "balance": points_text(summary.balance),
        }

        def do(data: Any) -> str:
            adjustment = adjustments.ask(
                customer=customer,
                points_wanted=data["points"],
                reason=data["reason"],
                reference=f"form:{data['token']}",
                by=acting(request),
                at=at,
            )
            if adjustment.entry is None:
                return _("Nothing is booked yet: this waits for a second person.")
            return _("Done: the balance is now %s.") % points_text(adjustment.entry.balance_after)

        return act_page(
            self,
            request,
            customer,
            title=_("Adjust the points of %s") % customer,
            explanation=joined([stands, *adjustments_wait(request)]),
            button=_("Adjust"),
            do=do,
            form=AdjustForm(posted(request)),
        )

    @act(title=gettext_lazy("Issue a coupon"), permission="rewards.add_coupon", icon="confirmation_number")
    def issue_coupon(self, request: HttpRequest, object_id: int) -> HttpResponse:
        customer: Customer = self.row(request, object_id)

        def do(data: Any) -> str:
            reference = f"staff:{data['token']}"
            coupon = coupons.issue(
                offer=data["offer"], customer=customer, reference=reference, by=acting(request), at=timezone.now()
            )
            return _("%(customer)s has coupon %(code)s.") % {"customer": customer, "code": coupon}

        return act_page(
            self,
            request,
            customer,
            title=_("Issue a coupon to %s") % customer,
            button=_("Issue"),
            do=do,
            form=IssueCouponForm(posted(request)),
        )

    def consent_view(self, request: HttpRequest, customer_id: int, purpose: str, verb: str) -> HttpResponse:
        if not request.user.has_perm("customers.change_consent"):
            raise PermissionDenied
        if purpose not in Purpose.values or verb not in customer_page.CONSENT_VERBS:
            raise Http404
        customer, wanted = self.row(request, customer_id), Purpose(purpose)
        grants = verb == customer_page.ALLOW
        title = _("%(customer)s allows %(purpose)s?") if grants else _("%(customer)s no longer allows %(purpose)s?")

        def do(_data: Any) -> str:
            note = consents.grant if grants else consents.withdraw
            note(customer=customer, purpose=wanted, by=acting(request), at=timezone.now())
            return _("Noted.")

        return act_page(
            self,
            request,
            customer,
            title=title % {"customer": customer, "purpose": wanted.label},
            explanation=_("Only when the customer said so. It is kept with your name."),
            button=_("Allow") if grants else _("Withdraw"),
            do=do,
        )

    def profiling_view(self, request: HttpRequest, customer_id: int, verb: str) -> HttpResponse:
        if not request.user.has_perm("customers.change_consent"):
            raise PermissionDenied
        if verb not in customer_page.CONSENT_VERBS:
            raise Http404
        customer, wanted = self.row(request, customer_id), verb == customer_page.ALLOW

        def do(_data: Any) -> str:
            profiling.choose(customer=customer, wanted=wanted, by=acting(request), at=timezone.now())
            return _("Noted.")

        title = _("Switch recommendations on for %s?") if wanted else _("Switch recommendations off for %s?")
        return act_page(
            self,
            request,
            customer,
            title=title % customer,
            explanation=_(
                "Only when the customer said so. Switched off, their list and RFM group are deleted at once."
            ),
            button=_("Switch on") if wanted else _("Switch off"),
            do=do,
        )

    @admin.display(description=pgettext_lazy("person", "name"))
    def name_or_number(self, customer: Customer) -> str:
        return str(customer)

    @admin.display(description=gettext_lazy("number"))
    def display_number(self, customer: Customer) -> str:
        return customer.display_number

    @admin.display(description=gettext_lazy("balance"))
    def balance(self, customer: Customer) -> int:
        account = getattr(customer, "points_account", None)
        return account.balance if account else 0
