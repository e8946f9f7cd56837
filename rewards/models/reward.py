"""What points buy."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import codes, constraints
from loyalty_site.lib.texts import LocalizedTextField, localized
from rewards.models.points import PointsEntry


class RewardKind(models.TextChoices):
    GOODS = "GOODS", _("goods")
    SERVICE = "SERVICE", _("service")


class LimitPeriod(models.TextChoices):
    """In what time a customer's limit counts: calendar months and years of the programme's zone."""

    EVER = "EVER", _("in all")
    MONTH = "MONTH", _("a month")
    YEAR = "YEAR", _("a year")


class RewardPicture(models.Model):
    """A picture as pages show it: WebP, named by the SHA-256 of its bytes in hexadecimal, so its address never changes.

    Rewards have such, and the programme its logo. They lie in the database, so that a backup of it is a backup of all.
    """

    CONTENT_MAX = 1024 * 1024

    sha256 = models.CharField(primary_key=True, max_length=64, editable=False)
    content = models.BinaryField(max_length=CONTENT_MAX)
    width = models.PositiveSmallIntegerField(_("width"))
    height = models.PositiveSmallIntegerField(_("height"))
    stored_at = models.DateTimeField(_("stored at"))

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [
            models.CheckConstraint(
                name="reward_picture_is_named_by_hash", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(name="reward_picture_has_an_extent", condition=Q(width__gte=1, height__gte=1)),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class Reward(models.Model):
    """An item of the catalogue. `stock` moves by one conditional update with each redemption; empty means no limit.

    A customer takes at most `per_customer_max` of it in each `per_customer_period`; empty means no limit.
    """

    name = LocalizedTextField(_("name"))
    description = LocalizedTextField(_("description"), long=True, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=RewardKind.choices, default=RewardKind.GOODS)
    cost_points = models.PositiveIntegerField(_("cost in points"))
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True)
    per_customer_max = models.PositiveSmallIntegerField(
        _("at most for each customer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    per_customer_period = models.CharField(
        _("counted"), max_length=5, choices=LimitPeriod.choices, default=LimitPeriod.EVER
    )
    picture = models.ForeignKey(
        RewardPicture,
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rewards",
        editable=False,
    )
    picture_alt = LocalizedTextField(
        _("what the picture shows"), blank=True, help_text=_("For who cannot see it: a few words.")
    )
    offered_from = models.DateTimeField(_("offered from"))
    offered_to = models.DateTimeField(_("offered to"), null=True, blank=True)

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            constraints.choice_is_known("reward_kind_is_known", "kind", RewardKind),
            models.CheckConstraint(name="reward_costs_something", condition=Q(cost_points__gte=1)),
            constraints.choice_is_known("reward_limit_period_is_known", "per_customer_period", LimitPeriod),
            models.CheckConstraint(
                name="reward_limit_lets_one_through",
                condition=Q(per_customer_max__isnull=True) | Q(per_customer_max__gte=1),
            ),
            constraints.ends_after_start("reward_ends_after_it_starts", "offered_from", "offered_to"),
        ]

    def __str__(self) -> str:
        return localized(self.name)


class RedemptionState(models.TextChoices):
    REQUESTED = "REQUESTED", _("waiting to be picked up")
    FULFILLED = "FULFILLED", _("handed over")
    CANCELLED = "CANCELLED", _("cancelled")


class RewardRedemption(models.Model):
    """A reward taken for points, to be handed over against its pick-up code."""

    CODE_LENGTH = 8

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.PROTECT, related_name="redemptions", db_index=False
    )
    reward = models.ForeignKey(Reward, verbose_name=_("reward"), on_delete=models.PROTECT, related_name="redemptions")
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1)
    points = models.PositiveIntegerField(_("points"))
    entry = models.OneToOneField(PointsEntry, on_delete=models.PROTECT, related_name="redemption")
    reference = models.CharField(_("reference"), max_length=100, unique=True)
    pickup_code = models.CharField(_("pick-up code"), max_length=CODE_LENGTH, unique=True)
    state = models.CharField(
        _("state"), max_length=10, choices=RedemptionState.choices, default=RedemptionState.REQUESTED
    )
    requested_at = models.DateTimeField(_("requested at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("reward redemption")
        verbose_name_plural = _("reward redemptions")
        constraints = [
            constraints.choice_is_known("redemption_state_is_known", "state", RedemptionState),
            models.CheckConstraint(name="redemption_takes_something", condition=Q(quantity__gte=1, points__gte=1)),
            models.CheckConstraint(
                name="redemption_closed_says_when_and_by_whom",
                condition=Q(state=RedemptionState.REQUESTED, closed_at__isnull=True, closed_by="")
                | ~Q(state=RedemptionState.REQUESTED) & Q(closed_at__isnull=False) & ~Q(closed_by=""),
            ),
        ]
        indexes = [
            models.Index(fields=["state", "requested_at"], name="redemption_to_hand_over"),
            models.Index(fields=["customer", "reward"], name="redemption_of_customer"),
        ]

    def __str__(self) -> str:
        return codes.grouped(self.pickup_code)
