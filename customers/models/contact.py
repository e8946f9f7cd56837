"""Which mails customers got, whoever sent them: what the cap counts."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer


class Contact(models.Model):
    """A mail that was handed to the server for a customer, or may have been: `reference` (`points-notice:17`) names it.

    Sign-in codes and other mails that somebody asked for have none.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="contacts", db_index=False
    )
    reference = models.CharField(_("reference"), max_length=100, unique=True)
    sent_at = models.DateTimeField(_("sent at"))

    class Meta:
        verbose_name = _("contact by mail")
        verbose_name_plural = _("contacts by mail")
        constraints = [models.CheckConstraint(name="contact_reference_is_not_empty", condition=~Q(reference=""))]
        indexes = [models.Index(fields=["customer", "sent_at"], name="contact_of_customer")]

    def __str__(self) -> str:
        return self.reference
