"""What customers allowed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer
from loyalty_site.lib import constraints


class Purpose(models.TextChoices):
    SURVEY_EMAIL = "survey_email", _("surveys by e-mail")
    MARKETING_EMAIL = "marketing_email", _("offers and news by e-mail")


class Consent(models.Model):
    """A permission from `granted_at` until `withdrawn_at`; rows stay as evidence, at most one of a purpose is open."""

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="consents"
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    granted_at = models.DateTimeField(_("granted at"))
    granted_by = models.CharField(_("granted by"), max_length=40)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.CharField(_("withdrawn by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "purpose"], condition=Q(withdrawn_at__isnull=True), name="consent_is_open_once"
            ),
            constraints.choice_is_known("consent_purpose_is_known", "purpose", Purpose),
            models.CheckConstraint(
                name="consent_withdrawn_by_someone",
                condition=Q(withdrawn_at__isnull=True, withdrawn_by="")
                | Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.get_purpose_display()
