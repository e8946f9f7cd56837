"""What a store may give to say sorry, and what it gave."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Store
from rewards.models import Coupon, Offer, PointsEntry
from surveys.models.case import Case


class GestureOffer(models.Model):
    """An offer whose coupon may be given to say sorry; each counts `cost_minor` of the store's budget, in the offer's
    currency."""

    offer = models.OneToOneField(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="+")
    cost_minor = models.PositiveBigIntegerField(_("cost of each (minor units)"), validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("offer to say sorry")
        verbose_name_plural = _("offers to say sorry")
        constraints = [models.CheckConstraint(name="gesture_offer_costs_something", condition=Q(cost_minor__gte=1))]

    def __str__(self) -> str:
        return str(self.offer)


class GestureBudget(models.Model):
    """What a store may give in a month of its own calendar (`month` is the first day), and what it gave of it.

    It goes on in the months after until another one is written. `points_spent` and `spent_minor` (in the store's
    currency) move by one conditional statement with each gesture.
    """

    store = models.ForeignKey(
        Store, verbose_name=_("store"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    month = models.DateField(_("month"))
    points_max = models.PositiveIntegerField(_("points at most"), default=0)
    budget_minor = models.PositiveBigIntegerField(_("budget (minor units)"), default=0)
    points_spent = models.PositiveIntegerField(_("points given"), default=0, editable=False)
    spent_minor = models.PositiveBigIntegerField(_("spent (minor units)"), default=0, editable=False)

    class Meta:
        verbose_name = _("budget of gestures")
        verbose_name_plural = _("budgets of gestures")
        constraints = [
            models.UniqueConstraint(fields=["store", "month"], name="gesture_budget_is_written_once_a_month"),
            models.CheckConstraint(name="gesture_budget_begins_a_month", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="gesture_budget_is_not_overdrawn",
                condition=Q(points_spent__lte=F("points_max"), spent_minor__lte=F("budget_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store} · {self.month:%Y-%m}"


class CaseGesture(models.Model):
    """Points or a coupon, given in a case; at most one of them stands at a time. `budget` is where its `points` or its
    `cost_minor` were taken from, and go back to when it is taken back."""

    case = models.ForeignKey(Case, verbose_name=_("case"), on_delete=models.PROTECT, related_name="gestures")
    budget = models.ForeignKey(
        GestureBudget, verbose_name=_("budget of gestures"), on_delete=models.PROTECT, related_name="+"
    )
    points_entry = models.OneToOneField(
        PointsEntry, verbose_name=_("points"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    coupon = models.OneToOneField(
        Coupon, verbose_name=_("coupon"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    points = models.PositiveIntegerField(_("points"), default=0)
    cost_minor = models.PositiveBigIntegerField(_("cost (minor units)"), default=0)
    given_at = models.DateTimeField(_("given at"))
    given_by = models.CharField(_("given by"), max_length=40)
    undone_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    undone_by = models.CharField(_("taken back by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("gesture in a case")
        verbose_name_plural = _("gestures in cases")
        constraints = [
            models.CheckConstraint(
                name="case_gesture_gives_one_thing",
                condition=Q(points_entry__isnull=False, coupon__isnull=True, points__gte=1, cost_minor=0)
                | Q(points_entry__isnull=True, coupon__isnull=False, points=0, cost_minor__gte=1),
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(undone_at__isnull=True), name="case_gesture_stands_alone"
            ),
            models.CheckConstraint(
                name="case_gesture_undone_says_by_whom",
                condition=Q(undone_at__isnull=True, undone_by="") | Q(undone_at__isnull=False) & ~Q(undone_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
