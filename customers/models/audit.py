"""Who did what, when and why."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import append_only


class AuditEvent(models.Model):
    """One act. No foreign keys, so that the log never hinders and outlives the live rows.

    `actor` is an `Actor` as text; `subject` is `model:id`, for example `customer:17`. `data` holds nothing personal.
    """

    happened_at = models.DateTimeField(_("happened at"))
    actor = models.CharField(_("actor"), max_length=40)
    action = models.CharField(_("action"), max_length=60)
    subject = models.CharField(_("subject"), max_length=80)
    reason = models.TextField(_("reason"), blank=True)
    data = models.JSONField(_("data"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit log")
        triggers = append_only.refuse_update_and_delete()
        indexes = [
            models.Index(fields=["-happened_at", "-id"], name="audit_newest_first"),
            models.Index(fields=["subject", "-id"], name="audit_of_subject"),
        ]

    def __str__(self) -> str:
        return self.action
