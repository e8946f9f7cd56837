"""Codes that are made by the thousand, for leaflets and partners, or come from an older system."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import codes, constraints
from rewards.models.offer import Offer


class BatchState(models.TextChoices):
    WAITING = "WAITING", _("waiting")
    RUNNING = "RUNNING", _("being made")
    DONE = "DONE", _("done")
    CANCELLED = "CANCELLED", _("cancelled")
    FAILED = "FAILED", _("failed")


class CodeBatch(models.Model):
    """`count` coupons of an offer without a holder, each `code_prefix` and `body_length` symbols, the last one a check.

    A worker makes them in chunks: `made_count` moves in the transaction that stores a chunk, so a worker that is killed
    loses its chunk and nothing is made twice. They are good in [valid_from, valid_to). Those that came in a file have
    its name in `origin` and codes of any shape: their `body_length` is 0. `token` names one showing of the order form.
    """

    BODY_MIN, BODY_MAX = 8, 24
    COUNT_MAX = 10_000_000

    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="code_batches")
    count = models.PositiveIntegerField(_("number of codes"))
    made_count = models.PositiveIntegerField(_("codes made"), default=0)
    code_prefix = models.CharField(_("code prefix"), max_length=8, blank=True)
    body_length = models.PositiveSmallIntegerField(_("symbols after the prefix"), default=12)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=BatchState.choices, default=BatchState.WAITING)
    origin = models.CharField(_("file"), max_length=200, blank=True)
    token = models.UUIDField(_("form"), null=True, blank=True, editable=False)
    requested_at = models.DateTimeField(_("ordered at"))
    requested_by = models.CharField(_("ordered by"), max_length=40)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("batch of codes")
        verbose_name_plural = _("batches of codes")
        constraints = [
            constraints.choice_is_known("code_batch_state_is_known", "state", BatchState),
            models.CheckConstraint(
                name="code_batch_makes_no_more_than_ordered",
                condition=Q(count__gte=1, count__lte=10_000_000, made_count__lte=F("count")),
            ),
            models.CheckConstraint(
                name="code_batch_is_done_when_all_are_made",
                condition=Q(state=BatchState.DONE, made_count=F("count"), finished_at__isnull=False)
                | Q(state__in=[BatchState.CANCELLED, BatchState.FAILED], finished_at__isnull=False)
                | Q(state__in=[BatchState.WAITING, BatchState.RUNNING], finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="code_batch_has_a_shape_or_a_file",
                condition=Q(origin="", body_length__gte=8, body_length__lte=24)
                | ~Q(origin="") & Q(body_length=0, code_prefix=""),
            ),
            models.UniqueConstraint(fields=["token"], name="code_batch_is_ordered_once"),
            models.CheckConstraint(name="code_batch_prefix_is_plain", condition=Q(code_prefix__regex=r"^[A-Z0-9]*$")),
            models.CheckConstraint(name="code_batch_says_who_ordered_it", condition=~Q(requested_by="")),
            constraints.ends_after_start("code_batch_ends_after_it_starts", "valid_from", "valid_to"),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="code_batch_to_make",
                condition=Q(state__in=[BatchState.WAITING, BatchState.RUNNING]),
            )
        ]

    def __str__(self) -> str:
        return self.origin or f"{self.code_prefix or self.offer} #{self.pk}"

    def shown(self, code: str) -> str:
        """A code of this batch as people read it."""
        return codes.grouped(code, body_length=self.body_length) if self.body_length else code
