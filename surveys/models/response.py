"""What customers answered."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer, Store
from rewards.models import PointsEntry
from surveys.models.delivery import Delivery
from surveys.models.open_link import OpenLink
from surveys.models.question import Question, QuestionChoice
from surveys.models.survey import Survey


class SurveyResponse(models.Model):
    """A completed questionnaire: one for each delivery, however often it is submitted.

    One that came by an open link has no delivery, and a customer only if they were signed in, once for each survey;
    `page_key` is what its page was sent with, so that sending a page twice is one response. One to an anonymous survey
    names nobody, see surveys.domain.anonymity.

    `store` is whose answer it is: of the purchase that it was asked about, or where the open link hangs, else the
    customer's home store at that moment. Who moves later takes no answers along.
    """

    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.PROTECT, related_name="responses")
    delivery = models.OneToOneField(
        Delivery, verbose_name=_("delivery"), null=True, blank=True, on_delete=models.PROTECT, related_name="response"
    )
    open_link = models.ForeignKey(
        OpenLink,
        verbose_name=_("open link"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="responses",
        db_index=False,
    )
    page_key = models.UUIDField(null=True, blank=True, editable=False)
    customer = models.ForeignKey(
        Customer,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="survey_responses",
    )
    store = models.ForeignKey(
        Store,
        verbose_name=_("store"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, blank=True)
    submitted_at = models.DateTimeField(_("submitted at"))
    points_entry = models.OneToOneField(
        PointsEntry, verbose_name=_("points"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("survey response")
        verbose_name_plural = _("survey responses")
        constraints = [
            models.CheckConstraint(
                name="response_came_one_way",
                condition=Q(open_link__isnull=True, page_key__isnull=True)
                | Q(open_link__isnull=False, page_key__isnull=False, delivery__isnull=True),
            ),
            models.CheckConstraint(
                name="response_of_a_customer_says_how_it_came",
                condition=Q(customer__isnull=True) | Q(delivery__isnull=False) | Q(open_link__isnull=False),
            ),
            models.CheckConstraint(
                name="response_by_mail_names_its_customer",
                condition=Q(delivery__isnull=True) | Q(customer__isnull=False),
            ),
            models.CheckConstraint(
                name="response_rewarded_names_its_customer",
                condition=Q(points_entry__isnull=True) | Q(customer__isnull=False),
            ),
            models.UniqueConstraint(fields=["open_link", "page_key"], name="response_once_per_page"),
            models.UniqueConstraint(
                fields=["survey", "customer"],
                condition=Q(open_link__isnull=False),
                name="response_once_per_customer_by_open_link",
            ),
        ]
        indexes = [models.Index(fields=["survey", "-submitted_at"], name="response_newest_first")]

    def __str__(self) -> str:
        return f"{self.pk}"


class PartialResponse(models.Model):
    """What was answered so far and not sent yet; the link of the mail goes on with it. Gone when the response is sent.

    `answers` holds by the id of a question a score, words or a list of ids of choices. Never kept of anonymous surveys.
    """

    delivery = models.OneToOneField(
        Delivery, verbose_name=_("delivery"), on_delete=models.PROTECT, related_name="partial"
    )
    answers = models.JSONField(_("answers"))
    began_at = models.DateTimeField(_("began at"))
    kept_at = models.DateTimeField(_("kept at"))

    class Meta:
        verbose_name = _("partial response")
        verbose_name_plural = _("partial responses")
        constraints = [
            models.CheckConstraint(name="partial_response_answers_something", condition=~Q(answers={})),
            models.CheckConstraint(
                name="partial_response_kept_after_it_began", condition=Q(kept_at__gte=F("began_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


# Looked at when the transaction ends: the choices of an answer are written after it.
_SAYS_SOMETHING = """
IF EXISTS (SELECT FROM surveys_answer WHERE id = {answer} AND number IS NULL AND text = '')
    AND NOT EXISTS (SELECT FROM surveys_answerchoice WHERE answer_id = {answer})
THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'answer_says_something',
        MESSAGE = 'answer_says_something: an answer is a number, a text or choices';
END IF;
RETURN NULL;
"""

_BELONGS_TO_ITS_QUESTION = """
IF EXISTS (
    SELECT FROM surveys_answer answer JOIN surveys_questionchoice choice ON choice.id = NEW.choice_id
    WHERE answer.id = NEW.answer_id AND answer.question_id <> choice.question_id
) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'answer_choice_belongs_to_its_question',
        MESSAGE = 'answer_choice_belongs_to_its_question: this question does not offer that choice';
END IF;
RETURN NEW;
"""


class Answer(models.Model):
    """`number` for scales, `text` for words, neither for choices, which are rows of their own; a skipped question has
    no row.
    """

    response = models.ForeignKey(
        SurveyResponse, verbose_name=_("response"), on_delete=models.PROTECT, related_name="answers", db_index=False
    )
    question = models.ForeignKey(Question, verbose_name=_("question"), on_delete=models.PROTECT, related_name="answers")
    number = models.SmallIntegerField(pgettext_lazy("answer", "number"), null=True, blank=True)
    text = models.TextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        triggers = [
            pgtrigger.ReadOnly(name="answer_stays_with_its_question", fields=["question"]),
            pgtrigger.Trigger(
                name="says_something",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Q(new__number__isnull=True, new__text=""),
                func=_SAYS_SOMETHING.format(answer="NEW.id"),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["response", "question"], name="answer_once_per_question"),
            models.CheckConstraint(
                name="answer_is_not_a_number_and_a_text",
                condition=Q(number__isnull=True) | Q(text=""),
            ),
        ]

    def __str__(self) -> str:
        """In words. Whoever lists many fetches `choices__choice` beforehand."""
        if self.number is not None:
            return f"{self.number}"
        chosen = sorted((row.choice for row in self.choices.all()), key=lambda choice: choice.position)
        return self.text or " · ".join(str(choice) for choice in chosen)


class AnswerChoice(models.Model):
    """One of the choices that make up an answer."""

    answer = models.ForeignKey(
        Answer, verbose_name=_("answer"), on_delete=models.CASCADE, related_name="choices", db_index=False
    )
    choice = models.ForeignKey(
        QuestionChoice, verbose_name=_("choice"), on_delete=models.PROTECT, related_name="answers"
    )

    class Meta:
        verbose_name = _("chosen answer")
        verbose_name_plural = _("chosen answers")
        triggers = [
            pgtrigger.Trigger(
                name="belongs_to_its_question",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func=_BELONGS_TO_ITS_QUESTION,
            ),
            pgtrigger.Trigger(
                name="says_something",
                operation=pgtrigger.Delete | pgtrigger.Update,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func=_SAYS_SOMETHING.format(answer="OLD.answer_id"),
            ),
        ]
        constraints = [models.UniqueConstraint(fields=["answer", "choice"], name="answer_choice_once")]

    def __str__(self) -> str:
        return str(self.choice)
