"""What all workers know together of the server that takes the mails."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PauseCause(models.TextChoices):
    """Why no mail is handed over: see `loyalty_site.lib.mail_causes.Cause`."""

    RATE = "RATE", _("too many mails at a time")
    QUOTA = "QUOTA", _("no more mails for now: the account's quota")
    SENDER = "SENDER", _("the server does not take mails from us")
    SERVER = "SERVER", _("the server is away")


class MailServer(models.Model):
    """One row. After `failures` refusals in a row that are about no single mail, none is handed over until
    `paused_until`; then one, to see. `next_at` is the token bucket: where the rate would be if mails left evenly.
    """

    only = models.BooleanField(default=True, unique=True, editable=False)
    next_at = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(_("refusals in a row"), default=0)
    cause = models.CharField(_("cause"), max_length=10, choices=PauseCause.choices, blank=True)
    reply = models.CharField(_("server's reply"), max_length=500, blank=True)
    paused_since = models.DateTimeField(_("paused since"), null=True)
    paused_until = models.DateTimeField(_("next try"), null=True)

    class Meta:
        verbose_name = _("mail server")
        verbose_name_plural = _("mail server")
        constraints = [
            models.CheckConstraint(name="mailserver_is_one_row", condition=Q(only=True)),
            models.CheckConstraint(
                name="mailserver_pause_says_why",
                condition=Q(failures=0, cause="", reply="", paused_since=None, paused_until=None)
                | Q(
                    failures__gte=1, cause__in=PauseCause.values, paused_since__isnull=False, paused_until__isnull=False
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
