"""What followed the purchases: rewards taken, coupons given, a survey answered. Told through the domain's verbs."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from customers.models import Customer, Purchase
from loyalty_site.demo import journey, program
from loyalty_site.demo.journey import DEMO_HOUSEHOLD, SEED
from loyalty_site.lib import actors
from rewards.domain import coupon_redemptions, coupons, experiments, points, redemptions, surprises
from rewards.models import ExperimentKind, OfferKind, Reward
from surveys.domain import campaigns, responses, surveys
from surveys.domain.responses import AnswerValue
from surveys.models import Campaign, Delivery, DeliveryState, Question, QuestionKind, Survey

SURVEY_POINTS = 50
WELCOME_POINTS = 500
SENT_DAYS_AGO = 14
HELD_OUT_PERCENT = 20
FOLLOW_UP_HOURS, LOW_SCORE = 48, 4
# Of a hundred who got the survey: who opens it, who answers, and how those feel.
OPEN, ANSWER = 0.6, 0.4
FEELINGS = {"promoter": (55, (9, 10, 10)), "passive": (27, (7, 8, 8)), "detractor": (18, (2, 4, 5, 6))}


@dataclass(frozen=True, slots=True)
class Member:
    """A customer with the household they were made from and their last purchase."""

    household: int
    customer: Customer
    last_at: datetime


def welcome(customer: Customer) -> None:
    """Points from the first day, to be told before the purchases are: some of them lapse soon."""
    points.adjust(
        customer=customer,
        points=WELCOME_POINTS,
        reference="demo:welcome",
        reason="Welcome gift",
        by=actors.SYSTEM,
        at=customer.enrolled_at,
    )


def tell(members: Iterable[Member], *, at: datetime) -> None:
    """Everything is later than the purchases it follows, and not later than `at`."""
    everybody = list(members)
    drawn = random.Random(SEED)  # noqa: S311 - a story, not a secret
    _take_rewards(everybody, drawn, at)
    _surprise(at)
    _give_coupons(everybody, drawn, at)
    _ask(everybody, drawn, at)


def _take_rewards(members: list[Member], drawn: random.Random, at: datetime) -> None:
    """One customer in ten takes a reward they can afford; half of those have it in hand."""
    catalog = list(Reward.objects.order_by("cost_points"))
    for member in members:
        if drawn.random() > 0.1 and member.household != DEMO_HOUSEHOLD:
            continue
        when = _after(member, drawn, at)
        spendable = points.summary(customer=member.customer, at=when).available
        affordable = [reward for reward in catalog if reward.cost_points <= spendable]
        if affordable:
            taken = redemptions.request(
                customer=member.customer,
                reward=drawn.choice(affordable[:4]),
                quantity=1,
                reference=f"demo:{member.household}",
                by=actors.customer(member.customer.pk),
                at=when,
            )
            if drawn.random() < 0.5 and member.household != DEMO_HOUSEHOLD:
                redemptions.fulfil(redemption=taken, by=actors.SYSTEM, at=_between(when, at, drawn))


def _surprise(at: datetime) -> None:
    """The rules look at two weeks, as they would have at each till and each day."""
    large = Purchase.objects.filter(customer__isnull=False, paid_minor__gt=program.SURPRISE_OVER_MINOR)
    recent = large.filter(purchased_at__gt=at - timedelta(days=14)).select_related("customer", "store")
    for purchase in recent.order_by("purchased_at", "pk"):
        surprises.after_purchase(purchase=purchase, by=actors.SYSTEM, at=purchase.purchased_at)
    for days in range(14, -1, -1):
        _look_over(at - timedelta(days=days))


def _look_over(day: datetime) -> None:
    surprises.look_over(clock=lambda: day, until=day + timedelta(hours=1))


def _give_coupons(members: list[Member], drawn: random.Random, at: datetime) -> None:
    """One customer in four got a coupon this week, the demo's customer one of each; some smoothies are drunk."""
    offers = [offer for key in ("autumn", "thanks", "smoothie") if (offer := program.offer(key))]
    for member in members:
        is_demo = member.household == DEMO_HOUSEHOLD
        if not is_demo and (drawn.random() > 0.25 or not offers):
            continue
        for offer in offers if is_demo else [drawn.choice(offers)]:
            when = max(_after(member, drawn, at), at - timedelta(minutes=drawn.uniform(60, 7 * 24 * 60)))
            reference = f"demo:{member.household}"
            coupon = coupons.issue(
                offer=offer, customer=member.customer, reference=reference, by=actors.SYSTEM, at=when
            )
            if offer.kind == OfferKind.GIFT and not is_demo and drawn.random() < 0.4:
                handed_at = _between(when, at, drawn)
                coupon_redemptions.redeem(coupon=coupon, customer=member.customer, by=actors.SYSTEM, at=handed_at)


def _ask(members: list[Member], drawn: random.Random, at: datetime) -> None:
    """A campaign two weeks ago, with its answers; the demo's customer has not answered yet."""
    survey = _make_survey(at - timedelta(days=30))
    sent_at = _send(survey, at)
    by_customer = {member.customer.pk: member for member in members}
    questions = {question.kind: question for question in survey.questions.all()}
    deliveries = Delivery.objects.filter(campaign__survey=survey, state=DeliveryState.ACCEPTED).order_by("pk")
    for delivery in deliveries.select_related("campaign__survey", "customer"):
        member = by_customer.get(delivery.customer_id)
        if member is None or member.household == DEMO_HOUSEHOLD or drawn.random() > OPEN:
            continue
        answered_at = sent_at + timedelta(minutes=drawn.expovariate(1 / 900))
        when = min(max(answered_at, member.last_at + timedelta(minutes=drawn.uniform(20, 90))), at)
        responses.note_opened(delivery=delivery, at=when)
        if drawn.random() < ANSWER / OPEN:
            language = member.customer.language
            responses.submit(
                delivery=delivery,
                answers=_answers(questions, language, drawn),
                language=language,
                by=actors.customer(member.customer.pk),
                at=when,
            )


def _make_survey(at: datetime) -> Survey:
    told = program.CATALOG["survey"]
    texts = {key: told[key] for key in ("name", "title", "introduction", "thanks")}
    survey = Survey.objects.create(**texts, reward_points=SURVEY_POINTS, follow_up_hours=FOLLOW_UP_HOURS)
    Question.objects.bulk_create(
        Question(survey=survey, position=position, **row) for position, row in enumerate(told["questions"], start=1)
    )
    survey.questions.filter(kind=QuestionKind.NPS).update(follow_up_at_most=LOW_SCORE)
    Campaign.objects.create(name="This month's check-in", survey=survey, timezone=str(journey.ZONE))
    return surveys.publish(survey=survey, by=actors.SYSTEM, at=at)


def _send(survey: Survey, at: datetime) -> datetime:
    """Mails of the past were taken by a server of the past; nothing is sent, and some are held out. Returns when.

    What the held-out ones bought since is what they truly bought: nobody in this data was asked anything, so the
    report finds chance alone.
    """
    day = (at - timedelta(days=SENT_DAYS_AGO)).astimezone(journey.ZONE).date()
    planned_at = at - timedelta(days=SENT_DAYS_AGO + 1)
    name = "Two weeks ago"
    experiment = experiments.plan(
        kind=ExperimentKind.CAMPAIGN, name=name, holdout_percent=HELD_OUT_PERCENT, by=actors.SYSTEM, at=planned_at
    )
    campaign = Campaign.objects.create(name=name, survey=survey, bought_within_days=90, experiment=experiment)
    campaign = campaigns.schedule(
        campaign=campaign,
        start_date=day,
        start_time=time(10),
        timezone=str(journey.ZONE),
        by=actors.SYSTEM,
        at=planned_at,
    )
    assert campaign.starts_at is not None
    campaigns.materialize_due(at=campaign.starts_at)
    waiting = Delivery.objects.filter(campaign=campaign, state=DeliveryState.PENDING)
    settled_at = campaign.starts_at + timedelta(minutes=2)
    waiting.update(state=DeliveryState.ACCEPTED, attempts=1, smtp_reply="250 OK", settled_at=settled_at)
    campaigns.settle_states(at=settled_at)
    return settled_at


def _answers(questions: Mapping[str, Question], language: str, drawn: random.Random) -> dict[int, AnswerValue]:
    feeling = drawn.choices(list(FEELINGS), [weight for weight, _ in FEELINGS.values()])[0]
    answers: dict[int, AnswerValue] = {questions[QuestionKind.NPS].pk: drawn.choice(FEELINGS[feeling][1])}
    if drawn.random() < 0.6:
        answers[questions[QuestionKind.TEXT].pk] = drawn.choice(program.CATALOG["comments"][language][feeling])
    return answers


def _after(member: Member, drawn: random.Random, at: datetime) -> datetime:
    """Within three hours of the customer's last purchase."""
    return min(member.last_at + timedelta(minutes=drawn.uniform(5, 180)), at)


def _between(first: datetime, last: datetime, drawn: random.Random) -> datetime:
    return first + (last - first) * drawn.random()
