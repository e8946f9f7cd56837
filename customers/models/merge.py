"""Two rows that turned out to be one person."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer


class CustomerMerge(models.Model):
    """`source` was merged into `target`, and perhaps separated again.

    `moved` says what went over: by the model's label the ids of the rows that were the source's. The points that went
    over stand in the ledger under the reference `merge:<id>`. `contacts` are the fields of the target that were empty
    and took the source's value; erasure empties them, and the reason.
    """

    source = models.ForeignKey(
        Customer, verbose_name=_("merged customer"), on_delete=models.PROTECT, related_name="merges_away"
    )
    target = models.ForeignKey(Customer, verbose_name=_("into"), on_delete=models.PROTECT, related_name="merges_in")
    merged_at = models.DateTimeField(_("merged at"))
    merged_by = models.CharField(_("merged by"), max_length=40)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    moved = models.JSONField(_("moved"), default=dict)
    contacts = models.JSONField(_("contacts"), default=dict)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by = models.CharField(_("undone by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("merge of customers")
        verbose_name_plural = _("merges of customers")
        constraints = [
            models.CheckConstraint(name="merge_joins_two_customers", condition=~Q(source=F("target"))),
            models.UniqueConstraint(
                fields=["source"], condition=Q(undone_at__isnull=True), name="merge_of_a_customer_is_open_once"
            ),
            models.CheckConstraint(
                name="merge_undone_says_by_whom",
                condition=Q(undone_at__isnull=True, undone_by="") | Q(undone_at__isnull=False) & ~Q(undone_by=""),
            ),
        ]
        indexes = [models.Index(fields=["-merged_at", "-id"], name="merge_newest_first")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"
