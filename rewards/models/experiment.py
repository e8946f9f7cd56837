"""Hold-outs: who gets no kindness, so that one sees whether it brings people back."""

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import append_only, constraints

_PLAN_IS_KEPT = """
IF EXISTS (SELECT FROM rewards_assignment WHERE experiment_id = OLD.id) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'experiment_plan_is_kept',
        MESSAGE = 'experiment_plan_is_kept: customers were assigned by the plan as it was';
END IF;
RETURN NEW;
"""


class ExperimentKind(models.TextChoices):
    SURPRISE = "SURPRISE", _("surprise")
    MAILING = "MAILING", _("mailing")
    CAMPAIGN = "CAMPAIGN", _("campaign")


class Arm(models.TextChoices):
    TREATED = "TREATED", _("treated")
    HOLDOUT = "HOLDOUT", _("held out")


class ReturnWindow(models.IntegerChoices):
    WEEK = 7, _("7 days")
    MONTH = 30, _("30 days")
    QUARTER = 90, _("90 days")


class Experiment(models.Model):
    """What one kindness is compared by: `holdout_percent` of its customers, chosen by a hash with `salt`, never get it.

    The plan says beforehand what is looked at (who comes back within `window_days` of being assigned), when
    (`horizon_days` after `started_at`), and how much is worth knowing: of 100 customers `returning_percent` are thought
    to come back anyway, and `difference_percent` more or fewer must not be missed. With the first assignment the
    database keeps the plan as it is.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=ExperimentKind.choices)
    name = models.CharField(_("name"), max_length=200)
    salt = models.CharField(max_length=64, unique=True, editable=False)
    holdout_percent = models.PositiveSmallIntegerField(
        _("held out (percent)"), default=10, validators=[MaxValueValidator(50)]
    )
    started_at = models.DateTimeField(_("started at"))
    horizon_days = models.PositiveSmallIntegerField(
        _("days until the result is read"), default=180, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    window_days = models.PositiveSmallIntegerField(
        _("came back within"), choices=ReturnWindow.choices, default=ReturnWindow.MONTH
    )
    returning_percent = models.PositiveSmallIntegerField(
        _("come back anyway, of 100"), default=50, validators=[MinValueValidator(1), MaxValueValidator(98)]
    )
    difference_percent = models.PositiveSmallIntegerField(
        _("more of 100 that must not be missed"), default=5, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )

    class Meta:
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        triggers = [
            pgtrigger.Trigger(
                name="plan_is_kept",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.AnyChange(exclude=["name"]),
                func=_PLAN_IS_KEPT,
            )
        ]
        constraints = [
            constraints.choice_is_known("experiment_kind_is_known", "kind", ExperimentKind),
            models.CheckConstraint(name="experiment_salt_is_not_empty", condition=~Q(salt="")),
            models.CheckConstraint(name="experiment_holdout_fits", condition=Q(holdout_percent__range=(0, 50))),
            models.CheckConstraint(name="experiment_horizon_fits", condition=Q(horizon_days__range=(1, 1000))),
            models.CheckConstraint(name="experiment_window_is_known", condition=Q(window_days__in=ReturnWindow.values)),
            models.CheckConstraint(
                name="experiment_planned_effect_fits",
                condition=Q(returning_percent__gte=1, difference_percent__range=(1, 50))
                & Q(returning_percent__lt=100 - F("difference_percent")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Assignment(models.Model):
    """A customer's arm, written before anybody knows what comes of it; `occasion` (`purchase:17`) says what led to it.

    Who was assigned before a merge keeps the first of both assignments. Erased customers' rows stay: they name nobody.
    """

    experiment = models.ForeignKey(
        Experiment,
        verbose_name=_("experiment"),
        on_delete=models.PROTECT,
        related_name="assignments",
        db_index=False,
    )
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="assignments"
    )
    arm = models.CharField(_("arm"), max_length=10, choices=Arm.choices)
    assigned_at = models.DateTimeField(_("assigned at"))
    occasion = models.CharField(_("occasion"), max_length=100)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            models.UniqueConstraint(fields=["experiment", "customer"], name="customer_is_assigned_once"),
            constraints.choice_is_known("assignment_arm_is_known", "arm", Arm),
            models.CheckConstraint(name="assignment_occasion_is_not_empty", condition=~Q(occasion="")),
        ]

    def __str__(self) -> str:
        return self.occasion
