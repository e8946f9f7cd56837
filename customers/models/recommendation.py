"""What a customer may like, made ahead by `refresh_recommendations`."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models.catalog import Product
from customers.models.customer import Customer
from loyalty_site.lib import constraints


class RecommendationKind(models.TextChoices):
    AGAIN = "again", _("again")
    NEW = "new", _("new")


class Recommendation(models.Model):
    """A product for a customer, best `rank` first (from 1). `reason` is data, put into words in the reader's language.

    For `again`: {"times": …, "last_on": "YYYY-MM-DD"}, both in days it was bought on, and "every_days" where there is a
    rhythm; for `new`: {"because": product id}, {"category": id} (a stated preference), {"store": id} (popular in the
    home store) or {"everywhere": true}.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="recommendations", db_index=False
    )
    rank = models.PositiveSmallIntegerField(_("rank"))
    product = models.ForeignKey(Product, verbose_name=_("product"), on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=5, choices=RecommendationKind.choices)
    score = models.FloatField(_("score"))
    reason = models.JSONField(_("reason"), default=dict)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("recommendation")
        verbose_name_plural = _("recommendations")
        constraints = [
            models.UniqueConstraint(fields=["customer", "rank"], name="recommendation_rank_is_unique"),
            models.UniqueConstraint(fields=["customer", "product"], name="recommendation_names_a_product_once"),
            constraints.choice_is_known("recommendation_kind_is_known", "kind", RecommendationKind),
        ]

    def __str__(self) -> str:
        return f"{self.rank}"


class RecommendationRun(models.Model):
    """One night's making of all lists: how far it is, and what it learned.

    `content` (a compressed NumPy archive, kept of the latest run alone) is what lists are made with between two nights.
    It holds numbers about products and nothing about customers.
    """

    started_at = models.DateTimeField(_("started at"))
    customers = models.PositiveIntegerField(_("customers"))
    done = models.PositiveIntegerField(_("customers done"), default=0)
    is_finished = models.BooleanField(_("finished"), default=False)
    content = models.BinaryField(default=bytes, editable=False)

    class Meta:
        verbose_name = _("making of recommendations")
        verbose_name_plural = _("makings of recommendations")
        constraints = [
            models.CheckConstraint(
                name="recommendation_run_makes_no_more_than_there_are", condition=Q(done__lte=F("customers"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.done}/{self.customers}"
