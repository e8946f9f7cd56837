"""How many points a purchase earns."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Category, Product, Store
from loyalty_site.lib import constraints


class EarningKind(models.TextChoices):
    BASE = "BASE", _("base rate")
    MULTIPLIER = "MULTIPLIER", _("multiplier")


class EarningRule(models.Model):
    """One version of a rule. A changed rule is a new version; an award keeps the version it was computed by.

    BASE: `points` for every `per_minor` minor units paid. MULTIPLIER: lines of `category`, `product` and `store` (each
    when set) count `multiplier` times; of several that fit a line the highest counts, and 0 (nothing earned) beats all.
    A rule counts for purchases made in [valid_from, valid_to).
    """

    code = models.SlugField(_("code"), max_length=50)
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=EarningKind.choices)
    points = models.PositiveIntegerField(_("points"), null=True, blank=True)
    per_minor = models.PositiveIntegerField(_("for every (minor units)"), null=True, blank=True)
    multiplier = models.DecimalField(_("multiplier"), max_digits=6, decimal_places=3, null=True, blank=True)
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    product = models.ForeignKey(
        Product, verbose_name=_("product"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    store = models.ForeignKey(
        Store, verbose_name=_("store"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
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
                | Q(kind=EarningKind.MULTIPLIER, points__isnull=True, per_minor__isnull=True, multiplier__gte=0),
            ),
            constraints.ends_after_start("earning_rule_ends_after_it_starts", "valid_from", "valid_to"),
        ]

    def __str__(self) -> str:
        return self.name
