"""When to surprise whom, with what, how often and for how much."""

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Category
from loyalty_site.lib import constraints
from loyalty_site.lib.texts import LocalizedTextField
from rewards.models.experiment import Experiment
from rewards.models.offer import Offer, OfferKind


class Trigger(models.TextChoices):
    PURCHASE_OVER = "PURCHASE_OVER", _("a purchase over an amount")
    NTH_VISIT = "NTH_VISIT", _("the n-th purchase")
    CATEGORY_FIRST = "CATEGORY_FIRST", _("the first purchase of a category")
    BIRTHDAY = "BIRTHDAY", _("birthday")
    ANNIVERSARY = "ANNIVERSARY", _("anniversary of joining")
    SIGN_UP = "SIGN_UP", _("joining")
    WIN_BACK = "WIN_BACK", _("no purchase for a while")
    OVERDUE = "OVERDUE", _("away for twice their usual time")
    RANDOM_DRAW = "RANDOM_DRAW", _("lucky draw of purchases")


# Those that look at a purchase, and can be answered at the till.
PURCHASE_TRIGGERS = (Trigger.PURCHASE_OVER, Trigger.NTH_VISIT, Trigger.CATEGORY_FIRST, Trigger.RANDOM_DRAW)


class Gesture(models.TextChoices):
    COUPON = "COUPON", _("coupon")
    GIFT = "GIFT", _("gift to hand over")
    POINTS = "POINTS", _("points")


_CHOOSES_BY_CHANCE = Q(trigger=Trigger.OVERDUE, stays_away_percent__range=(1, 100))
_OF_A_TRIGGER = ("threshold_minor", "visit_number", "category", "absent_days", "purchases_min", "chance_percent")

# With the limits only what leaves more may change; what was promised stays as it was.
_RULE_IS_KEPT = """
IF OLD.activated_at IS NOT NULL AND (
    to_jsonb(NEW) - '{name,title,message,budget_minor,issued_max,given_count,spent_minor,ended_at}'::text[]
        <> to_jsonb(OLD) - '{name,title,message,budget_minor,issued_max,given_count,spent_minor,ended_at}'::text[]
    OR coalesce(NEW.budget_minor, 9223372036854775807) < coalesce(OLD.budget_minor, 9223372036854775807)
    OR coalesce(NEW.issued_max, 2147483647) < coalesce(OLD.issued_max, 2147483647)
    OR OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'surprise_rule_is_kept',
        MESSAGE = 'surprise_rule_is_kept: it is active; only texts may change, limits grow, and it may end';
END IF;
RETURN NEW;
"""


def _needs(*needed: str, triggers: list[Trigger]) -> Q:
    """Triggers that have these fields and no other one's."""
    missing = {f"{name}__isnull": name not in needed for name in _OF_A_TRIGGER}
    return Q(trigger__in=triggers, **missing)


class SurpriseRule(models.Model):
    """When to surprise, with a coupon of `offer` or with `points`; a draft until `activated_at`, over with `ended_at`.

    An occasion counts when it was in [active_from, active_to), after the activation and before the end. It gives
    nothing where this rule fitted the customer within `cooldown_days`, or any rule within `quiet_days`, before or after
    (whoever is held out counts the same), or this one `customer_max` times.

    `issued_max` bounds how many are given in all, `budget_minor` what they cost at `cost_minor` each, in `currency`;
    `given_count` and `spent_minor` move by one conditional update with each. Whom `experiment` holds out never gets it.
    Rules with a higher `priority` look first, then older ones; those `at_till` while the customer is there, all others
    by the timetable. `stays_away_percent` leaves out who is away for twice their usual time and likelier to come back;
    the chance is looked at for 28 days. `seed` is made by the activation of a lucky draw; who may read it can draw
    again.
    """

    name = models.CharField(_("name"), max_length=200)
    trigger = models.CharField(_("trigger"), max_length=20, choices=Trigger.choices, default=Trigger.PURCHASE_OVER)
    threshold_minor = models.PositiveBigIntegerField(_("amount over (minor units)"), null=True, blank=True)
    visit_number = models.PositiveSmallIntegerField(
        _("purchase number"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    visit_repeats = models.BooleanField(
        _("again and again"), default=True, help_text=_("Every 10th, not only the 10th.")
    )
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    absent_days = models.PositiveSmallIntegerField(
        _("days without a purchase"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    purchases_min = models.PositiveSmallIntegerField(
        _("after so many purchases at least"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    stays_away_percent = models.PositiveSmallIntegerField(
        _("likely to stay away, at least (percent)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    chance_percent = models.DecimalField(
        _("chance (percent)"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
    )
    seed = models.CharField(max_length=64, blank=True, editable=False)
    at_till = models.BooleanField(
        _("show it at the till"), default=False, help_text=_("At once, while the customer is there.")
    )
    title = LocalizedTextField(_("title"), blank=True)
    message = LocalizedTextField(_("message"), long=True, blank=True)
    offer = models.ForeignKey(
        Offer, verbose_name=_("offer"), null=True, blank=True, on_delete=models.PROTECT, related_name="surprise_rules"
    )
    points = models.PositiveIntegerField(_("points"), null=True, blank=True, validators=[MinValueValidator(1)])
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    cost_minor = models.PositiveBigIntegerField(_("cost of each (minor units)"), default=0)
    budget_minor = models.PositiveBigIntegerField(_("budget (minor units)"), null=True, blank=True)
    issued_max = models.PositiveIntegerField(_("surprises at most"), null=True, blank=True)
    customer_max = models.PositiveSmallIntegerField(
        _("times a customer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    cooldown_days = models.PositiveSmallIntegerField(_("days between two surprises"), default=30)
    quiet_days = models.PositiveSmallIntegerField(_("days after one of any rule"), default=7)
    priority = models.SmallIntegerField(_("priority"), default=0)
    experiment = models.OneToOneField(
        Experiment, verbose_name=_("experiment"), on_delete=models.PROTECT, related_name="surprise_rule"
    )
    active_from = models.DateTimeField(_("active from"))
    active_to = models.DateTimeField(_("active to"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True, editable=False)
    activated_by = models.CharField(_("activated by"), max_length=40, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    given_count = models.PositiveIntegerField(_("given"), default=0, editable=False)
    spent_minor = models.PositiveBigIntegerField(_("spent (minor units)"), default=0, editable=False)

    class Meta:
        verbose_name = _("surprise rule")
        verbose_name_plural = _("surprise rules")
        triggers = [
            pgtrigger.Trigger(
                name="rule_is_kept",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.AnyChange(exclude=["given_count", "spent_minor"]),
                func=_RULE_IS_KEPT,
            )
        ]
        constraints = [
            constraints.choice_is_known("surprise_rule_trigger_is_known", "trigger", Trigger),
            models.CheckConstraint(
                name="surprise_rule_has_what_its_trigger_needs",
                condition=(Q(stays_away_percent__isnull=True) | _CHOOSES_BY_CHANCE)
                & (
                    _needs("threshold_minor", triggers=[Trigger.PURCHASE_OVER])
                    | _needs("visit_number", triggers=[Trigger.NTH_VISIT]) & Q(visit_number__gte=1)
                    | _needs("category", triggers=[Trigger.CATEGORY_FIRST])
                    | _needs("absent_days", "purchases_min", triggers=[Trigger.WIN_BACK])
                    & Q(absent_days__gte=1, purchases_min__gte=1)
                    | _needs("purchases_min", triggers=[Trigger.OVERDUE]) & Q(purchases_min__gte=1)
                    | _needs("chance_percent", triggers=[Trigger.RANDOM_DRAW])
                    & Q(chance_percent__gt=0, chance_percent__lte=100)
                    | _needs(triggers=[Trigger.BIRTHDAY, Trigger.ANNIVERSARY, Trigger.SIGN_UP])
                ),
            ),
            models.CheckConstraint(
                name="surprise_rule_at_till_looks_at_purchases",
                condition=Q(at_till=False) | Q(trigger__in=PURCHASE_TRIGGERS),
            ),
            models.CheckConstraint(
                name="surprise_rule_gives_one_thing",
                condition=Q(offer__isnull=False, points__isnull=True) | Q(offer__isnull=True, points__gte=1),
            ),
            models.CheckConstraint(
                name="surprise_rule_given_within_limit",
                condition=Q(issued_max__isnull=True) | Q(given_count__lte=F("issued_max")),
            ),
            models.CheckConstraint(
                name="surprise_rule_spent_within_budget",
                condition=Q(budget_minor__isnull=True) | Q(spent_minor__lte=F("budget_minor")),
            ),
            models.CheckConstraint(
                name="surprise_rule_leaves_a_customer_one",
                condition=Q(customer_max__isnull=True) | Q(customer_max__gte=1),
            ),
            models.CheckConstraint(
                name="surprise_rule_says_who_activated_it",
                condition=Q(activated_at__isnull=True, activated_by="", seed="", ended_at__isnull=True)
                | Q(activated_at__isnull=False) & ~Q(activated_by=""),
            ),
            models.CheckConstraint(
                name="surprise_rule_draws_by_a_seed",
                condition=Q(seed="") & (Q(activated_at__isnull=True) | ~Q(trigger=Trigger.RANDOM_DRAW))
                | ~Q(seed="") & Q(trigger=Trigger.RANDOM_DRAW),
            ),
            constraints.ends_after_start("surprise_rule_ends_after_it_starts", "active_from", "active_to"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def gesture(self) -> Gesture:
        if self.points is not None:
            return Gesture.POINTS
        return Gesture.GIFT if self.offer and self.offer.kind == OfferKind.GIFT else Gesture.COUPON
