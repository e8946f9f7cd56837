"""The ledger. `rewards.domain.points` is its only door."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer
from loyalty_site.lib import append_only, constraints


class PointsAccount(models.Model):
    """The head of one customer's ledger and the row that is locked to change it.

    Always: sum(entries) = balance = sum(remaining of lots) − debt. `last_seq` is the number of entries.
    """

    customer = models.OneToOneField(
        Customer, verbose_name=_("customer"), primary_key=True, on_delete=models.PROTECT, related_name="points_account"
    )
    balance = models.BigIntegerField(_("balance"), default=0)
    debt = models.BigIntegerField(_("debt"), default=0)
    last_seq = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("points account")
        verbose_name_plural = _("points accounts")
        constraints = [
            models.CheckConstraint(
                name="points_balance_not_negative_without_debt",
                condition=Q(debt=0, balance__gte=0) | Q(debt__gt=0, balance=-F("debt")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.balance}"


class EntryKind(models.TextChoices):
    AWARD = "AWARD", _("awarded")
    REDEEM = "REDEEM", _("redeemed")
    CLAW_BACK = "CLAW_BACK", _("taken back")
    REIMBURSE = "REIMBURSE", _("given back")
    EXPIRE = "EXPIRE", _("lapsed")
    ADJUST = "ADJUST", _("adjusted")
    MERGE = "MERGE", _("merged")


class PointsEntry(models.Model):
    """One dated, signed, explained movement; never changed, corrections are new entries.

    `reference` says what caused it (`purchase:17`, `survey-response:4`), once per customer and kind: telling the same
    fact again finds the first entry. `happened_at` is when it was true, `recorded_at` when it was written. `breakdown`
    (awards) holds the base, the rules at their version and the rounding, so that a return never asks today's rules;
    that of a claw-back how many points were `asked`, had `lapsed` and were `forgiven`; that of a reimbursement how many
    were `asked`, which claw-backs' forgiven points it `recouped` and which lots' lapsed points it `renewed` (points by
    id). Both may be of 0 points.
    """

    customer = models.ForeignKey(
        PointsAccount, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    seq = models.BigIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=EntryKind.choices)
    points = models.BigIntegerField(_("points"))
    balance_after = models.BigIntegerField(_("balance after"))
    reference = models.CharField(_("reference"), max_length=100)
    happened_at = models.DateTimeField(_("happened at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=models.functions.Now())
    actor = models.CharField(_("actor"), max_length=40)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    breakdown = models.JSONField(_("breakdown"), null=True, blank=True)
    corrects = models.ForeignKey(
        "self", verbose_name=_("corrects"), null=True, blank=True, on_delete=models.PROTECT, related_name="corrections"
    )

    # in words, for pages: see rewards.domain.explanations
    explanation = headline = fine_print = ""

    class Meta:
        verbose_name = _("points entry")
        verbose_name_plural = _("points ledger")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["customer", "seq"], name="points_entry_is_numbered_once"),
            models.UniqueConstraint(fields=["customer", "kind", "reference"], name="points_entry_is_posted_once"),
            models.CheckConstraint(name="points_entry_reference_is_not_empty", condition=~Q(reference="")),
            constraints.choice_is_known("points_entry_kind_is_known", "kind", EntryKind),
            models.CheckConstraint(
                name="points_entry_sign_fits_kind",
                condition=Q(kind=EntryKind.AWARD, points__gt=0)
                | Q(kind=EntryKind.REIMBURSE, points__gte=0)
                | Q(kind__in=[EntryKind.REDEEM, EntryKind.EXPIRE], points__lt=0)
                | Q(kind=EntryKind.CLAW_BACK, points__lte=0)
                | Q(kind__in=[EntryKind.ADJUST, EntryKind.MERGE]) & ~Q(points=0),
            ),
            models.CheckConstraint(
                name="points_entry_corrects_when_given_or_taken_back",
                condition=Q(kind__in=[EntryKind.CLAW_BACK, EntryKind.REIMBURSE], corrects__isnull=False)
                | ~Q(kind__in=[EntryKind.CLAW_BACK, EntryKind.REIMBURSE]) & Q(corrects__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["-recorded_at", "-id"], name="points_entry_newest_first"),
            models.Index(
                fields=["happened_at"], include=["kind", "points", "balance_after"], name="points_entry_by_day"
            ),
            models.Index(
                fields=["customer"],
                condition=Q(kind__in=[EntryKind.REIMBURSE, EntryKind.MERGE]),
                name="points_entry_brought_back",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}"


class PointsLot(models.Model):
    """What is left of points that an entry brought, from when and until when they can be spent.

    Spendable at `now`: available_at <= now < expires_at (null: never lapses), without what active holds reserve. Where
    `idle_months` is set, each activity before the lapse moves `expires_at` that many months after itself. `origin` is
    the lot that this one carries on: of an account that was merged or separated, or one that had lapsed when what was
    spent of it came back.
    """

    customer = models.ForeignKey(
        PointsAccount, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="lots", db_index=False
    )
    entry = models.ForeignKey(
        PointsEntry, verbose_name=pgettext_lazy("points ledger", "entry"), on_delete=models.PROTECT, related_name="lots"
    )
    origin = models.ForeignKey(
        "self",
        verbose_name=_("carries on"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="successors",
        db_index=False,
    )
    points = models.BigIntegerField(_("points"))
    remaining = models.BigIntegerField(_("remaining"))
    available_at = models.DateTimeField(_("available at"))
    expires_at = models.DateTimeField(_("lapses at"), null=True, blank=True)
    idle_months = models.PositiveSmallIntegerField(_("months after the last activity"), null=True, blank=True)

    class Meta:
        verbose_name = _("points lot")
        verbose_name_plural = _("points lots")
        constraints = [
            models.CheckConstraint(
                name="points_lot_remaining_within_points",
                condition=Q(points__gt=0, remaining__gte=0, remaining__lte=F("points")),
            ),
            constraints.ends_after_start("points_lot_lapses_after_it_is_available", "available_at", "expires_at"),
            models.CheckConstraint(
                name="points_lot_moves_what_lapses",
                condition=Q(idle_months__isnull=True) | Q(idle_months__gte=1, expires_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                F("customer"),
                F("expires_at").asc(nulls_last=True),
                F("id"),
                condition=Q(remaining__gt=0),
                name="points_lot_spending_order",
            ),
            models.Index(fields=["expires_at"], condition=Q(remaining__gt=0), name="points_lot_to_expire"),
            models.Index(
                fields=["customer", "expires_at"], condition=Q(idle_months__isnull=False), name="points_lot_moving"
            ),
            models.Index(fields=["origin"], condition=Q(origin__isnull=False), name="points_lot_successors"),
        ]

    def __str__(self) -> str:
        return f"{self.remaining}/{self.points}"


class PointsAllocation(models.Model):
    """Which lot an entry took points from (points > 0) or gave them back to (points < 0).

    For every lot: points − remaining = sum(allocations).
    """

    customer = models.ForeignKey(PointsAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    entry = models.ForeignKey(
        PointsEntry,
        verbose_name=_("points entry"),
        on_delete=models.PROTECT,
        related_name="allocations",
        db_index=False,
    )
    lot = models.ForeignKey(
        PointsLot, verbose_name=_("points lot"), on_delete=models.PROTECT, related_name="allocations"
    )
    points = models.BigIntegerField(_("points"))

    class Meta:
        verbose_name = _("points allocation")
        verbose_name_plural = _("points allocations")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot"], name="points_allocation_once_per_entry_and_lot"),
            models.CheckConstraint(name="points_allocation_is_not_zero", condition=~Q(points=0)),
        ]

    def __str__(self) -> str:
        return f"{self.points}"
