"""Mails that say that points are about to lapse."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models import mail


class PointsNotice(mail.QueuedMail):
    """One mail to one customer about the points that lapse when `last_day` of the programme's calendar ends, `touch`
    days before or a little later. `points` is what the mail said.
    """

    last_day = models.DateField(_("last day"))
    touch = models.PositiveSmallIntegerField(_("days before"))
    points = models.BigIntegerField(_("points"), null=True, blank=True)

    class Meta:
        verbose_name = _("lapse notice")
        verbose_name_plural = _("lapse notices")
        constraints = [
            models.UniqueConstraint(fields=["customer", "last_day", "touch"], name="points_notice_once_per_touch"),
            *mail.rules("points_notice", points__gt=0),
        ]
        indexes = mail.indexes("points_notice")

    def __str__(self) -> str:
        return f"{self.last_day}"
