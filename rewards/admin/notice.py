"""Mails about points that lapse."""

from django.contrib import admin

from rewards.admin import mail
from rewards.domain import notices
from rewards.models import PointsNotice

_CHANGE = "rewards.change_pointsnotice"


@admin.register(PointsNotice)
class PointsNoticeAdmin(mail.QueuedMailAdmin):
    queue = notices.QUEUE
    list_display = ("customer", "last_day", "touch", "points", "state", "reason", "settled_at")
    list_filter = ("state", "reason", "touch")
    fields = (
        ("customer", "last_day"),
        ("touch", "points"),
        ("state", "reason"),
        ("attempts", "not_before"),
        ("claimed_at", "settled_at"),
        "smtp_reply",
    )
    send_again = mail.send_again(_CHANGE)
    assume_delivered = mail.assume_delivered(_CHANGE)
