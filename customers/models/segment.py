"""Groups of customers that something is meant for."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer


class Segment(models.Model):
    """A group under a name that staff choose; who is in it is what `SegmentMember` says.

    With `terms` (`customers.domain.segment_terms`) it is built of filters and refreshed every night; without, staff say
    who is in it.
    """

    name = models.CharField(_("name"), max_length=200, unique=True)
    description = models.TextField(_("description"), blank=True)
    terms = models.JSONField(_("filters"), null=True, blank=True, editable=False)
    refreshed_at = models.DateTimeField(_("refreshed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.CheckConstraint(name="segment_name_is_not_empty", condition=~Q(name="")),
            models.CheckConstraint(name="segment_terms_are_not_empty", condition=Q(terms__isnull=True) | ~Q(terms=[])),
            models.CheckConstraint(
                name="segment_is_refreshed_where_it_has_terms",
                condition=Q(refreshed_at__isnull=True) | Q(terms__isnull=False),
            ),
        ]

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


class SegmentSize(models.Model):
    """How many customers were in a segment with terms when it was last refreshed on a day (UTC)."""

    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="sizes", db_index=False
    )
    day = models.DateField(_("day"))
    customers = models.PositiveIntegerField(_("customers"))

    class Meta:
        verbose_name = _("size of a segment")
        verbose_name_plural = _("sizes of segments")
        constraints = [models.UniqueConstraint(fields=["segment", "day"], name="segment_has_one_size_a_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.customers}"
