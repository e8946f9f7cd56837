"""How lately, how often and for how much each customer buys, made ahead by `rhythms.refresh`."""

from django.db import models
from django.db.models import Q
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
        ]
        indexes = [
            models.Index(fields=["-last_on", "-customer"], name="rhythm_latest_first"),
            models.Index(fields=["group", "-last_on", "-customer"], name="rhythm_of_group"),
            models.Index(fields=["volume", "recency", "-last_on", "-customer"], name="rhythm_of_cell"),
        ]

    def __str__(self) -> str:
        return str(self.customer)
