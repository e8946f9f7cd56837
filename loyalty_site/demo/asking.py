"""Surveys of the last months: asked, reminded of, answered by some; and posters in the stores. Nothing is sent."""

import random
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from customers.models import Store
from loyalty_site.demo import journey, program
from loyalty_site.demo.journey import DEMO_HOUSEHOLD, SEED
from loyalty_site.demo.past import Member
from loyalty_site.lib import actors
from rewards.domain import experiments
from rewards.models import ExperimentKind
from surveys.domain import bounces, campaigns, open_links, responses, surveys
from surveys.domain.responses import AnswerValue
from surveys.models import (
    Campaign,
    CampaignTrigger,
    Delivery,
    DeliveryState,
    Interval,
    OpenLink,
    Question,
    QuestionChoice,
    QuestionKind,
    SuppressionReason,
    Survey,
)

SURVEY_POINTS = 50
FOLLOW_UP_HOURS, LOW_SCORE = 48, 4
# A standing campaign asks every four weeks, the last time yesterday, and reminds once.
ROUNDS, WEEKS, REMINDER_DAYS = 6, 4, 3
SENT_DAYS_AGO = 14
HELD_OUT_PERCENT = 20
# Of a hundred who got a survey: who answers; and of a hundred more who opens the page and goes away.
ANSWER, OPEN = 0.22, 0.2
# How those feel who answer; things get better, from one round to the next.
FEELINGS = {"promoter": (9, 10, 10), "passive": (7, 8, 8), "detractor": (2, 4, 5, 6)}
FATES = {
    DeliveryState.ACCEPTED: (970, "250 OK"),
    DeliveryState.BOUNCED: (14, "550 5.1.1 There is no such mailbox."),
    DeliveryState.REJECTED: (9, "554 5.7.1 The message is refused for policy reasons."),
}
# What nobody decided yet of yesterday's mails.
UNCERTAIN, HELD = 3, 5
POSTERS = (("Poster at the exit", 0, 46), ("Poster at the exit", 1, 38), ("Receipts", None, 30))


def tell(members: Iterable[Member], *, at: datetime) -> None:
    """Not later than `at`. The demo's customer has not answered yet."""
    told = _Past({member.customer.pk: member for member in members}, at)
    survey = _make_survey("survey", at - timedelta(weeks=ROUNDS * WEEKS), follow_up_hours=FOLLOW_UP_HOURS)
    survey.questions.filter(kind=QuestionKind.NPS).update(follow_up_at_most=LOW_SCORE)
    Campaign.objects.create(name="This month's check-in", survey=survey, timezone=str(journey.ZONE))
    first = at - timedelta(days=1, weeks=(ROUNDS - 1) * WEEKS)
    standing = _schedule(
        Campaign(
            name="Every four weeks",
            survey=survey,
            trigger=CampaignTrigger.RECURRING,
            every=WEEKS,
            interval=Interval.WEEK,
            reminders=1,
            reminder_days=REMINDER_DAYS,
            bought_within_days=90,
        ),
        first,
    )
    for number in range(ROUNDS - 1):
        told.mood = number
        asked_at = _ten(first + timedelta(weeks=number * WEEKS))
        told.ask(standing, asked_at)
        told.ask(standing, asked_at + timedelta(days=REMINDER_DAYS, hours=1))
    # Answers of before were not rewarded: points of long ago would stand behind purchases of yesterday.
    Survey.objects.filter(pk=survey.pk).update(reward_points=SURVEY_POINTS)
    told.mood = ROUNDS
    told.ask(_compare(survey, at), _ten(at - timedelta(days=SENT_DAYS_AGO)))
    told.ask(standing, _ten(at - timedelta(days=1)))
    _leave_open(standing, at)
    _hang_posters(at)


class _Past:
    """The members by their ids, and `mood`, which grows from round to round."""

    def __init__(self, members: dict[int, Member], at: datetime) -> None:
        self.members, self.at, self.mood = members, at, 0
        self.drawn = random.Random(SEED)  # noqa: S311 - a story, not a secret

    def ask(self, campaign: Campaign, due_at: datetime) -> None:
        """What waits then was taken by a server of that day; later some answer."""
        campaigns.materialize_due(at=due_at)
        sent_at = due_at + timedelta(minutes=2)
        waiting = Delivery.objects.filter(campaign=campaign, state=DeliveryState.PENDING)
        asked = [row.pk for row in waiting]
        waiting.update(state=DeliveryState.ACCEPTED, attempts=1, smtp_reply="250 OK", settled_at=sent_at)
        rows = Delivery.objects.filter(pk__in=asked).select_related("campaign__survey", "customer", "reminds")
        for row in rows.select_related("reminds__campaign__survey", "reminds__customer").order_by("pk"):
            self._happen(row, sent_at)
        campaigns.settle_states(at=sent_at)

    def _happen(self, mail: Delivery, sent_at: datetime) -> None:
        member = self.members.get(mail.customer_id)
        if member is None or member.household == DEMO_HOUSEHOLD:
            return
        [fate] = self.drawn.choices(list(FATES), [weight for weight, _reply in FATES.values()])
        chance = self.drawn.random()
        if fate != DeliveryState.ACCEPTED:
            _fail(mail, fate, sent_at)
        elif chance < ANSWER + OPEN:
            self._open(mail.reminds or mail, member, sent_at, answers=chance < ANSWER)

    def _open(self, mail: Delivery, member: Member, sent_at: datetime, *, answers: bool) -> None:
        when = sent_at + timedelta(minutes=self.drawn.expovariate(1 / 900))
        if mail.campaign.survey.reward_points:
            when = max(when, member.last_at + timedelta(minutes=self.drawn.uniform(20, 90)))
        when, language = min(when, self.at), member.customer.language
        responses.note_opened(delivery=mail, at=when)
        if answers:
            given = _answers(mail.campaign.survey, language, self.mood, self.drawn)
            by = actors.customer(member.customer.pk)
            responses.submit(delivery=mail, answers=given, language=language, by=by, at=when)


def _fail(mail: Delivery, fate: DeliveryState, at: datetime) -> None:
    reply = FATES[fate][1]
    if fate == DeliveryState.BOUNCED:
        reference = f"survey-delivery-{mail.pk}"
        bounces.note_bounce(reference=reference, address=mail.customer.email, is_hard=True, detail=reply, at=at)
    else:
        Delivery.objects.filter(pk=mail.pk).update(state=fate, smtp_reply=reply)


def _make_survey(key: str, at: datetime, **fields: Any) -> Survey:
    told = program.CATALOG[key]
    texts = {name: told[name] for name in ("name", "title", "introduction", "thanks")}
    survey = Survey.objects.create(**texts, **fields)
    for position, row in enumerate(told["questions"], start=1):
        values = {name: value for name, value in row.items() if name != "choices"}
        question = Question.objects.create(survey=survey, position=position, **values)
        QuestionChoice.objects.bulk_create(
            QuestionChoice(question=question, position=place, text=text)
            for place, text in enumerate(row.get("choices", ()), start=1)
        )
    return surveys.publish(survey=survey, by=actors.SYSTEM, at=at)


def _schedule(campaign: Campaign, at: datetime) -> Campaign:
    campaign.save(force_insert=True)
    return campaigns.schedule(
        campaign=campaign,
        start_date=at.astimezone(journey.ZONE).date(),
        start_time=time(10),
        timezone=str(journey.ZONE),
        by=actors.SYSTEM,
        at=at - timedelta(days=1),
    )


def _compare(survey: Survey, at: datetime) -> Campaign:
    """Some are held out. What these bought since is what they truly bought: nobody in this data was asked anything, so
    the report finds chance alone."""
    name, day = "Two weeks ago", at - timedelta(days=SENT_DAYS_AGO)
    experiment = experiments.plan(
        kind=ExperimentKind.CAMPAIGN,
        name=name,
        holdout_percent=HELD_OUT_PERCENT,
        by=actors.SYSTEM,
        at=day - timedelta(days=1),
    )
    return _schedule(Campaign(name=name, survey=survey, bought_within_days=90, experiment=experiment), day)


def _leave_open(campaign: Campaign, at: datetime) -> None:
    """Of yesterday's mails some are of uncertain delivery, and some wait for the morning."""
    silent = _silent(campaign, at)
    for pk in silent[:UNCERTAIN]:
        lost = "The connection was lost while the mail was handed over."
        Delivery.objects.filter(pk=pk).update(state=DeliveryState.UNCERTAIN, smtp_reply=lost)
    Delivery.objects.filter(pk__in=silent[UNCERTAIN : UNCERTAIN + HELD]).update(
        state=DeliveryState.HELD,
        reason=SuppressionReason.QUIET_HOURS,
        not_before=_ten(at + timedelta(days=1)),
        settled_at=None,
        attempts=0,
        smtp_reply="",
    )


def _silent(campaign: Campaign, at: datetime) -> list[int]:
    recent = Delivery.objects.filter(campaign=campaign, state=DeliveryState.ACCEPTED, opened_at__isnull=True)
    mails: QuerySet[Delivery] = recent.filter(settled_at__gt=at - timedelta(days=3)).order_by("pk")
    return [mail.pk for mail in mails.exclude(customer__cards__number="demo-customer")]


def _hang_posters(at: datetime) -> None:
    """Whoever comes by answers in the last ten weeks, without a name."""
    drawn = random.Random(SEED)  # noqa: S311 - a story, not a secret
    stores = list(Store.objects.order_by("pk"))
    begun = at - timedelta(weeks=10)
    survey = _make_survey("poster", begun)
    for source, place, number in POSTERS:
        store = None if place is None else stores[min(place, len(stores) - 1)]
        link = OpenLink(survey=survey, source=f"{source}, {store}" if store else source, store=store)
        if OpenLink.objects.filter(survey=survey, source=link.source).exists():
            continue  # a demo of one store
        open_links.open_up(link=link, by=actors.SYSTEM, at=begun)
        for _ in range(number):
            language = drawn.choice(("en", "en", "en", "zh-hans"))
            open_links.submit(
                link=link,
                answers=_answers(survey, language, 0 if place == 1 else ROUNDS, drawn),
                customer=None,
                page_key=UUID(int=drawn.getrandbits(128)),
                language=language,
                by=actors.SYSTEM,
                at=begun + (at - begun) * drawn.random(),
            )


def _answers(survey: Survey, language: str, mood: int, drawn: random.Random) -> dict[int, AnswerValue]:
    """`mood` from 0 on: the more, the happier."""
    weights = (38 + 4 * mood, 32 - mood, 30 - 3 * mood)
    [feeling] = drawn.choices(list(FEELINGS), weights)
    score = drawn.choice(FEELINGS[feeling])
    answers: dict[int, AnswerValue] = {}
    for question in survey.questions.prefetch_related("choices"):
        choices = [choice.pk for choice in question.choices.all()]
        if question.kind == QuestionKind.NPS:
            answers[question.pk] = score
        elif question.kind == QuestionKind.CSAT:
            answers[question.pk] = max(1, score // 2)
        elif question.kind == QuestionKind.SINGLE:
            answers[question.pk] = frozenset(drawn.choices(choices, range(len(choices), 0, -1)))
        elif question.kind == QuestionKind.MULTIPLE and drawn.random() < 0.8:
            answers[question.pk] = frozenset(drawn.sample(choices, drawn.randint(1, min(3, len(choices)))))
        elif question.kind == QuestionKind.TEXT and drawn.random() < 0.6:
            answers[question.pk] = drawn.choice(program.CATALOG["comments"][language][feeling])
    return answers


def _ten(on: datetime) -> datetime:
    """Ten o'clock of that day."""
    return datetime.combine(on.astimezone(journey.ZONE).date(), time(10), tzinfo=journey.ZONE)
