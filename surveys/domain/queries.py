"""What came of a survey, in a few set-based reads whatever its size."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, OuterRef, Q, Subquery

from loyalty_site.lib.texts import LocalizedText
from surveys.domain import scoring
from surveys.domain.scoring import Nps, Rate
from surveys.models import Answer, Campaign, Delivery, DeliveryState, Question, QuestionKind, Survey


@dataclass(frozen=True, slots=True)
class Funnel:
    """Deliveries: those to send, those whose mail left, those whose page was opened (by scanners too), those answered.

    `suppressed` come on top of `invited`. `response_rate` is of the mails that left or may have left.
    """

    invited: int
    suppressed: int
    accepted: int
    opened: int
    answered: int
    response_rate: Rate


@dataclass(frozen=True, slots=True)
class ScaleResult:
    """How often each score from 0 to 10 was given to one question."""

    question_id: int
    text: LocalizedText
    counts: tuple[int, ...]
    nps: Nps | None


@dataclass(frozen=True, slots=True)
class Comment:
    """`score` is what the same response gave on the survey's first scale."""

    text: str
    score: int | None
    submitted_at: datetime
    customer_id: int


@dataclass(frozen=True, slots=True)
class Results:
    funnel: Funnel
    scales: tuple[ScaleResult, ...]
    comments: tuple[Comment, ...]


def results(survey: Survey, *, campaign: Campaign | None = None, comment_limit: int = 50) -> Results:
    """Of one campaign, or of all; comments newest first. Three queries."""
    return Results(
        funnel=_funnel(survey, campaign),
        scales=_scales(survey, campaign),
        comments=_comments(survey, campaign, comment_limit),
    )


def _comments(survey: Survey, campaign: Campaign | None, limit: int) -> tuple[Comment, ...]:
    first_scale = Question.objects.filter(survey=survey, kind=QuestionKind.NPS).order_by("position").values("pk")[:1]
    score = Answer.objects.filter(response=OuterRef("response"), question=Subquery(first_scale)).values("number")[:1]
    said = Answer.objects.filter(response__survey=survey, **_of(campaign, "response__delivery__")).exclude(text="")
    rows = said.annotate(score=Subquery(score)).order_by("-response__submitted_at", "-pk")
    return tuple(
        Comment(text=text, score=number, submitted_at=submitted_at, customer_id=customer_id)
        for text, number, submitted_at, customer_id in rows.values_list(
            "text", "score", "response__submitted_at", "response__customer_id"
        )[:limit]
    )


def _funnel(survey: Survey, campaign: Campaign | None) -> Funnel:
    states = {state.lower(): Count("pk", filter=Q(state=state)) for state in DeliveryState}
    counts = Delivery.objects.filter(campaign__survey=survey, **_of(campaign, "")).aggregate(
        all=Count("pk"), opened=Count("opened_at"), answered=Count("response"), **states
    )
    accepted, answered = counts["accepted"], counts["answered"]
    rate = scoring.response_rate(answered=answered, accepted=accepted, uncertain=counts["uncertain"])
    return Funnel(
        invited=counts["all"] - counts["suppressed"],
        suppressed=counts["suppressed"],
        accepted=accepted,
        opened=counts["opened"],
        answered=answered,
        response_rate=rate,
    )


def _scales(survey: Survey, campaign: Campaign | None) -> tuple[ScaleResult, ...]:
    wanted = Q(**_of(campaign, "answers__response__delivery__"))
    scales = Question.objects.filter(survey=survey, kind=QuestionKind.NPS).annotate(score=F("answers__number"))
    rows = scales.values_list("pk", "text", "score").annotate(n=Count("answers", filter=wanted)).order_by("position")
    found: dict[int, tuple[LocalizedText, list[int]]] = {}
    for pk, text, score, n in rows:
        _text, counts = found.setdefault(pk, (text, [0] * len(scoring.SCORES)))
        if score is not None:
            counts[score] = n
    return tuple(
        ScaleResult(question_id=pk, text=text, counts=tuple(counts), nps=scoring.nps_of(counts))
        for pk, (text, counts) in found.items()
    )


def _of(campaign: Campaign | None, path: str) -> dict[str, Campaign]:
    return {f"{path}campaign": campaign} if campaign else {}
