"""Stores and their tills."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from customers.domain import audit, tills
from customers.models import IdempotentCall, Store, Till, TillScope
from loyalty_site.lib.admin import (
    ModelAdmin,
    ReadOnlyAdmin,
    RowForm,
    States,
    act,
    act_page,
    acting,
    own_stores,
    state_filter,
)


@admin.register(Store)
class StoreAdmin(ModelAdmin):
    list_display = ("name", "code", "timezone", "currency", "closed_at")
    search_fields = ("name", "=code")
    ordering = ("name", "code")
    store_lookup = "pk"
    fields = ("name", "code", "timezone", "currency", "closed_at")


def till_states(_now: datetime) -> States:
    return {
        "used": (_("in use"), Q(revoked_at__isnull=True)),
        "revoked": (_("revoked"), Q(revoked_at__isnull=False)),
    }


class TillForm(RowForm):
    scopes = forms.MultipleChoiceField(
        label=pgettext_lazy("till", "may"),
        choices=TillScope.choices,
        initial=list(TillScope.values),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


@admin.register(Till)
class TillAdmin(ModelAdmin):
    """A new till's key is shown on the page that answers the form, and never again."""

    form = TillForm
    list_display = ("name", "store", "begins_with", "last_seen_at", "is_in_use")
    list_select_related = ("store",)
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=till_states),)
    search_fields = ("name", "store__name", "=store__code")
    autocomplete_fields = ("store",)
    ordering = ("store__name", "name")
    store_lookup = "store"
    actions_detail = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        later = ("begins_with", "created_at", "last_seen_at", "revoked_at")
        return ("store", "name", "scopes", *(later if obj else ()))

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("store", "begins_with", "created_at", "last_seen_at", "revoked_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.revoked_at)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "store" and (stores := own_stores(request)):
            kwargs["queryset"] = Store.objects.filter(pk__in=stores)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by, at = acting(request), timezone.now()
        if change:
            super().save_model(request, obj, form, change)
            data = {"fields": form.changed_data}
            audit.record(actor=by, action="till.changed", subject=f"till:{obj.pk}", data=data, at=at)
            return
        scopes = [TillScope(scope) for scope in obj.scopes]
        made, request.till_key = tills.create(  # type: ignore[attr-defined]
            store=obj.store, name=obj.name, scopes=scopes, by=by, at=at
        )
        obj.pk, obj.key_start = made.pk, made.key_start

    def response_add(self, request: HttpRequest, obj: Till, post_url_continue: Any = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": obj,
            "title": _("The key of %s") % obj,
            "key": request.till_key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/customers/till/key.html", context)

    def offers(self, act: str, row: Till) -> bool:
        return row.revoked_at is None

    @act(title=gettext_lazy("Revoke the key"), permission="customers.change_till", icon="key_off", variant="danger")
    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        till: Till = self.row(request, object_id)

        def do(_data: Any) -> str:
            tills.revoke(till=till, by=acting(request), at=timezone.now())
            return _("The key of %s opens nothing any more.") % till

        return act_page(
            self,
            request,
            till,
            title=_("Revoke the key of %s?") % till,
            explanation=_("The till can no longer sell, look up or enroll. This cannot be undone: make a new till."),
            button=_("Revoke"),
            do=do,
            danger=True,
        )

    @admin.display(description=gettext_lazy("key begins with"))
    def begins_with(self, till: Till) -> str:
        return f"{till.key_start}…"

    @admin.display(description=gettext_lazy("in use"), boolean=True)
    def is_in_use(self, till: Till) -> bool:
        return till.revoked_at is None


@admin.register(IdempotentCall)
class IdempotentCallAdmin(ReadOnlyAdmin):
    """What tills told and when; not the answers, which name customers."""

    list_display = ("created_at", "till", "key", "status")
    list_select_related = ("till__store",)
    search_fields = ("=key",)
    ordering = ("-created_at", "-pk")
    sortable_by = ()
    store_lookup = "till__store"
    fields = list_display
