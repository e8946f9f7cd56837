"""What an owner should look at in what staff and tills do."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import constraints


class AlertKind(models.TextChoices):
    OWN_ADJUSTMENT = "OWN_ADJUSTMENT", _("adjusted their own points")
    OWN_RETURN = "OWN_RETURN", _("took back their own purchase")
    OWN_COUPON = "OWN_COUPON", _("issued a coupon to themselves")
    OWN_REWARD = "OWN_REWARD", _("handed a reward to themselves")
    MANY_ADJUSTMENTS = "MANY_ADJUSTMENTS", _("unusually many adjustments")
    MANY_RETURNS = "MANY_RETURNS", _("unusually many returns")
    MANY_COUPONS = "MANY_COUPONS", _("unusually many coupons by hand")


OWN = [AlertKind.OWN_ADJUSTMENT, AlertKind.OWN_RETURN, AlertKind.OWN_COUPON, AlertKind.OWN_REWARD]


class StaffAlert(models.Model):
    """Something that an actor did and that somebody else should know; told once for each `fact`.

    OWN_…: `customer` has the actor's own e-mail address or phone, and `fact` is the act (`adjustment:17`). MANY_…: the
    actor did `number` of them in the days before, their colleagues `usual` (the median), and `fact` is the day on which
    it was noticed.
    """

    kind = models.CharField(_("what"), max_length=20, choices=AlertKind.choices)
    actor = models.CharField(_("who"), max_length=40)
    fact = models.CharField(_("fact"), max_length=60)
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    number = models.PositiveIntegerField(_("number"), null=True, blank=True)
    usual = models.DecimalField(_("usual"), max_digits=12, decimal_places=1, null=True, blank=True)
    noticed_at = models.DateTimeField(_("noticed at"))
    seen_at = models.DateTimeField(_("seen at"), null=True, blank=True)
    seen_by = models.CharField(_("seen by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            constraints.choice_is_known("staff_alert_kind_is_known", "kind", AlertKind),
            models.UniqueConstraint(fields=["kind", "actor", "fact"], name="staff_alert_once_per_fact"),
            models.CheckConstraint(
                name="staff_alert_says_what_its_kind_says",
                condition=Q(kind__in=OWN, customer__isnull=False, number=None, usual=None)
                | ~Q(kind__in=OWN) & Q(customer=None, number__isnull=False, usual__isnull=False),
            ),
            models.CheckConstraint(
                name="staff_alert_seen_by_someone",
                condition=Q(seen_at=None, seen_by="") | Q(seen_at__isnull=False) & ~Q(seen_by=""),
            ),
        ]
        indexes = [models.Index(fields=["-noticed_at", "-id"], name="staff_alert_newest_first")]

    def __str__(self) -> str:
        return self.get_kind_display()
