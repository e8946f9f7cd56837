"""How often codes were tried that are not good, so that nobody finds one by trying."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class AttemptCount(models.Model):
    """The failures of one `key` in one window of time, and the tries that were turned away unseen.

    `key` is an actor (`till:5`, `user:2`, `customer:7`), an address (`address:203.0.113.9`, or `answers:…` of its
    answers to surveys) or `strangers`, all customers' pages together, and what the window is (`till:5/3600`).
    `attempts_take` moves it in one statement, so that no more than `failures_max` are judged however many come at once.
    Forgotten after some days.
    """

    key = models.CharField(_("who or where"), max_length=80)
    window_start = models.DateTimeField(_("from"))
    window_end = models.DateTimeField(_("until"))
    failures = models.PositiveIntegerField(_("failures"))
    failures_max = models.PositiveIntegerField(_("failures at most"))
    turned_away = models.PositiveIntegerField(_("tries turned away"), default=0, db_default=0)

    class Meta:
        verbose_name = _("tries of codes")
        verbose_name_plural = _("tries of codes")
        constraints = [
            models.UniqueConstraint(fields=["key", "window_start"], name="attempt_count_once_per_window"),
            models.CheckConstraint(name="attempt_count_within_limit", condition=Q(failures__lte=F("failures_max"))),
            models.CheckConstraint(
                name="attempt_count_window_has_length", condition=Q(window_end__gt=F("window_start"))
            ),
        ]
        indexes = [
            models.Index(fields=["window_end"], name="attempt_count_to_forget"),
            models.Index(
                fields=["-window_start"], name="attempt_count_at_its_limit", condition=Q(failures=F("failures_max"))
            ),
        ]

    def __str__(self) -> str:
        return self.key
