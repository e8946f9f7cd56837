"""Groups of customers that something is meant for."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer


class Segment(models.Model):
    """A group under a name that staff choose; who is in it is what `SegmentMember` says."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    description = models.TextField(_("description"), blank=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [models.CheckConstraint(name="segment_name_is_not_empty", condition=~Q(name=""))]

    def __str__(self) -> str:
        return self.name


class SegmentMember(models.Model):
    """A customer in a segment, from `since` on."""

    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="members", db_index=False
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="segments"
    )
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("member of a segment")
        verbose_name_plural = _("members of segments")
        constraints = [
            models.UniqueConstraint(fields=["segment", "customer"], name="segment_holds_a_customer_once"),
        ]

    def __str__(self) -> str:
        return f"{self.segment}: {self.customer}"
