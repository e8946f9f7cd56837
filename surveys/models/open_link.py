"""Addresses of surveys that anybody may have: on posters, receipts, social media."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Store
from loyalty_site.lib import constraints
from surveys.models.survey import Survey


class OpenLink(models.Model):
    """Whoever has the address may answer. `source` says where it is seen, so that answers can be told apart by it; what
    hangs in a store has a `store`, whose answers they are."""

    CODE_LENGTH = 12

    survey = models.ForeignKey(
        Survey, verbose_name=_("survey"), on_delete=models.PROTECT, related_name="open_links", db_index=False
    )
    source = models.CharField(
        _("source"), max_length=100, help_text=_("Where it is seen: “poster at the till, Harbor”.")
    )
    store = models.ForeignKey(
        Store,
        verbose_name=_("store"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Where it hangs; the answers are counted there. Empty: in no store, or in many."),
    )
    code = models.CharField(_("code"), max_length=CODE_LENGTH, unique=True, editable=False)
    opened_at = models.DateTimeField(_("opened at"), editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("open link")
        verbose_name_plural = _("open links")
        constraints = [
            models.UniqueConstraint(fields=["survey", "source"], name="open_link_source_is_unique"),
            models.CheckConstraint(name="open_link_says_its_source", condition=~Q(source="")),
            constraints.ends_after_start("open_link_closes_after_it_opened", "opened_at", "closed_at"),
        ]

    def __str__(self) -> str:
        return self.source
