"""The back office's own kinds of pages for models."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.checks import ModelAdminChecks
from django.contrib.admin.utils import unquote
from django.contrib.admin.views import main
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, models
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty_site.lib.admin import acts, pickers, words
from loyalty_site.lib.admin.forms import RowForm, dress, timezone_field
from loyalty_site.lib.admin.paginator import EstimatingPaginator
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.texts import LocalizedTextField

if TYPE_CHECKING:
    ThemedAdmin = admin.ModelAdmin[Any]
    ThemedInline = admin.TabularInline[Any, Any]
    ThemedChangeList = main.ChangeList
else:
    from unfold.admin import ModelAdmin as ThemedAdmin
    from unfold.admin import TabularInline as ThemedInline
    from unfold.views import ChangeList as ThemedChangeList


class NotDisposable(DomainError):
    code = "not_disposable"
    message = gettext_lazy("Somebody changed or used this at the same moment, so it was not deleted. Look at it again.")


class ChangeList(ThemedChangeList):
    """Tells how many rows match only where something was asked for: else the pages' numbers say it."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class ModelAdmin(ThemedAdmin):
    """Lists that stay quick, texts side by side in their languages, and nothing deleted unless a subclass says so.

    `store_lookup` is the path from a row to its store: staff who belong to stores see only the rows of these.
    `annotations` are computed with each row.
    """

    form = RowForm
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    warn_unsaved_form = True
    actions: Any = None
    checks_class = ModelAdminChecks  # the theme's own asks the database, which may not be migrated yet
    store_lookup: ClassVar[str] = ""
    annotations: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self._words = words.of_model(model, getattr(self.form, "money_fields", {}), self.currency_of)

    def currency_of(self, row: Any) -> str:
        """Of the amounts in a row."""
        return str(row.currency)

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """What is shown and cannot be edited. Overridden instead of `get_readonly_fields`."""
        return self.readonly_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = self.fixed_fields(request, obj)
        return (*fixed, *(self._words[name] for name in fixed if name in self._words))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        may_edit = obj is None or self.has_change_permission(request, obj)
        fixed = self.fixed_fields(request, obj) if may_edit else self._words
        shown = {name: self._words[name] for name in fixed if name in self._words}
        return [
            (title, {**options, "fields": [words.replaced(line, shown) for line in options["fields"]]})
            for title, options in fieldsets
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(**self.annotations)
        stores = own_stores(request) if self.store_lookup else []
        return rows.filter(**{f"{self.store_lookup}__in": stores}) if stores else rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ChangeList

    def matching(self, text: str) -> Q | None:
        """The rows that this text finds. None leaves it to `search_fields`."""
        return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        condition = self.matching(text) if text else None
        if condition is not None:
            return queryset.filter(condition), False
        return super().get_search_results(request, queryset, search_term)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", pickers.PickOne(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", pickers.PickSeveral(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, LocalizedTextField):
            return dress(db_field.formfield(**kwargs))
        if db_field.name == "timezone":
            return timezone_field(db_field.verbose_name, initial=db_field.default)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new row begins now, in the programme's currency and zone, unless the form's address says otherwise."""
        program: Any = request.program  # type: ignore[attr-defined]
        told: dict[str, Any] = {"currency": program.currency, "timezone": program.timezone}
        if period := getattr(self.form, "period", None):
            told[period[0]] = timezone.now().replace(second=0, microsecond=0)
        return {**told, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Writes the fields that changed and no others: a counter may have moved since the form was shown."""
        if not change:
            super().save_model(request, obj, form, change)
        elif changed := {field.name for field in obj._meta.concrete_fields} & set(form.changed_data):
            obj.save(update_fields=changed)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """What the domain or the database refuses at the last moment, a race lost say, is told and nothing is saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            told = str(refusal)
        except IntegrityError:
            told = _("Somebody changed this at the same moment. Look at it again, then try again.")
        except DatabaseError:  # Django raises it itself where a save finds no row
            if not self._is_gone(request, object_id):
                raise
            told = ""
        if self._is_gone(request, object_id):
            messages.error(request, _("Somebody deleted this at the same moment."))
            return HttpResponseRedirect(acts.list_url(self.model))
        messages.error(request, told)
        return HttpResponseRedirect(request.get_full_path())

    def _is_gone(self, request: HttpRequest, object_id: str | None) -> bool:
        return object_id is not None and self.get_object(request, unquote(object_id)) is None

    def is_disposable(self, row: Any) -> bool:
        """True for a draft that nothing refers to: the only rows that may be deleted."""
        return False

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """What somebody published or used at the last moment stays."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except (NotDisposable, IntegrityError):
            messages.error(request, str(NotDisposable()))
        return HttpResponseRedirect(acts.list_url(self.model))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Asks the row again once nobody can change it any more, nor refer to it."""
        kept = self.model._default_manager.select_for_update().filter(pk=obj.pk).first()
        if kept is None or not self.is_disposable(kept):
            raise NotDisposable
        super().delete_model(request, kept)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return obj is not None and self.is_disposable(obj) and super().has_delete_permission(request, obj)

    def offers(self, act: str, row: Any) -> bool:
        """False hides an act's button on a row whose state does not allow it."""
        return True

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        allowed: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        row = self.get_object(request, str(object_id)) if allowed else None
        return [act for act in allowed if row is not None and self.offers(act.method.original_function_name, row)]

    def buttons(self, request: HttpRequest, row: models.Model) -> list[Any]:
        """The acts that a page of our own offers: its context's `actions_detail`."""
        allowed = self.get_actions_detail(request, row.pk)
        buttons: list[Any] = self._get_actions_navigation(self.actions_detail, allowed, row.pk)  # type: ignore[attr-defined]
        return buttons

    def row(self, request: HttpRequest, object_id: Any) -> Any:
        """The row of a page of our own, if this person may see it."""
        found = self.get_object(request, str(object_id))
        if found is None:
            raise Http404(_("There is no such row."))
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return found


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the domain alone makes and changes: seen, never written by a form."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        return super().change_view(request, object_id, form_url, {"show_history": False, **(extra_context or {})})


class RowsInline(ThemedInline):
    """Rows below the row they belong to, to be read."""

    extra = 0
    can_delete = False
    hide_title = True
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whoever sees the row sees what belongs to it."""
        return True


def own_stores(request: HttpRequest) -> list[int]:
    """The ids of the stores this member of staff belongs to, read once a request; empty means every store."""
    user: Any = request.user
    if user.is_superuser:
        return []
    if not hasattr(user, "own_stores"):
        user.own_stores = list(user.stores.values_list("pk", flat=True))
    return list(user.own_stores)
