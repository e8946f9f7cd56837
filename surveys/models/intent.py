"""Links of mails that were opened, by people or by programs that look for dangerous links."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from surveys.models.delivery import Delivery


class Intent(models.Model):
    """A link was opened for the first time, with the score it carries. It is no answer, whoever opened it.

    People send no HEAD and do not see the trap. Each kind of hit is one row: there are few however often links are
    opened. Of anonymous surveys scores are not kept.
    """

    delivery = models.ForeignKey(
        Delivery, verbose_name=_("delivery"), on_delete=models.PROTECT, related_name="intents", db_index=False
    )
    score = models.SmallIntegerField(_("score"), null=True, blank=True)
    is_head = models.BooleanField(_("without a page (HEAD)"), default=False)
    is_trap = models.BooleanField(_("link that nobody sees"), default=False)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("intent")
        verbose_name_plural = _("intents")
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "score", "is_head", "is_trap"],
                nulls_distinct=False,
                name="intent_once_per_kind_of_hit",
            ),
            models.CheckConstraint(
                name="intent_of_the_trap_has_no_score", condition=Q(is_trap=False) | Q(score__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
