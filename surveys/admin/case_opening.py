"""Typing in what a customer says on the phone, at the counter or in public."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.domain import customers
from customers.models import Customer, Store
from loyalty_site.lib.admin import ModelAdmin, acting, list_url, own_stores, posted, row_url
from loyalty_site.lib.errors import DomainError
from surveys.admin.case_forms import NewCaseForm
from surveys.domain import cases
from surveys.models import Case, CaseChannel, CaseSeverity

FOUND_SHOWN = 10


class Opening(ModelAdmin):
    """Rows are opened by a page of their own and changed by acts alone."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """One field finds the customer, as at the till; the rest is one form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        customer = _named(request.GET.get("customer", ""))
        text = "" if customer else request.GET.get("q", "").strip()[:200]
        stores = _stores(request)
        form = NewCaseForm(posted(request), customer=customer, stores=stores, is_bound_to_own=bool(own_stores(request)))
        if request.method == "POST" and form.is_valid():
            try:
                case = self._open(request, customer, form.cleaned_data)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                self.message_user(request, _("Case %s is open.") % case)
                may_see = self.has_view_permission(request)
                return HttpResponseRedirect(row_url(self, case) if may_see else request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("New case"),
            "form": form,
            "customer": customer,
            "text": text,
            "found": _found(text),
            "open_cases": _open_cases(request, customer),
            "back": list_url(Case),
        }
        return TemplateResponse(request, "admin/surveys/case/new.html", context)

    def _open(self, request: HttpRequest, customer: Customer | None, told: Any) -> Case:
        now = timezone.now()
        return cases.begin(
            channel=CaseChannel(told["channel"]),
            words=told["words"],
            store=told["store"],
            customer=customer,
            severity=CaseSeverity(told["severity"]),
            address=told.get("address", ""),
            due_at=now + timedelta(hours=told["hours"]),
            token=told["token"],
            by=acting(request),
            at=now,
        )


def _named(number: str) -> Customer | None:
    try:
        return customers.by_number(number=number) if number else None
    except customers.CustomerUnknown:
        return None


def _stores(request: HttpRequest) -> QuerySet[Store]:
    stores, own = Store.objects.filter(closed_at__isnull=True).order_by("name"), own_stores(request)
    return stores.filter(pk__in=own) if own else stores


def _found(text: str) -> Sequence[Customer]:
    return list(customers.search(text=text, limit=FOUND_SHOWN, with_closed=False)) if text else []


def _open_cases(request: HttpRequest, customer: Customer | None) -> list[Case]:
    """So that nobody types in what is known already."""
    if customer is None or not request.user.has_perm("surveys.view_case"):
        return []
    family = customers.family(customer=customer)
    own = cases.seen_by(stores=own_stores(request)).filter(cases.is_waiting(), customer__in=family)
    return list(own.order_by("due_at")[:FOUND_SHOWN])
