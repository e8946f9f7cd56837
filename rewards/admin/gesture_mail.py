"""Mails that tell of surprises, and their words."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.admin import ModelAdmin
from rewards.admin import mail, mail_text
from rewards.domain import gesture_mails, mail_texts
from rewards.models import Gesture, GestureMail, GestureText

_CHANGE = "rewards.change_gesturemail"
_PREVIEW = "rewards_gesturetext_preview"


@admin.register(GestureMail)
class GestureMailAdmin(mail.QueuedMailAdmin):
    queue = gesture_mails.QUEUE
    list_display = ("customer", "rule", "state", "reason", "settled_at")
    list_select_related = ("customer", "surprise__rule")
    list_filter = ("state", "reason")
    fields = (
        ("customer", "surprise"),
        ("state", "reason"),
        ("attempts", "not_before"),
        ("claimed_at", "settled_at"),
        "smtp_reply",
    )
    send_again = mail.send_again(_CHANGE)
    assume_delivered = mail.assume_delivered(_CHANGE)

    @admin.display(description=_("rule"))
    def rule(self, row: GestureMail) -> str:
        return str(row.surprise.rule)


class GestureTextForm(mail_text.MailTextForm):
    preview = mail_text.preview_field(lambda: reverse(f"admin:{_PREVIEW}"))

    def points(self, cleaned: dict[str, Any]) -> bool:
        rule = cleaned.get("rule") or (self.instance.rule if self.instance.pk else None)
        return bool(rule and rule.gesture == Gesture.POINTS)


@admin.register(GestureText)
class GestureTextAdmin(ModelAdmin):
    form = GestureTextForm
    list_display = ("rule",)
    list_select_related = ("rule",)
    search_fields = ("rule__name",)
    autocomplete_fields = ("rule",)
    ordering = ("-pk",)
    fields = ("rule", "subject", "body", "preview")

    def is_disposable(self, row: GestureText) -> bool:
        return True

    def get_urls(self) -> list[Any]:
        return [path("preview/", self.admin_site.admin_view(self.preview), name=_PREVIEW), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The mail that the form would make, before it is whole."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form = self.get_form(request)(request.POST)
        form.is_valid()
        rule = form.instance.rule if form.instance.rule_id else None  # cleaned_data lacks one that has words already
        return mail_text.preview(
            form=form,
            default=mail_texts.GESTURES[rule.gesture if rule else Gesture.COUPON],
            offer=rule.offer if rule else None,
            points=rule.points if rule else None,
        )
