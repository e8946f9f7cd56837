"""Mails that were kept instead of sent, as their reader would see them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from customers.models import OutboxMail
from loyalty_site.lib.admin import ReadOnlyAdmin

# The mail's own page may show pictures and styles, run nothing, and be framed by the back office alone.
_CSP = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'"
)


@admin.register(OutboxMail)
class OutboxMailAdmin(ReadOnlyAdmin):
    list_display = ("subject", "to", "kept_at")
    search_fields = ("=to", "subject")
    search_help_text = _("An address, or words of the subject")
    ordering = ("-kept_at", "-id")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxMail]:
        """Whoever reads a code to sign in, or a link to set a password, can be the person it was written to."""
        mails: QuerySet[OutboxMail] = super().get_queryset(request)
        return mails if request.user.is_superuser else mails.filter(headers__has_key="List-Unsubscribe")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.html_view)
        return [path("<int:mail_id>/html/", view, name="customers_outboxmail_html"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        mail = self.row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": mail,
            "title": mail.subject,
            "mail": mail,
        }
        return TemplateResponse(request, "admin/customers/outboxmail/mail.html", context)

    def html_view(self, request: HttpRequest, mail_id: int) -> HttpResponse:
        """Links open in a new tab, so that the frame stays a mail."""
        mail = self.row(request, mail_id)
        headers = {"Content-Security-Policy": _CSP, "X-Frame-Options": "SAMEORIGIN"}
        return HttpResponse(f'<base target="_blank">{mail.html}', headers=headers)
