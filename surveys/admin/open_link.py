"""Open links: where a survey hangs, with its QR code and a sheet to print."""

from datetime import datetime
from io import BytesIO
from typing import Any

import segno
from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from loyalty_site.lib.admin import ModelAdmin, States, act, act_page, acting, badge, list_url, state_filter
from loyalty_site.lib.numbers import grouped
from loyalty_site.lib.texts import localized
from surveys.domain import open_links
from surveys.models import OpenLink, SurveyResponse

_PIXELS = 20  # of a module in a PNG: sharp on a poster


def states(_now: datetime) -> States:
    return {
        "open": (_("open"), Q(closed_at__isnull=True, survey__closed_at__isnull=True)),
        "closed": (_("closed"), Q(closed_at__isnull=False) | Q(survey__closed_at__isnull=False)),
    }


@admin.register(OpenLink)
class OpenLinkAdmin(ModelAdmin):
    list_display = ("source", "store", "survey", "state", "answers", "opened_at")
    list_select_related = ("survey", "store")
    list_filter = (
        state_filter(name="is", label=gettext_lazy("state"), states=states),
        ("survey", AutocompleteSelectFilter),
        ("store", AutocompleteSelectFilter),
    )
    search_fields = ("source", "=code")
    autocomplete_fields = ("survey", "store")
    readonly_fields = ("address", "code_to_scan", "answers")
    ordering = ("-pk",)
    sortable_by = ()
    actions_detail = ("close",)
    annotations = {"answered": Count("responses")}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            ("survey", "source", "store", "address", "code_to_scan", "answers", "opened_at", "closed_at")
            if obj
            else ("survey", "source", "store")
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What hangs on a wall does not change."""
        return False

    def save_model(self, request: HttpRequest, obj: OpenLink, form: Any, change: bool) -> None:
        open_links.open_up(link=obj, by=acting(request), at=timezone.now())

    def get_urls(self) -> list[Any]:
        def view(page: Any, address: str, name: str) -> Any:
            return path(address, self.admin_site.admin_view(page), name=f"surveys_openlink_{name}")

        return [
            view(self.sheet_view, "<int:link_id>/sheet/", "sheet"),
            view(self.qr_view, "<int:link_id>/qr.<str:kind>", "qr"),
            *super().get_urls(),
        ]

    def sheet_view(self, request: HttpRequest, link_id: int) -> HttpResponse:
        """A page to print, in all languages at once: nobody knows who comes by."""
        link: OpenLink = self.row(request, link_id)
        calls = []
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                calls.append(
                    {
                        "language": language,
                        "title": localized(link.survey.title),
                        "text": _("Scan the code and tell us. It takes about a minute."),
                    }
                )
        context = {"link": link, "address": address_of(link), "calls": calls}
        return TemplateResponse(request, "admin/surveys/open_link/sheet.html", context)

    def qr_view(self, request: HttpRequest, link_id: int, kind: str) -> HttpResponse:
        link: OpenLink = self.row(request, link_id)
        kind, content_type = ("png", "image/png") if kind == "png" else ("svg", "image/svg+xml")
        file = BytesIO()
        segno.make(address_of(link), micro=False, error="m").save(file, kind=kind, scale=_PIXELS, border=4)
        named = {"Content-Disposition": f'attachment; filename="survey-{link.code}.{kind}"'}
        return HttpResponse(file.getvalue(), content_type=content_type, headers=named)

    def offers(self, act: str, row: OpenLink) -> bool:
        return row.closed_at is None

    @act(title=gettext_lazy("Close the link"), permission="surveys.change_openlink", icon="block", variant="danger")
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        link: OpenLink = self.row(request, object_id)

        def do(_data: Any) -> str:
            open_links.close(link=link, by=acting(request), at=timezone.now())
            return _("“%s” is closed.") % link

        return act_page(
            self,
            request,
            link,
            title=_("Close “%s”?") % link,
            explanation=_("Whoever scans its code is told that the survey has ended. This cannot be undone."),
            button=_("Close the link"),
            do=do,
            danger=True,
        )

    @admin.display(description=gettext_lazy("address"))
    def address(self, link: OpenLink) -> SafeString:
        return format_html('<a class="bo-link" href="{0}">{0}</a>', address_of(link))

    @admin.display(description=gettext_lazy("code to scan"))
    def code_to_scan(self, link: OpenLink) -> SafeString:
        sheet = reverse("admin:surveys_openlink_sheet", args=[link.pk])
        svg, png = (reverse("admin:surveys_openlink_qr", args=[link.pk, kind]) for kind in ("svg", "png"))
        told = (
            '<img class="bo-qr" src="{2}" alt="" width="160" height="160">'
            '<a class="bo-link" href="{0}" target="_blank">{1}</a> · <a class="bo-link" href="{2}">SVG</a>'
            ' · <a class="bo-link" href="{3}">PNG</a>'
        )
        return format_html(told, sheet, _("Sheet to print"), svg, png)

    @admin.display(description=gettext_lazy("answers"))
    def answers(self, link: OpenLink) -> SafeString | str:
        number = grouped(link.answered)  # type: ignore[attr-defined]
        url = list_url(SurveyResponse, [("open_link__exact", link.pk)])
        return format_html('<a class="bo-link" href="{}">{}</a>', url, number)

    @badge(gettext_lazy("state"), {"open": "success", "closed": "danger"})
    def state(self, link: OpenLink) -> tuple[str, str]:
        return ("open", _("open")) if open_links.is_open(link) else ("closed", _("closed"))


def address_of(link: OpenLink) -> str:
    return f"{settings.BASE_URL}{reverse('survey-open', args=[link.code])}"
