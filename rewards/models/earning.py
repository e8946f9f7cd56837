"""How points are earned."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from customers.models import Category, Product, Store
from loyalty_site.lib import constraints
from rewards.models.tier import Tier

# So that no purchase earns more than an account can hold.
POINTS_PER_MINOR_MAX, MULTIPLIER_MAX = 1000, 100


class EarningKind(models.TextChoices):
    BASE = "BASE", _("base rate")
    MULTIPLIER = "MULTIPLIER", _("multiplier")
    CAP = "CAP", _("cap")


class CapPeriod(models.TextChoices):
    PURCHASE = "PURCHASE", _("purchase")
    DAY = "DAY", _("day")
    WEEK = "WEEK", _("week")
    MONTH = "MONTH", _("month")
    YEAR = "YEAR", _("year")


class Weekday(models.IntegerChoices):
    """ISO numbers."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class EarningRule(models.Model):
    """One version of a rule. A changed rule is a new version; an award keeps the version it was computed by.

    BASE: `points` for every `per_minor` minor units paid. MULTIPLIER: lines of `category`, `product` and `store`, of
    customers of `tier` (each when set) count `multiplier` times; of several that fit a line the highest counts, and 0
    (nothing earned) beats all. CAP: a customer earns at most `points` per `cap_period`, of the programme's calendar.
    A rule counts for purchases made in [valid_from, valid_to); a multiplier, when they are given, on `weekdays` and
    from `time_from` until before `time_to` on the store's clock, which may pass midnight: the night belongs to the day
    on which it began.
    """

    code = models.SlugField(_("code"), max_length=50)
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=EarningKind.choices)
    points = models.PositiveIntegerField(_("points"), null=True, blank=True, validators=[MinValueValidator(1)])
    per_minor = models.PositiveIntegerField(_("for every (minor units)"), null=True, blank=True)
    multiplier = models.DecimalField(
        _("multiplier"),
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MULTIPLIER_MAX)],
    )
    cap_period = models.CharField(_("at most, per"), max_length=10, choices=CapPeriod.choices, blank=True)
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    product = models.ForeignKey(
        Product, verbose_name=_("product"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    store = models.ForeignKey(
        Store, verbose_name=_("store"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(choices=Weekday.choices), verbose_name=_("weekdays"), default=list, blank=True
    )
    time_from = models.TimeField(_("from (time of day)"), null=True, blank=True)
    time_to = models.TimeField(_("until (time of day)"), null=True, blank=True)
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="earning_rule_version_is_unique"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(valid_to__isnull=True), name="earning_rule_has_one_open_version"
            ),
            constraints.choice_is_known("earning_rule_kind_is_known", "kind", EarningKind),
            models.CheckConstraint(
                name="earning_rule_has_what_its_kind_needs",
                condition=Q(kind=EarningKind.BASE, points__gte=1, per_minor__gte=1, multiplier__isnull=True)
                | Q(kind=EarningKind.MULTIPLIER, points__isnull=True, per_minor__isnull=True, multiplier__gte=0)
                | Q(kind=EarningKind.CAP, points__gte=1, per_minor__isnull=True, multiplier__isnull=True),
            ),
            models.CheckConstraint(
                name="earning_rule_cap_has_a_period",
                condition=Q(cap_period__in=CapPeriod.values, kind=EarningKind.CAP)
                | ~Q(kind=EarningKind.CAP) & Q(cap_period=""),
            ),
            models.CheckConstraint(
                name="earning_rule_only_multipliers_are_bound",
                condition=Q(kind=EarningKind.MULTIPLIER)
                | Q(tier__isnull=True, weekdays=[], time_from__isnull=True, time_to__isnull=True),
            ),
            models.CheckConstraint(
                name="earning_rule_weekdays_are_known", condition=Q(weekdays__contained_by=Weekday.values)
            ),
            models.CheckConstraint(
                name="earning_rule_hours_are_a_stretch",
                condition=Q(time_from__isnull=True, time_to__isnull=True)
                | Q(time_from__isnull=False, time_to__isnull=False) & ~Q(time_from=F("time_to")),
            ),
            models.CheckConstraint(
                name="earning_rule_gives_within_reason",
                condition=(
                    Q(per_minor__isnull=True)
                    | Q(points__lte=Cast("per_minor", models.BigIntegerField()) * POINTS_PER_MINOR_MAX)
                )
                & (Q(multiplier__isnull=True) | Q(multiplier__lte=MULTIPLIER_MAX)),
            ),
            constraints.ends_after_start("earning_rule_ends_after_it_starts", "valid_from", "valid_to"),
        ]

    def __str__(self) -> str:
        return self.name
