"""Mails that say that points are about to lapse."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import constraints


class NoticeState(models.TextChoices):
    PENDING = "PENDING", _("waiting")
    SENDING = "SENDING", _("being sent")
    SUPPRESSED = "SUPPRESSED", _("not sent")
    ACCEPTED = "ACCEPTED", _("accepted")
    REJECTED = "REJECTED", _("rejected")
    UNCERTAIN = "UNCERTAIN", _("uncertain")


class NoticeBarrier(models.TextChoices):
    NO_EMAIL = "NO_EMAIL", _("no e-mail address")
    NO_CONSENT = "NO_CONSENT", _("no consent")
    CLOSED = "CLOSED", _("left the programme")
    NOTHING_LEFT = "NOTHING_LEFT", _("nothing left to lapse")
    LATE = "LATE", _("too late for this one")


class PointsNotice(models.Model):
    """One mail to one customer about the points that lapse when `last_day` of the programme's calendar ends, `touch`
    days before or a little later.

    The claim (SENDING, `claimed_at`) is committed before the network is touched. Who claimed it and was killed leaves
    it UNCERTAIN: nobody knows, so it is never sent again by itself. `points` is what the mail said.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="points_notices", db_index=False
    )
    last_day = models.DateField(_("last day"))
    touch = models.PositiveSmallIntegerField(_("days before"))
    state = models.CharField(_("state"), max_length=10, choices=NoticeState.choices, default=NoticeState.PENDING)
    reason = models.CharField(_("reason"), max_length=15, choices=NoticeBarrier.choices, blank=True)
    points = models.BigIntegerField(_("points"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    smtp_reply = models.CharField(_("server's reply"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("lapse notice")
        verbose_name_plural = _("lapse notices")
        constraints = [
            models.UniqueConstraint(fields=["customer", "last_day", "touch"], name="points_notice_once_per_touch"),
            constraints.choice_is_known("points_notice_state_is_known", "state", NoticeState),
            models.CheckConstraint(
                name="points_notice_suppressed_says_why",
                condition=Q(state=NoticeState.SUPPRESSED) & ~Q(reason="")
                | ~Q(state=NoticeState.SUPPRESSED) & Q(reason=""),
            ),
            models.CheckConstraint(
                name="points_notice_claimed_while_sending",
                condition=Q(state=NoticeState.SENDING, claimed_at__isnull=False, points__gt=0)
                | ~Q(state=NoticeState.SENDING) & Q(claimed_at=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["not_before", "id"], condition=Q(state=NoticeState.PENDING), name="points_notice_to_send"
            ),
            models.Index(
                fields=["claimed_at"], condition=Q(state=NoticeState.SENDING), name="points_notice_being_sent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.last_day}"
