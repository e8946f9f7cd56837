"""Mails kept instead of sent, while no mail server is named."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OutboxMail(models.Model):
    to = models.CharField(pgettext_lazy("mail", "to"), max_length=1000)
    subject = models.CharField(pgettext_lazy("mail", "subject"), max_length=500)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"), blank=True)
    headers = models.JSONField(_("headers"), default=dict)
    kept_at = models.DateTimeField(_("kept at"), auto_now_add=True)

    class Meta:
        verbose_name = _("outbox mail")
        verbose_name_plural = _("outbox")
        indexes = [models.Index(fields=["-kept_at", "-id"], name="outbox_newest_first")]

    def __str__(self) -> str:
        return self.subject
