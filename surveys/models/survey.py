"""What is asked."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import constraints
from loyalty_site.lib.texts import LocalizedTextField, localized


class Survey(models.Model):
    """A questionnaire. Published surveys no longer change their questions, so that answers stay comparable.

    `reward_points` thank for a complete response, whatever was answered. With `follow_up_hours` a score that a question
    calls low opens a case.
    """

    name = models.CharField(_("name"), max_length=200, help_text=_("For staff only."))
    title = LocalizedTextField(_("title"))
    introduction = LocalizedTextField(_("introduction"), long=True, blank=True)
    thanks = LocalizedTextField(_("thanks"), long=True, blank=True)
    reward_points = models.PositiveIntegerField(_("points for answering"), default=0)
    follow_up_hours = models.PositiveSmallIntegerField(
        _("follow up within (hours)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("A low score opens a case that is due in so many hours. Empty: no cases."),
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        constraints = [
            models.CheckConstraint(
                name="survey_leaves_time_to_follow_up",
                condition=Q(follow_up_hours__isnull=True) | Q(follow_up_hours__gte=1),
            ),
            models.CheckConstraint(
                name="survey_is_closed_after_publishing",
                condition=Q(closed_at__isnull=True) | Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class QuestionKind(models.TextChoices):
    NPS = "NPS", _("how likely to recommend (0–10)")
    TEXT = "TEXT", _("free text")


class Question(models.Model):
    """A score of `follow_up_at_most` or less is low (None: none is)."""

    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=10, choices=QuestionKind.choices)
    text = LocalizedTextField(_("text"), long=True)
    is_required = models.BooleanField(_("required"), default=False)
    follow_up_at_most = models.PositiveSmallIntegerField(
        _("follow up at or below"),
        null=True,
        blank=True,
        help_text=_("Such a score opens a case, if the survey says within how many hours it is due."),
    )

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "position"], name="question_position_is_unique", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(
                name="question_follows_up_scores",
                condition=Q(follow_up_at_most__isnull=True) | ~Q(kind=QuestionKind.TEXT),
            ),
            constraints.choice_is_known("question_kind_is_known", "kind", QuestionKind),
        ]

    def __str__(self) -> str:
        return localized(self.text)
