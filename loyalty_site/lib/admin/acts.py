"""Acts: buttons of the back office that call the domain after a page that says what will happen."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from loyalty_site.lib.errors import DomainError

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
Text = str | Promise


def act(*, title: Text, permission: str, icon: str, variant: str = "default") -> Callable[[View], View]:
    """A button over a row's page. `permission` (`app.codename`) is asked before the button and before the act."""

    def decorate(view: View) -> View:
        decorated: View = action(
            description=title,
            permissions=[permission],
            icon=icon,
            variant=ActionVariant(variant),
            url_path=view.__name__,
        )(view)
        return decorated

    return decorate


def act_page(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    row: models.Model | None,
    *,
    title: Text,
    explanation: Text = "",
    button: Text,
    do: Callable[[Mapping[str, Any]], Text],
    form: forms.BaseForm | None = None,
    danger: bool = False,
    template: str = "admin/act.html",
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """GET shows what will happen, POST does it and returns to the row, or to the list where there is none.

    `do` gets the form's cleaned data, calls the domain and returns what to tell; a DomainError is shown in the form.
    Where somebody deleted the row at that moment, the list says so.
    """
    form = forms.Form(posted(request)) if form is None else form
    back = row_url(model_admin, row) if row else list_url(model_admin.model)
    if request.method == "POST" and form.is_valid():
        try:
            told = do(form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        except ObjectDoesNotExist:
            if row is None or type(row)._default_manager.filter(pk=row.pk).exists():
                raise
            messages.error(request, _("Somebody deleted this at the same moment."))
            return HttpResponseRedirect(list_url(model_admin.model))
        else:
            messages.success(request, str(told))
            return HttpResponseRedirect(back)
    return TemplateResponse(
        request,
        template,
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.model._meta,
            "original": row,
            "title": title,
            "explanation": explanation,
            "button": button,
            "danger": danger,
            "form": form,
            "back": back,
            **(context or {}),
        },
    )


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is filled with: nothing while the page is only looked at."""
    return request.POST if request.method == "POST" else None


def row_url(model_admin: "ModelAdmin[Any]", row: models.Model) -> str:
    opts = row._meta
    return reverse(f"{model_admin.admin_site.name}:{opts.app_label}_{opts.model_name}_change", args=[row.pk])


def list_url(model: type[models.Model], filters: Iterable[tuple[str, object]] = ()) -> str:
    """A list of the back office, filtered."""
    query = "&".join(f"{name}={value}" for name, value in filters)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{query}" if query else url
