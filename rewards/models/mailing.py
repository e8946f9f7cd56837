"""Offers that are brought to many customers by mail, each with a coupon of their own."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Segment, Store
from loyalty_site.lib import constraints
from loyalty_site.lib.texts import LocalizedTextField
from rewards.models import mail
from rewards.models.coupon import Coupon
from rewards.models.experiment import Experiment
from rewards.models.offer import Offer


class MailingState(models.TextChoices):
    DRAFT = "DRAFT", _("draft")
    SCHEDULED = "SCHEDULED", _("scheduled")
    MATERIALIZING = "MATERIALIZING", _("choosing customers")
    SENDING = "SENDING", _("sending")
    PAUSED = "PAUSED", _("paused")
    COMPLETED = "COMPLETED", _("completed")
    CANCELLED = "CANCELLED", _("cancelled")


class Mailing(models.Model):
    """One sending of an offer, at `starts_at`.

    Audience: customers of `segment` (everybody without one), of `stores` (all when empty) by their home store, who
    bought in the last `bought_within_days` (anybody when empty); of those who may be written to only the `likely_max`
    likeliest to use the offer (all when empty). Whom `experiment` holds out of these gets neither mail nor coupon.
    Without `subject` and `body`, or where a language is empty, the mail has the programme's own words.
    """

    name = models.CharField(_("name"), max_length=200)
    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="mailings")
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stores = models.ManyToManyField(Store, verbose_name=_("stores"), blank=True, related_name="+")
    bought_within_days = models.PositiveSmallIntegerField(
        _("bought within (days)"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    likely_max = models.PositiveIntegerField(
        _("only the likeliest to use it (customers)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("So many of those who may be written to, as earlier mailings tell."),
    )
    subject = LocalizedTextField(pgettext_lazy("mail", "subject"), blank=True)
    body = LocalizedTextField(pgettext_lazy("mail", "text"), long=True, blank=True)
    experiment = models.OneToOneField(
        Experiment, verbose_name=_("experiment"), on_delete=models.PROTECT, related_name="mailing"
    )
    state = models.CharField(
        _("state"), max_length=15, choices=MailingState.choices, default=MailingState.DRAFT, editable=False
    )
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True, editable=False)
    scheduled_by = models.CharField(_("scheduled by"), max_length=40, blank=True, editable=False)
    materialized_at = models.DateTimeField(_("audience frozen at"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("mailing")
        verbose_name_plural = _("mailings")
        constraints = [
            constraints.choice_is_known("mailing_state_is_known", "state", MailingState),
            models.CheckConstraint(
                name="mailing_scheduled_says_when_and_by_whom",
                condition=Q(state__in=[MailingState.DRAFT, MailingState.CANCELLED])
                | Q(starts_at__isnull=False) & ~Q(scheduled_by=""),
            ),
            models.CheckConstraint(
                name="mailing_limit_leaves_one", condition=Q(likely_max__isnull=True) | Q(likely_max__gte=1)
            ),
        ]
        indexes = [
            models.Index(
                fields=["starts_at"], condition=Q(state=MailingState.SCHEDULED), name="mailing_waiting_for_its_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MailingMail(mail.QueuedMail):
    """What became of one customer of a mailing's audience; `coupon` is theirs, when they are sent the offer."""

    mailing = models.ForeignKey(
        Mailing, verbose_name=_("mailing"), on_delete=models.PROTECT, related_name="mails", db_index=False
    )
    coupon = models.OneToOneField(
        Coupon, verbose_name=_("coupon"), null=True, blank=True, on_delete=models.PROTECT, related_name="mailing_mail"
    )

    class Meta:
        verbose_name = _("mail of a mailing")
        verbose_name_plural = _("mails of mailings")
        constraints = [
            models.UniqueConstraint(fields=["mailing", "customer"], name="mailing_reaches_a_customer_once"),
            *mail.rules("mailing_mail"),
        ]
        indexes = [
            *mail.indexes("mailing_mail"),
            models.Index(fields=["mailing", "state"], name="mailing_mail_by_state"),
            models.Index(fields=["customer"], name="mailing_mail_of_customer"),
        ]
