"""A gift that was offered by mail, some of whom came for it, and customers who want no more mail. Nothing is sent."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from customers.domain import consents, suppressions
from customers.models import Purpose
from loyalty_site.demo import program
from loyalty_site.demo.journey import DEMO_HOUSEHOLD, SEED
from loyalty_site.demo.past import Member
from loyalty_site.lib import actors
from rewards.domain import coupon_redemptions, experiments, mailing_freezing, mailings
from rewards.models import ExperimentKind, Mailing, MailingMail, MailingState, MailState
from surveys.domain import bounces

SENT_DAYS_AGO = 14
HELD_OUT_PERCENT = 20
FETCHED = 0.1


def tell(members: Iterable[Member], *, at: datetime) -> None:
    """Not later than `at`, and after the surveys: who stops mails today was asked yesterday."""
    offer = program.offer("smoothie")
    if offer is None:
        return
    sent_at = at - timedelta(days=SENT_DAYS_AGO)
    name = "A smoothie for everybody"
    experiment = experiments.plan(
        kind=ExperimentKind.MAILING, name=name, holdout_percent=HELD_OUT_PERCENT, by=actors.SYSTEM, at=sent_at
    )
    mailing = Mailing.objects.create(name=name, offer=offer, bought_within_days=90, experiment=experiment)
    mailing = mailings.schedule(mailing=mailing, starts_at=sent_at, by=actors.SYSTEM, at=sent_at)
    _send(mailing, sent_at)
    others = {member.customer.pk for member in members if member.household != DEMO_HOUSEHOLD}
    mails = MailingMail.objects.filter(mailing=mailing, state=MailState.ACCEPTED, customer__in=others)
    told = list(mails.select_related("customer", "coupon__offer").order_by("pk"))
    drawn = random.Random(SEED)  # noqa: S311 - a story, not a secret
    fetching = [mail for mail in told if drawn.random() < FETCHED]
    for mail in fetching:
        assert mail.coupon is not None  # whoever was sent the offer has one
        when = sent_at + (at - sent_at) * drawn.random()
        coupon_redemptions.redeem(coupon=mail.coupon, customer=mail.customer, by=actors.SYSTEM, at=when)
    _stop([mail for mail in told if mail not in fetching], at - timedelta(hours=1))


def _send(mailing: Mailing, at: datetime) -> None:
    """As a server of that day took it."""
    Mailing.objects.filter(pk=mailing.pk).update(state=MailingState.SENDING, materialized_at=at)
    reached = mailing_freezing.freeze(mailing=mailing, after=0, at=at)
    while reached:
        reached = mailing_freezing.freeze(mailing=mailing, after=reached, at=at)
    waiting = MailingMail.objects.filter(mailing=mailing, state=MailState.PENDING)
    left_at = at + timedelta(minutes=2)
    waiting.update(state=MailState.ACCEPTED, attempts=1, smtp_reply="250 OK", settled_at=left_at)
    mailings.settle_states(at=left_at)


def _stop(mails: list[MailingMail], at: datetime) -> None:
    """One reports the mail as spam, one tells the staff, one takes the link at its end."""
    people = [mail.customer for mail in mails]
    for mail in mails[:1]:
        reference, told = f"mailing-{mail.pk}", "Feedback-Type: abuse"
        bounces.note_complaint(reference=reference, address=mail.customer.email, detail=told, at=at)
    for customer in people[1:2]:
        told = "Asked at the counter for no more mails."
        suppressions.enter(address=customer.email, detail=told, by=actors.SYSTEM, at=at)
    for customer in people[2:3]:
        by = actors.customer(customer.pk)
        consents.withdraw(customer=customer, purpose=Purpose.MARKETING_EMAIL, by=by, at=at)
