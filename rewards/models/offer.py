"""Discounts that the stores propose."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Category, Product, Segment, Store
from loyalty_site.lib import constraints
from loyalty_site.lib.texts import LocalizedTextField, localized
from rewards.models.earning import Weekday

# On top of what earning rules multiply by, and still no more than an account can hold.
COUPON_MULTIPLIER_MAX = 10


class OfferKind(models.TextChoices):
    PERCENT = "PERCENT", _("percent off")
    AMOUNT = "AMOUNT", _("amount off")
    FREE_PRODUCT = "FREE_PRODUCT", _("one product free")
    GIFT = "GIFT", _("gift handed over")
    MULTIPLIER = "MULTIPLIER", _("more points")


class OfferPeriod(models.TextChoices):
    """Of the programme's calendar; weeks begin on Monday."""

    DAY = "DAY", _("a day")
    WEEK = "WEEK", _("a week")
    MONTH = "MONTH", _("a month")
    YEAR = "YEAR", _("a year")


_WORTH = ("percent", "amount_minor", "free_product", "points_multiplier", "cost_minor")


def _kind_has(kind: OfferKind, needed: str = "", allowed: str = "") -> Q:
    """What a kind is worth by and nothing that another one is. A check that comes to NULL passes: so NULL is named."""
    others = (name for name in (*_WORTH, "discount_max_minor") if name not in (needed, allowed))
    condition = Q(kind=kind, **{f"{name}__isnull": True for name in others})
    return condition & Q(**{f"{needed}__isnull": False}) if needed else condition


def _one_or_none(name: str) -> Q:
    return Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 1})


class Offer(models.Model):
    """What a coupon is worth, for which basket, when, and how often.

    Live from `published_at` until `withdrawn_at`, for purchases in [valid_from, valid_to); on the store's clock on
    `weekdays`, from `time_from` until before `time_to` (as in EarningRule), never on `blackout_dates`. A coupon is good
    from the `starts_after_days`-th day after its issue on, for `coupon_days` days.

    It is for lines of `products` and `categories`, of all when it names none, and `min_spend_minor` counts on them; in
    `stores`, in all when it names none; for customers of `segment`. PERCENT takes off at most `discount_max_minor`,
    FREE_PRODUCT one unit of `free_product`, at most that too; GIFT is handed over and costs the store `cost_minor` each
    (None: published before anybody asked); MULTIPLIER multiplies the points.

    Each limit, when it is set: `redemptions_max` in all, `customer_max` a customer, `code_max` a code (None: no end);
    `period_max` and `customer_period_max` in each `period`. `redeemed_count` and `redeemed_minor` move by one
    conditional update with each redemption, by its discount or what the gift costs, so that the limit and the budget
    hold.

    Only stackable ones go together: the highest `priority` first, then percentages, then by code.
    """

    title = LocalizedTextField(_("title"))
    description = LocalizedTextField(_("description"), long=True, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=OfferKind.choices)
    percent = models.DecimalField(_("percent"), max_digits=5, decimal_places=2, null=True, blank=True)
    discount_max_minor = models.PositiveBigIntegerField(_("at most (minor units)"), null=True, blank=True)
    amount_minor = models.PositiveBigIntegerField(_("amount (minor units)"), null=True, blank=True)
    free_product = models.ForeignKey(
        Product, verbose_name=_("free product"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    points_multiplier = models.DecimalField(
        _("points count times"),
        max_digits=5,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MaxValueValidator(COUPON_MULTIPLIER_MAX)],
    )
    cost_minor = models.PositiveBigIntegerField(
        _("cost of each (minor units)"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    min_spend_minor = models.PositiveBigIntegerField(_("minimum spend (minor units)"), default=0)
    products = models.ManyToManyField(Product, verbose_name=_("products"), blank=True, related_name="+")
    categories = models.ManyToManyField(Category, verbose_name=_("categories"), blank=True, related_name="+")
    stores = models.ManyToManyField(Store, verbose_name=_("stores"), blank=True, related_name="+")
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    valid_from = models.DateTimeField(_("valid from"))
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(choices=Weekday.choices), verbose_name=_("weekdays"), default=list, blank=True
    )
    time_from = models.TimeField(_("from (time of day)"), null=True, blank=True)
    time_to = models.TimeField(_("until (time of day)"), null=True, blank=True)
    blackout_dates = ArrayField(models.DateField(), verbose_name=_("not on these days"), default=list, blank=True)
    starts_after_days = models.PositiveSmallIntegerField(_("days until a coupon can be used"), default=0)
    coupon_days = models.PositiveSmallIntegerField(
        _("days a coupon lasts"), default=30, validators=[MinValueValidator(1)]
    )
    code_prefix = models.CharField(_("code prefix"), max_length=8, blank=True)
    redemptions_max = models.PositiveIntegerField(_("redemptions at most"), null=True, blank=True)
    customer_max = models.PositiveIntegerField(
        _("times a customer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    code_max = models.PositiveIntegerField(
        _("times each code"), default=1, null=True, blank=True, validators=[MinValueValidator(1)]
    )
    period = models.CharField(_("period"), max_length=5, choices=OfferPeriod.choices, blank=True)
    period_max = models.PositiveIntegerField(
        _("times a period"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    customer_period_max = models.PositiveIntegerField(
        _("times a customer and period"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    budget_minor = models.PositiveBigIntegerField(_("budget (minor units)"), null=True, blank=True)
    is_stackable = models.BooleanField(_("can be combined"), default=False)
    priority = models.SmallIntegerField(_("priority"), default=0)
    redeemed_count = models.PositiveIntegerField(pgettext_lazy("coupon", "redeemed"), default=0, editable=False)
    redeemed_minor = models.PositiveBigIntegerField(_("discount given (minor units)"), default=0, editable=False)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            constraints.choice_is_known("offer_kind_is_known", "kind", OfferKind),
            models.CheckConstraint(
                name="offer_has_what_its_kind_needs",
                condition=_kind_has(OfferKind.PERCENT, "percent", "discount_max_minor")
                & Q(percent__gt=0, percent__lte=100)
                | _kind_has(OfferKind.AMOUNT, "amount_minor") & Q(amount_minor__gt=0)
                | _kind_has(OfferKind.FREE_PRODUCT, "free_product", "discount_max_minor")
                | _kind_has(OfferKind.GIFT, allowed="cost_minor")
                | _kind_has(OfferKind.MULTIPLIER, "points_multiplier"),
            ),
            models.CheckConstraint(name="offer_gift_costs_something", condition=_one_or_none("cost_minor")),
            models.CheckConstraint(
                name="offer_multiplies_within_reason",
                condition=Q(points_multiplier__isnull=True)
                | Q(points_multiplier__gt=1, points_multiplier__lte=COUPON_MULTIPLIER_MAX),
            ),
            models.CheckConstraint(name="offer_weekdays_are_known", condition=Q(weekdays__contained_by=Weekday.values)),
            models.CheckConstraint(
                name="offer_hours_are_a_stretch",
                condition=Q(time_from__isnull=True, time_to__isnull=True)
                | Q(time_from__isnull=False, time_to__isnull=False) & ~Q(time_from=F("time_to")),
            ),
            models.CheckConstraint(name="offer_period_is_known", condition=Q(period__in=["", *OfferPeriod.values])),
            models.CheckConstraint(
                name="offer_period_comes_with_its_limits",
                condition=Q(period="", period_max__isnull=True, customer_period_max__isnull=True)
                | ~Q(period="") & (Q(period_max__isnull=False) | Q(customer_period_max__isnull=False)),
            ),
            models.CheckConstraint(
                name="offer_limits_leave_one",
                condition=_one_or_none("customer_max")
                & _one_or_none("code_max")
                & _one_or_none("period_max")
                & _one_or_none("customer_period_max"),
            ),
            models.CheckConstraint(
                name="offer_redemptions_within_limit",
                condition=Q(redemptions_max__isnull=True) | Q(redeemed_count__lte=F("redemptions_max")),
            ),
            models.CheckConstraint(
                name="offer_discount_within_budget",
                condition=Q(budget_minor__isnull=True) | Q(redeemed_minor__lte=F("budget_minor")),
            ),
            models.CheckConstraint(name="offer_code_prefix_is_plain", condition=Q(code_prefix__regex=r"^[A-Z0-9]*$")),
            models.CheckConstraint(name="offer_coupon_lasts_a_day", condition=Q(coupon_days__gte=1)),
            constraints.ends_after_start("offer_ends_after_it_starts", "valid_from", "valid_to"),
            models.CheckConstraint(
                name="offer_is_withdrawn_after_publishing",
                condition=Q(withdrawn_at__isnull=True) | Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return localized(self.title)
