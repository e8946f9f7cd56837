"""The programme's own rules: one row."""

from datetime import time
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import colors, constraints
from loyalty_site.lib.timezones import validate_timezone


class ExpiryPolicy(models.TextChoices):
    NEVER = "NEVER", _("never")
    ROLLING = "ROLLING", _("some months after they were earned")
    FIXED = "FIXED", _("on fixed days of the year")
    INACTIVITY = "INACTIVITY", _("some months after the last purchase or redemption")


class PeriodEnd(models.TextChoices):
    MONTH = "MONTH", _("end of the month")
    QUARTER = "QUARTER", _("end of the quarter")
    YEAR = "YEAR", _("end of the year")


class ShortfallPolicy(models.TextChoices):
    WITHIN_BALANCE = "WITHIN_BALANCE", _("take back what is left")
    DEBT = "DEBT", _("keep the rest as a debt")


class TierBasis(models.TextChoices):
    POINTS = "POINTS", _("points earned with purchases")
    SPEND = "SPEND", _("money paid")


class TierWindow(models.TextChoices):
    ROLLING = "ROLLING", _("the last months")
    CALENDAR_YEAR = "CALENDAR_YEAR", _("the calendar year")


class TierDowngrade(models.TextChoices):
    ONE_DOWN = "ONE_DOWN", _("one tier down")
    REASSESS = "REASSESS", _("to the tier that was reached meanwhile")


# MM-DD, several with commas; 29 February stands for the last day of that month.
_DAY = "(02-(0[1-9]|[12][0-9])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))"
EXPIRY_DAYS = rf"^{_DAY}(, ?{_DAY})*\Z"


class ProgramManager(models.Manager["Program"]):
    def current(self) -> "Program":
        """The programme; with its defaults when nobody has set it up yet."""
        return self.first() or Program()


class Program(models.Model):
    """How points are earned from (see `EarningRule`), when they can be spent and when they lapse.

    Points lapse at midnight in `timezone`. ROLLING and INACTIVITY: after the last day of the period in which
    `expiry_months` have passed since they could be spent, or since the last activity. FIXED: after the first of the
    `expiry_days` on or after the day on which `expiry_months` (maybe 0) have passed. Points keep the policy under which
    they were earned.
    """

    only = models.BooleanField(default=True, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100, default="Loyalty Site")
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_timezone])
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    point_value_minor = models.PositiveIntegerField(
        _("value of a point"), default=1, help_text=_("When points pay for a purchase.")
    )
    pending_days = models.PositiveSmallIntegerField(
        _("pending days"),
        default=0,
        help_text=_("Points can be spent after this many days."),
        validators=[MaxValueValidator(365)],
    )
    expiry_policy = models.CharField(
        _("points lapse"), max_length=10, choices=ExpiryPolicy.choices, default=ExpiryPolicy.ROLLING
    )
    expiry_months = models.PositiveSmallIntegerField(_("months"), default=12, validators=[MaxValueValidator(120)])
    expiry_period_end = models.CharField(
        _("rounded up to the"), max_length=10, choices=PeriodEnd.choices, default=PeriodEnd.MONTH
    )
    expiry_days = models.CharField(
        _("days of the year"),
        max_length=100,
        default="12-31",
        validators=[RegexValidator(EXPIRY_DAYS, _("Days are written as month-day with commas between: 06-30, 12-31."))],
    )
    shortfall_policy = models.CharField(
        _("when returned points are spent"),
        max_length=15,
        choices=ShortfallPolicy.choices,
        default=ShortfallPolicy.DEBT,
    )
    adjustment_threshold = models.PositiveIntegerField(
        _("adjustments above wait for a second person (points)"),
        null=True,
        blank=True,
        default=1000,
        help_text=_("What one member of staff moves for one customer in 24 hours. Empty: never."),
    )
    customer_cancel_hours = models.PositiveSmallIntegerField(
        _("customers may cancel (hours)"),
        default=24,
        help_text=_("A reward that is not handed over yet, for so long after they took it. 0: only staff may."),
        validators=[MaxValueValidator(8760)],
    )

    notice_recommends = models.BooleanField(
        _("lapse notices name what a customer may like"),
        default=False,
        help_text=_("Up to three products, for who has not switched recommendations off."),
    )
    earns_on_tax = models.BooleanField(
        _("tax earns points"), default=True, help_text=_("Where tills tell the tax that is contained in an amount.")
    )
    tier_basis = models.CharField(
        _("tiers are reached by"), max_length=10, choices=TierBasis.choices, default=TierBasis.POINTS
    )
    tier_window = models.CharField(
        _("counted over"), max_length=15, choices=TierWindow.choices, default=TierWindow.ROLLING
    )
    tier_months = models.PositiveSmallIntegerField(
        _("months a tier is counted over and kept"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
    )
    tier_grace_days = models.PositiveSmallIntegerField(
        _("grace days"),
        default=30,
        help_text=_("A tier that was not kept is lost after this many more days."),
        validators=[MaxValueValidator(365)],
    )
    tier_downgrade = models.CharField(
        _("a tier that was not kept goes"), max_length=10, choices=TierDowngrade.choices, default=TierDowngrade.ONE_DOWN
    )

    mail_max = models.PositiveSmallIntegerField(
        _("mails a customer gets at most"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Of lapse notices, surprise mails and mailings together; further ones wait. Empty: no limit."),
    )
    mail_days = models.PositiveSmallIntegerField(
        _("in so many days"), default=7, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    brand_color = models.CharField(
        _("brand color"),
        max_length=7,
        default=colors.HOUSE,
        help_text=_("Of buttons, links and headings in mails and on the customers' pages; dark pages get a paler one."),
    )
    logo = models.ForeignKey(
        "rewards.RewardPicture",
        verbose_name=_("logo"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="programs",
        editable=False,
    )
    sender_name = models.CharField(
        _("sender of mails"), max_length=80, blank=True, help_text=_("The name beside the address. Empty: as set up.")
    )
    reply_to = models.EmailField(
        _("answers go to"), blank=True, help_text=_("An address that somebody reads. Empty: to the sender.")
    )
    postal_address = models.CharField(
        _("postal address"), max_length=200, blank=True, help_text=_("Stands at the end of mails, as many laws demand.")
    )
    mails_per_minute = models.PositiveIntegerField(
        _("mails a minute at most"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("What the mail server allows, all workers together. Empty: as fast as it takes them."),
    )
    quiet_from = models.TimeField(
        _("no mails from"),
        null=True,
        blank=True,
        default=time(21),
        help_text=_("On the clock of the customer's store. What falls into these hours leaves when they are over."),
    )
    quiet_until = models.TimeField(_("until"), null=True, blank=True, default=time(8))

    objects: ClassVar[ProgramManager] = ProgramManager()

    class Meta:
        verbose_name = _("programme")
        verbose_name_plural = _("programme")
        constraints = [
            constraints.color_is_readable("program_brand_color_is_readable", "brand_color"),
            models.CheckConstraint(
                name="program_mail_cap_fits",
                condition=(Q(mail_max__isnull=True) | Q(mail_max__gte=1)) & Q(mail_days__range=(1, 365)),
            ),
            models.CheckConstraint(
                name="program_mails_per_minute_fit",
                condition=Q(mails_per_minute__isnull=True) | Q(mails_per_minute__gte=1),
            ),
            models.CheckConstraint(
                name="program_quiet_hours_begin_and_end",
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until")),
            ),
            models.CheckConstraint(name="program_is_one_row", condition=Q(only=True)),
            models.CheckConstraint(name="program_point_is_worth_something", condition=Q(point_value_minor__gte=1)),
            models.CheckConstraint(
                name="program_expiry_months_fit",
                condition=Q(expiry_months__range=(1, 120)) | Q(expiry_policy=ExpiryPolicy.FIXED, expiry_months=0),
            ),
            models.CheckConstraint(name="program_expiry_days_are_days", condition=Q(expiry_days__regex=EXPIRY_DAYS)),
            models.CheckConstraint(name="program_pending_days_fit", condition=Q(pending_days__range=(0, 365))),
            models.CheckConstraint(
                name="program_cancel_hours_fit", condition=Q(customer_cancel_hours__range=(0, 8760))
            ),
            constraints.choice_is_known("program_expiry_policy_is_known", "expiry_policy", ExpiryPolicy),
            constraints.choice_is_known("program_period_end_is_known", "expiry_period_end", PeriodEnd),
            constraints.choice_is_known("program_shortfall_policy_is_known", "shortfall_policy", ShortfallPolicy),
            constraints.choice_is_known("program_tier_basis_is_known", "tier_basis", TierBasis),
            constraints.choice_is_known("program_tier_window_is_known", "tier_window", TierWindow),
            constraints.choice_is_known("program_tier_downgrade_is_known", "tier_downgrade", TierDowngrade),
            models.CheckConstraint(name="program_tier_months_fit", condition=Q(tier_months__range=(1, 120))),
            models.CheckConstraint(name="program_tier_grace_days_fit", condition=Q(tier_grace_days__range=(0, 365))),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def palette(self) -> colors.Palette:
        """What belongs to the brand's color."""
        return colors.palette(self.brand_color)

    @property
    def own_color(self) -> str:
        """`b00020` where it is not the one that the pages' stylesheet has anyway."""
        return "" if self.brand_color == colors.HOUSE else self.brand_color.removeprefix("#")
