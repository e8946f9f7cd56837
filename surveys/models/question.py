"""What is asked, what can be chosen, and where an answer leads."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import constraints
from loyalty_site.lib.texts import LocalizedTextField, localized
from surveys.models.survey import Survey


class QuestionKind(models.TextChoices):
    NPS = "NPS", _("how likely to recommend (0–10)")
    CSAT = "CSAT", _("how satisfied (1–5)")
    CES = "CES", _("how easy it was (1–7)")
    SINGLE = "SINGLE", _("one of several choices")
    MULTIPLE = "MULTIPLE", _("any of several choices")
    TEXT = "TEXT", _("free text")


# The kinds that are answered with a score, and those that are answered with choices.
SCALES = (QuestionKind.NPS, QuestionKind.CSAT, QuestionKind.CES)
CHOOSING = (QuestionKind.SINGLE, QuestionKind.MULTIPLE)


# Reads rows that no foreign key compares: the question, where it leads, what it looks at.
_STAYS_IN_ITS_SURVEY = """
IF EXISTS (
    SELECT FROM surveys_question target JOIN surveys_question own ON own.id = NEW.question_id
    WHERE target.id = NEW.goes_to_id AND target.survey_id <> own.survey_id
) OR EXISTS (
    SELECT FROM surveys_questionchoice WHERE id = NEW.choice_id AND question_id <> NEW.question_id
) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'skip_rule_stays_in_its_survey',
        MESSAGE = 'skip_rule_stays_in_its_survey: it looks at its own question''s choices and leads within its survey';
END IF;
RETURN NEW;
"""


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
        triggers = [pgtrigger.ReadOnly(name="question_stays_in_its_survey", fields=["survey"])]
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "position"], name="question_position_is_unique", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(
                name="question_follows_up_scores",
                condition=Q(follow_up_at_most__isnull=True) | Q(kind__in=SCALES),
            ),
            constraints.choice_is_known("question_kind_is_known", "kind", QuestionKind),
        ]

    def __str__(self) -> str:
        return localized(self.text)


class QuestionChoice(models.Model):
    """What can be chosen as an answer to a question of the kinds SINGLE and MULTIPLE."""

    question = models.ForeignKey(
        Question, verbose_name=_("question"), on_delete=models.CASCADE, related_name="choices", db_index=False
    )
    position = models.PositiveSmallIntegerField(_("position"))
    text = LocalizedTextField(_("text"))

    class Meta:
        verbose_name = _("choice")
        verbose_name_plural = _("choices")
        triggers = [pgtrigger.ReadOnly(name="choice_stays_with_its_question", fields=["question"])]
        constraints = [
            models.UniqueConstraint(
                fields=["question", "position"],
                name="question_choice_position_is_unique",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return localized(self.text)


class SkipRule(models.Model):
    """Who answers `question` with `at_least` to `at_most`, or with `choice`, is asked `goes_to` next (None: no more).

    Of the rules of a question the first that fits counts, in the order of their ids.
    """

    question = models.ForeignKey(
        Question, verbose_name=_("question"), on_delete=models.CASCADE, related_name="skip_rules"
    )
    at_least = models.PositiveSmallIntegerField(_("at least"), null=True, blank=True)
    at_most = models.PositiveSmallIntegerField(_("at most"), null=True, blank=True)
    choice = models.ForeignKey(
        QuestionChoice,
        verbose_name=_("choice"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="skip_rules",
    )
    goes_to = models.ForeignKey(
        Question, verbose_name=_("goes to"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        verbose_name = _("skip rule")
        verbose_name_plural = _("skip rules")
        triggers = [
            pgtrigger.Trigger(
                name="stays_in_its_survey",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func=_STAYS_IN_ITS_SURVEY,
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="skip_rule_looks_at_scores_or_at_a_choice",
                condition=Q(at_least__isnull=False, at_most__isnull=False, choice__isnull=True)
                | Q(at_least__isnull=True, at_most__isnull=True, choice__isnull=False),
            ),
            models.CheckConstraint(
                name="skip_rule_range_is_not_empty", condition=Q(at_least__isnull=True) | Q(at_most__gte=F("at_least"))
            ),
            models.CheckConstraint(
                name="skip_rule_leads_elsewhere", condition=Q(goes_to__isnull=True) | ~Q(goes_to=F("question"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
