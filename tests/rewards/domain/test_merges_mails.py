"""Mails that wait when two turn out to be one person."""

from datetime import timedelta

import pytest
from django.core import mail

from customers.models import Purpose
from rewards.domain import gesture_mails, mail_queue, mailings
from rewards.models import Arm, Coupon, GestureMail, Mailing, MailingMail, Surprise
from tests.factories.customers import ConsentFactory
from tests.factories.rewards import (
    CouponFactory,
    ExperimentFactory,
    OfferFactory,
    ProgramFactory,
    SurpriseRuleFactory,
)
from tests.races import at_once
from tests.rewards.domain.merging import STAFF, merge, undo

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def program(db):
    return ProgramFactory(timezone="UTC")


@pytest.fixture
def surprised(old, now):
    """A surprise of the source's, and the mail that will tell of it."""
    ConsentFactory(customer=old, purpose=Purpose.MARKETING_EMAIL)
    rule = SurpriseRuleFactory()
    coupon = CouponFactory(offer=rule.offer, customer=old, expires_at=now + 30 * DAY)
    told = {"occasion": "sign-up", "arm": Arm.TREATED, "happened_at": now, "decided_at": now}
    Surprise.objects.create(rule=rule, customer=old, coupon=coupon, **told)
    assert gesture_mails.prepare(at=now) == 1
    return coupon


@pytest.fixture
def sent(now):
    """Sends an offer to whoever allows it; `old` and `kept` are told by who does."""

    def send(*people):
        for customer in people:
            ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
        experiment = ExperimentFactory(kind="MAILING", holdout_percent=0)
        mailing = Mailing.objects.create(name="June", offer=OfferFactory(), experiment=experiment)
        mailings.schedule(mailing=mailing, starts_at=now, by=STAFF, at=now)
        mailings.materialize_due(at=now)
        return mailing

    return send


def deliver(queue, at):
    return mail_queue.send_due(
        queue=queue, mailer=mail.get_connection(), clock=lambda: at, until=at + timedelta(seconds=60)
    )


def test_a_surprise_is_told_to_whom_it_belongs_now(old, kept, surprised, now, mail_server):
    record = merge(old, kept, now)
    assert GestureMail.objects.get().customer == kept
    assert (deliver(gesture_mails.QUEUE, now), mail_server.recipients) == (1, [kept.email])
    undo(record, now + DAY)
    assert (GestureMail.objects.get().customer, Surprise.objects.get().customer) == (kept, old)


def test_a_surprise_that_nobody_was_told_of_goes_back(old, kept, surprised, now, mail_server):
    address = old.email
    undo(merge(old, kept, now), now)
    assert GestureMail.objects.get().customer == old
    assert (deliver(gesture_mails.QUEUE, now), mail_server.recipients) == (1, [address])


def test_a_surprise_that_the_target_has_had_is_not_told_again(old, kept, surprised, now, mail_server):
    rule = Surprise.objects.get().rule
    told = {"occasion": "sign-up", "arm": Arm.HOLDOUT, "happened_at": now, "decided_at": now}
    Surprise.objects.create(rule=rule, customer=kept, **told)
    merge(old, kept, now)
    assert deliver(gesture_mails.QUEUE, now) == 0
    assert GestureMail.objects.values_list("state", "reason", "customer").get() == ("SUPPRESSED", "CLOSED", old.pk)


@pytest.mark.parametrize("is_meant", [True, False])
def test_the_mail_of_a_mailing_goes_over_with_its_coupon_and_back(old, kept, sent, now, mail_server, is_meant):
    """Whether the target was in the audience, and might not be written to, or was not."""
    address = old.email
    sent(old)
    if not is_meant:
        MailingMail.objects.filter(customer=kept).delete()
    coupon = Coupon.objects.get()
    record = merge(old, kept, now)
    waiting = MailingMail.objects.select_related("coupon").get(coupon=coupon)
    assert (waiting.customer, waiting.coupon.customer) == (kept, kept)
    undo(record, now)
    waiting = MailingMail.objects.select_related("coupon").get(coupon=coupon)
    assert (waiting.customer, waiting.coupon.customer) == (old, old)
    assert [mail.reason for mail in MailingMail.objects.filter(customer=kept)] == ["NO_CONSENT"] * is_meant
    assert (deliver(mailings.QUEUE, now), mail_server.recipients) == (1, [address])


def test_who_has_a_mail_of_the_mailing_gets_no_second_one(old, kept, sent, now, mail_server):
    sent(old, kept)
    record = merge(old, kept, now)
    assert (deliver(mailings.QUEUE, now), mail_server.recipients) == (1, [kept.email])
    assert dict(MailingMail.objects.values_list("customer", "reason")) == {old.pk: "CLOSED", kept.pk: ""}
    assert Coupon.objects.filter(customer=kept).count() == 2
    undo(record, now)
    assert set(Coupon.objects.values_list("customer", flat=True)) == {old.pk, kept.pk}


def test_what_was_sent_meanwhile_stays_with_whom_it_was_sent_to(old, kept, sent, now, mail_server):
    sent(old)
    record = merge(old, kept, now)
    assert (deliver(mailings.QUEUE, now), mail_server.recipients) == (1, [kept.email])
    undo(record, now)
    assert dict(MailingMail.objects.values_list("customer", "state")) == {old.pk: "SUPPRESSED", kept.pk: "ACCEPTED"}
    assert (deliver(mailings.QUEUE, now), Coupon.objects.get().customer) == (0, old)


@pytest.mark.django_db(transaction=True)
def test_merging_while_it_is_sent_tells_once(old, kept, sent, now, mail_server):
    sent(old)
    at_once(lambda: deliver(mailings.QUEUE, now), lambda: merge(old, kept, now))
    deliver(mailings.QUEUE, now)
    assert len(mail_server.recipients) == 1
