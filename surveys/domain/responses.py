"""Answering: a link that only we can make, one response to it, one thank-you."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from customers.models import Customer
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import points
from rewards.models import PointsEntry, Program
from surveys.domain import anonymity, follow_ups, scoring, skips
from surveys.models import (
    CHOOSING,
    Answer,
    AnswerChoice,
    Delivery,
    DeliveryState,
    PartialResponse,
    Question,
    QuestionKind,
    Survey,
    SurveyResponse,
)

TEXT_LENGTH = 2000

_signer = Signer(salt="surveys.responses", sep=".")

# A score, words, or the ids of what was chosen.
AnswerValue = int | str | frozenset[int]


class LinkUnknown(DomainError):
    code = "survey_link_unknown"
    message = _("This link is not complete. Please open it from the mail again.")


class SurveyClosed(DomainError):
    code = "survey_closed"
    message = _("This survey has ended.")


class AnswersInvalid(DomainError):
    """`details["questions"]` maps the id of a question to what is wrong with its answer."""

    code = "answers_invalid"
    message = _("Some answers cannot be taken.")


class NothingAnswered(DomainError):
    code = "nothing_answered"
    message = _("Please answer at least one question.")


def token_for(delivery: Delivery) -> str:
    """For the address of the customer's page: the delivery's id, signed. A reminder leads to the page that it reminds
    of, so that there is one response."""
    return _signer.sign(str(delivery.reminds_id or delivery.pk))


def read_token(token: str) -> Delivery:
    """Raises LinkUnknown."""
    try:
        pk = int(_signer.unsign(token))
    except BadSignature as error:
        raise LinkUnknown from error
    delivery = Delivery.objects.select_related("campaign__survey", "customer", "partial").filter(pk=pk).first()
    if delivery is None:
        raise LinkUnknown
    return delivery


def is_open(delivery: Delivery) -> bool:
    return delivery.campaign.survey.closed_at is None and respondent(delivery).closed_at is None


def respondent(delivery: Delivery) -> Customer:
    """Who answers it now: the mail may have gone to a customer who was merged into another one since."""
    return customers.present(customer=delivery.customer)


def of(delivery: Delivery) -> SurveyResponse | None:
    """What this delivery brought, if it was answered; nobody knows it of an anonymous survey."""
    return SurveyResponse.objects.select_related("points_entry").filter(delivery=delivery).first()


def thanks_of(delivery: Delivery) -> PointsEntry | None:
    """The points for the answer to it, of an anonymous survey too."""
    if given := of(delivery):
        return given.points_entry
    family = customers.family(customer=respondent(delivery))
    return PointsEntry.objects.filter(customer__in=family, reference=_reference(delivery)).first()


def note_opened(*, delivery: Delivery, at: datetime) -> None:
    """The first time the page was asked for, by the customer or by a scanner of links: a hint, nothing more."""
    Delivery.objects.filter(pk=delivery.pk, opened_at__isnull=True).update(opened_at=at)


@transaction.atomic
def submit(
    *, delivery: Delivery, answers: Mapping[int, AnswerValue], language: str, by: Actor, at: datetime
) -> SurveyResponse | None:
    """Records `answers` by the ids of their questions and thanks with points, whatever they say; a low score opens a
    case. Answers to questions that others skip are not kept.

    Once for each delivery: afterwards the first response comes back, None of an anonymous survey, and nothing changes.
    Raises SurveyClosed, AnswersInvalid, NothingAnswered; CustomerMerged when that happens at this moment. Locks the
    points account, then the delivery, as erasing does.
    """
    if given := of(delivery):
        return given
    survey, customer = delivery.campaign.survey, respondent(delivery)
    locked = lock(delivery=delivery, customer=customer)
    if (given := of(delivery)) or locked.answered_on:
        return given
    if not is_open(delivery):
        raise SurveyClosed
    response = SurveyResponse(survey=survey, language=language, submitted_at=at)
    if survey.is_anonymous:
        record(response=response, answers=answers, by=by, at=at)
        _thank_unlinked(delivery, customer, by=by, at=at)
    else:
        response.delivery, response.customer = delivery, customer
        response.store_id = delivery.purchase.store_id if delivery.purchase else customer.home_store_id
        record(response=response, answers=answers, by=by, at=at)
    PartialResponse.objects.filter(delivery=delivery).delete()
    _note_arrival(delivery, at)
    return response


@transaction.atomic
def record(*, response: SurveyResponse, answers: Mapping[int, AnswerValue], by: Actor, at: datetime) -> None:
    """Writes a new response with its answers; thanks its customer and opens a case, if it has a customer. Whoever calls
    keeps the customer from going meanwhile. Raises AnswersInvalid, NothingAnswered.
    """
    answers = _on_path(response.survey, answers)
    if response.survey.is_anonymous:
        anonymity.blur(response=response, at=at)
    response.save(force_insert=True)
    _keep(response, answers)
    if response.customer:
        reference = f"survey-response:{response.pk}"
        response.points_entry = _award(response.survey, response.customer, reference, by=by, at=at)
        response.save(update_fields=["points_entry"])
    follow_ups.open_for(response=response, at=at)


def lock(*, delivery: Delivery, customer: Customer) -> Delivery:
    """The row as it is now. Nobody erases or merges the customer until what they say is booked, and of many submits at
    once one comes first; the rest find its response. Raises SurveyClosed, CustomerMerged.
    """
    try:
        points.lock(customer=customer)
    except customers.CustomerClosed as error:
        raise SurveyClosed from error
    return Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)


def _keep(response: SurveyResponse, answers: Mapping[int, AnswerValue]) -> None:
    def row_id() -> int | None:
        return anonymity.row_id() if response.survey.is_anonymous else None

    kept = Answer.objects.bulk_create(
        Answer(
            pk=row_id(),
            response=response,
            question_id=question,
            number=value if isinstance(value, int) else None,
            text=value if isinstance(value, str) else "",
        )
        for question, value in answers.items()
    )
    AnswerChoice.objects.bulk_create(
        AnswerChoice(pk=row_id(), answer=answer, choice_id=choice)
        for answer, value in zip(kept, answers.values(), strict=True)
        if isinstance(value, frozenset)
        for choice in sorted(value)
    )


def _on_path(survey: Survey, answers: Mapping[int, AnswerValue]) -> Mapping[int, AnswerValue]:
    """The answers to the questions that their skip rules leave; raises AnswersInvalid, NothingAnswered."""
    questions = {question.pk: question for question in skips.questions(survey)}
    path = skips.asked(list(questions.values()), answers)
    wrong = {pk: _("This question is not asked here.") for pk in answers.keys() - questions.keys()}
    for pk in path:
        question = questions[pk]
        if pk in answers and not fits(question, answers[pk]):
            wrong[pk] = _("This answer does not fit the question.")
        elif pk not in answers and question.is_required:
            wrong[pk] = _("Please answer this question.")
    if wrong:
        raise AnswersInvalid(questions=wrong)
    kept = {pk: value for pk, value in answers.items() if pk in path}
    if not kept:
        raise NothingAnswered
    return kept


def fits(question: Question, value: AnswerValue) -> bool:
    """True for what can be an answer to the question."""
    if scale := scoring.SCALES.get(question.kind):
        return isinstance(value, int) and value in scale.scores
    if question.kind in CHOOSING:
        offered = {choice.pk for choice in question.choices.all()}
        most = 1 if question.kind == QuestionKind.SINGLE else len(offered)
        return isinstance(value, frozenset) and value <= offered and 1 <= len(value) <= most
    return isinstance(value, str) and 0 < len(value) <= TEXT_LENGTH and "\0" not in value


def _award(survey: Survey, customer: Customer, reference: str, *, by: Actor, at: datetime) -> PointsEntry | None:
    if not survey.reward_points:
        return None
    return points.award(customer=customer, points=survey.reward_points, reference=reference, by=by, at=at)


def _thank_unlinked(delivery: Delivery, customer: Customer, *, by: Actor, at: datetime) -> None:
    """The mail's own answer is spent and thanked for; which one it was is written nowhere."""
    _award(delivery.campaign.survey, customer, _reference(delivery), by=by, at=at)
    day = at.astimezone(ZoneInfo(Program.objects.current().timezone)).date()
    Delivery.objects.filter(pk=delivery.pk).update(answered_on=day)


def _reference(delivery: Delivery) -> str:
    return f"survey-delivery:{delivery.pk}"


def _note_arrival(delivery: Delivery, at: datetime) -> None:
    """An answer proves that the mail arrived, whatever its server said or could not say."""
    doubtful = [DeliveryState.UNCERTAIN, DeliveryState.DEFERRED, DeliveryState.REJECTED]
    Delivery.objects.filter(pk=delivery.pk, state__in=doubtful).update(state=DeliveryState.ACCEPTED, settled_at=at)
