"""What all mails of the programme have in common: a row each, which is the queue."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import constraints


class MailState(models.TextChoices):
    PENDING = "PENDING", _("waiting")
    SENDING = "SENDING", _("being sent")
    SUPPRESSED = "SUPPRESSED", _("not sent")
    ACCEPTED = "ACCEPTED", _("accepted")
    REJECTED = "REJECTED", _("rejected")
    UNCERTAIN = "UNCERTAIN", _("uncertain")


class MailBarrier(models.TextChoices):
    NO_EMAIL = "NO_EMAIL", _("no e-mail address")
    SUPPRESSED_ADDRESS = "SUPPRESSED_ADDRESS", _("address gets no mail")
    NO_CONSENT = "NO_CONSENT", _("no consent")
    CLOSED = "CLOSED", _("left the programme")
    NOTHING_LEFT = "NOTHING_LEFT", _("nothing left to lapse")
    LATE = "LATE", _("too late for this one")
    GONE = "GONE", _("what it tells of was used, withdrawn or has lapsed")
    HELD_OUT = "HELD_OUT", _("held out, to compare")
    CANCELLED = "CANCELLED", _("cancelled")


class QueuedMail(models.Model):
    """One mail to one customer.

    The claim (SENDING, `claimed_at`) is committed before the network is touched. Who claimed it and was killed leaves
    it UNCERTAIN: nobody knows, so it is never sent again by itself. `rewards.domain.mail_queue` has the verbs.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    state = models.CharField(_("state"), max_length=10, choices=MailState.choices, default=MailState.PENDING)
    reason = models.CharField(_("reason"), max_length=20, choices=MailBarrier.choices, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    smtp_reply = models.CharField(_("server's reply"), max_length=500, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.pk}"


def rules(name: str, **sending: object) -> list[models.BaseConstraint]:
    """The constraints of a queue whose model is called `name`; `sending` must also hold while it is being sent."""
    claimed = Q(state=MailState.SENDING, claimed_at__isnull=False, **sending)
    return [
        constraints.choice_is_known(f"{name}_state_is_known", "state", MailState),
        models.CheckConstraint(
            name=f"{name}_suppressed_says_why",
            condition=Q(state=MailState.SUPPRESSED) & ~Q(reason="") | ~Q(state=MailState.SUPPRESSED) & Q(reason=""),
        ),
        models.CheckConstraint(
            name=f"{name}_claimed_while_sending",
            condition=claimed | ~Q(state=MailState.SENDING) & Q(claimed_at=None),
        ),
    ]


def indexes(name: str) -> list[models.Index]:
    """What finds the mails that are due, and those whose worker may be gone."""
    return [
        models.Index(fields=["not_before", "id"], condition=Q(state=MailState.PENDING), name=f"{name}_to_send"),
        models.Index(fields=["claimed_at"], condition=Q(state=MailState.SENDING), name=f"{name}_being_sent"),
    ]
