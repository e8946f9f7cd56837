"""How lately, how often and for how much each customer buys, made ahead by `rhythms.refresh`."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.customer import Customer
from loyalty_site.lib import constraints


class RfmGroup(models.TextChoices):
    """The names that the field uses; `customers.domain.rfm` says who is in which."""

    CHAMPIONS = "CHAMPIONS", _("champions")
    LOYAL = "LOYAL", pgettext_lazy("customers", "loyal")
    POTENTIAL = "POTENTIAL", _("potential loyalists")
    NEW = "NEW", pgettext_lazy("customers", "new")
    PROMISING = "PROMISING", _("promising")
    NEED_ATTENTION = "NEED_ATTENTION", _("need attention")
    ABOUT_TO_SLEEP = "ABOUT_TO_SLEEP", _("about to sleep")
    AT_RISK = "AT_RISK", _("at risk")
    CANNOT_LOSE = "CANNOT_LOSE", _("cannot lose them")
    HIBERNATING = "HIBERNATING", _("hibernating")
    LOST = "LOST", pgettext_lazy("customers", "lost")


SCORES = [(score, str(score)) for score in range(1, 6)]


class Rhythm(models.Model):
    """One customer who has bought. Days are those on the clock of the store; a day whose goods all came back does not
    count. `year_days` and `year_spend_minor` (paid, without what came back, in `currency`, that of the latest purchase)
    are of the 365 days before it was made. Scores go from 1 to 5; who did not buy in the year has none and is lost.
    `volume` is the mean of frequency and monetary, halves up.

    From the third day on there is a usual gap: `usual_days`, from which on the next purchase is due (`due_on`), and
    after which the customer drifts away (`drifts_from`). `visits_*` are what the next 365 days may bring (days with a
    purchase; such ranges held 8 of 10 customers in a look back), `visit_spend_minor` what one of them is worth, in
    `currency`; empty until there are customers enough to say (`worths`). `stays_away_percent` is the chance that they
    do not buy in the next 28 days, of who was seen often and lately enough (`absences`).
    """

    customer = models.OneToOneField(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, primary_key=True, related_name="rhythm"
    )
    first_on = models.DateField(_("first purchase"))
    last_on = models.DateField(_("last purchase"))
    days = models.PositiveIntegerField(_("days with a purchase"))
    year_days = models.PositiveIntegerField(_("days with a purchase in a year"))
    year_spend_minor = models.BigIntegerField(_("spent in a year"))
    currency = models.CharField(_("currency"), max_length=3)
    recency = models.PositiveSmallIntegerField(_("recency"), null=True, choices=SCORES)
    frequency = models.PositiveSmallIntegerField(_("frequency"), null=True, choices=SCORES)
    monetary = models.PositiveSmallIntegerField(_("money"), null=True, choices=SCORES)
    volume = models.PositiveSmallIntegerField(_("frequency and money"), null=True, choices=SCORES)
    group = models.CharField(_("RFM group"), max_length=14, choices=RfmGroup.choices)
    usual_days = models.PositiveIntegerField(_("usual gap in days"), null=True)
    due_on = models.DateField(_("due on"), null=True)
    drifts_from = models.DateField(_("drifts away from"), null=True)
    visits_expected = models.DecimalField(_("visits expected in a year"), max_digits=6, decimal_places=1, null=True)
    visits_low = models.PositiveSmallIntegerField(_("visits at least"), null=True)
    visits_high = models.PositiveSmallIntegerField(_("visits at most"), null=True)
    visit_spend_minor = models.BigIntegerField(_("a visit is worth"), null=True)
    stays_away_percent = models.PositiveSmallIntegerField(_("stays away for 28 days (percent)"), null=True)

    class Meta:
        verbose_name = _("rhythm of a customer")
        verbose_name_plural = _("rhythms of customers")
        constraints = [
            constraints.choice_is_known("rhythm_group_is_known", "group", RfmGroup),
            models.CheckConstraint(
                name="rhythm_scores_are_one_to_five_or_lost",
                condition=Q(
                    group=RfmGroup.LOST,
                    recency__isnull=True,
                    frequency__isnull=True,
                    monetary__isnull=True,
                    volume__isnull=True,
                )
                | (
                    ~Q(group=RfmGroup.LOST)
                    & Q(
                        recency__isnull=False,
                        frequency__isnull=False,
                        monetary__isnull=False,
                        volume__isnull=False,
                    )
                    & Q(recency__range=(1, 5), frequency__range=(1, 5), monetary__range=(1, 5), volume__range=(1, 5))
                ),
            ),
            models.CheckConstraint(
                name="rhythm_days_are_in_order",
                condition=Q(first_on__lte=models.F("last_on"), days__gte=1, year_days__lte=models.F("days")),
            ),
            models.CheckConstraint(
                name="rhythm_usual_gap_has_its_dates",
                condition=Q(usual_days__isnull=True, due_on__isnull=True, drifts_from__isnull=True)
                | Q(usual_days__isnull=False, due_on__isnull=False, drifts_from__isnull=False)
                & Q(usual_days__gte=1, due_on__gt=models.F("last_on"), drifts_from__gte=models.F("due_on")),
            ),
            models.CheckConstraint(
                name="rhythm_visits_come_with_their_range",
                condition=Q(
                    visits_expected__isnull=True,
                    visits_low__isnull=True,
                    visits_high__isnull=True,
                    visit_spend_minor__isnull=True,
                )
                | Q(
                    visits_expected__isnull=False,
                    visits_low__isnull=False,
                    visits_high__isnull=False,
                    visit_spend_minor__isnull=False,
                )
                & Q(
                    visits_expected__gte=0,
                    visits_low__gte=0,
                    visits_high__gte=models.F("visits_low"),
                    visit_spend_minor__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="rhythm_chance_is_a_percentage",
                condition=Q(stays_away_percent__isnull=True) | Q(stays_away_percent__range=(0, 100)),
            ),
        ]
        indexes = [
            models.Index(fields=["-last_on", "-customer"], name="rhythm_latest_first"),
            models.Index(fields=["group", "-last_on", "-customer"], name="rhythm_of_group"),
            models.Index(
                (F("year_spend_minor") * Coalesce("stays_away_percent", Value(100))).desc(),
                F("customer").desc(),
                name="rhythm_most_to_lose_first",
            ),
            models.Index(fields=["drifts_from"], name="rhythm_drifts_from"),
            models.Index(fields=["volume", "recency", "-last_on", "-customer"], name="rhythm_of_cell"),
        ]

    def __str__(self) -> str:
        return str(self.customer)


class RhythmMap(models.Model):
    """One row: the RFM map as the rhythms were at `made_at`. `tallies` has for each combination of scores, group and
    currency that anybody has a dict of it, of `customers` and `spend`, and of the least and the most of the last day
    (`last_min`, `last_max`; ISO 8601), of days (`days_…`) and of money (`spend_…`) in a year; money in minor units.
    `strangers` have never bought; `drifting` were drifting away.
    """

    only = models.BooleanField(default=True, unique=True, editable=False)
    made_at = models.DateTimeField(_("made at"))
    tallies = models.JSONField(_("tallies"), encoder=DjangoJSONEncoder)
    strangers = models.PositiveIntegerField(_("customers who have not bought"))
    drifting = models.PositiveIntegerField(_("drifting away"))

    class Meta:
        verbose_name = _("RFM map")
        verbose_name_plural = _("RFM maps")
        constraints = [models.CheckConstraint(name="rhythm_map_is_one_row", condition=Q(only=True))]

    def __str__(self) -> str:
        return f"{self.made_at}"


class Forecast(models.Model):
    """What visits are foretold by: the parameters of BG/NBD, how much it counts beside the recent visits
    (`model_weight`, 0 to 1), and how many times as wide as its own the ranges are. And a look back, as far as `weeks`
    (0 where none was possible): the mean error in visits a customer beside that of who goes on as they did
    (`plain_error`), by how much all visits together were foretold too high (`bias` above 0) or too low, and the
    share of customers who came to lie in their range (`held`)."""

    made_at = models.DateTimeField(_("made at"), unique=True)
    customers = models.PositiveIntegerField(_("customers"))
    weeks = models.PositiveSmallIntegerField(_("weeks foretold"))
    r = models.FloatField("r")
    alpha = models.FloatField("alpha")
    a = models.FloatField("a")
    b = models.FloatField("b")
    model_weight = models.FloatField(_("weight of the model"))
    range_stretch = models.FloatField(_("stretch of the ranges"))
    error = models.FloatField(_("off by"), null=True)
    plain_error = models.FloatField(_("off by, going on as before"), null=True)
    bias = models.FloatField(_("bias"), null=True)
    held = models.FloatField(_("share in their range"), null=True)

    class Meta:
        verbose_name = _("forecast")
        verbose_name_plural = _("forecasts")
        constraints = [
            models.CheckConstraint(
                name="forecast_parameters_are_positive", condition=Q(r__gt=0, alpha__gt=0, a__gt=0, b__gt=0)
            ),
            models.CheckConstraint(name="forecast_weight_is_a_share", condition=Q(model_weight__range=(0, 1))),
            models.CheckConstraint(name="forecast_ranges_are_no_narrower", condition=Q(range_stretch__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.made_at}"
