"""Telling customers by mail of what they were surprised with: one mail for each surprise.

Found by looking for surprises without one.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.mail import EmailMultiAlternatives
from django.db import connection

from customers.models import Purpose
from rewards.domain import coupon_mails, mail_queue, mail_texts, told_mails
from rewards.domain.mail_texts import Text
from rewards.models import Arm, GestureMail, GestureText, MailBarrier, Program, SurpriseRule

# What nobody has told of by then is no news.
FRESH_FOR = timedelta(days=7)
MORNING, EVENING = time(9), time(20)


def prepare(*, at: datetime) -> int:
    """Makes the rows of surprises that can be told of, in one statement; returns how many.

    Again and again, each is made once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _PREPARE,
            {
                "arm": Arm.TREATED.value,
                "since": at - FRESH_FOR,
                "at": at,
                "not_before": by_day(at=at, program=Program.objects.current()),
                "purpose": Purpose.MARKETING_EMAIL.value,
            },
        )
        return int(cursor.rowcount)


def by_day(*, at: datetime, program: Program) -> datetime:
    """`at`, or the next morning of the programme's zone: nobody is woken at night."""
    local = at.astimezone(ZoneInfo(program.timezone))
    if MORNING <= local.time() < EVENING:
        return at
    day = local.date() + timedelta(days=local.time() >= EVENING)
    return datetime.combine(day, MORNING, tzinfo=local.tzinfo)


def _barrier(mail: GestureMail, program: Program, at: datetime) -> MailBarrier | None:
    """Points are gone where the purchase that brought them came back."""
    coupon, entry = mail.surprise.coupon, mail.surprise.points_entry
    is_there = coupon is None or coupon_mails.is_good(coupon=coupon, at=at)
    return MailBarrier.GONE if not is_there or entry and entry.corrections.exists() else None


def _text_of(rule: SurpriseRule) -> tuple[Text, Text]:
    """What marketing wrote for the rule, and what is said where they wrote nothing."""
    own = GestureText.objects.filter(rule=rule).first()
    return Text(own.subject, own.body) if own else Text({}, {}), mail_texts.GESTURES[rule.gesture]


def _compose(mail: GestureMail, program: Program) -> EmailMultiAlternatives:
    surprise = mail.surprise
    text, default = _text_of(surprise.rule)
    return told_mails.compose(
        reference=f"gesture-{mail.pk}",
        customer=mail.customer,
        program=program,
        text=text,
        default=default,
        coupon=surprise.coupon,
        points=surprise.points_entry.points if surprise.points_entry else None,
        at=mail.claimed_at or mail.not_before,
    )


QUEUE = mail_queue.Queue(
    "gesture",
    GestureMail,
    _barrier,
    _compose,
    related=("surprise__rule__offer", "surprise__coupon__offer", "surprise__points_entry"),
)

_PREPARE = """
    INSERT INTO rewards_gesturemail (surprise_id, customer_id, state, reason, attempts, not_before, smtp_reply)
    SELECT surprise.id, surprise.customer_id, 'PENDING', '', 0, %(not_before)s, ''
    FROM rewards_surprise surprise JOIN customers_customer customer ON customer.id = surprise.customer_id
    LEFT JOIN rewards_coupon coupon ON coupon.id = surprise.coupon_id
    WHERE surprise.arm = %(arm)s AND surprise.decided_at > %(since)s AND surprise.decided_at <= %(at)s
      AND (coupon.state = 'ISSUED' OR surprise.points_entry_id IS NOT NULL)
      AND customer.closed_at IS NULL AND customer.email <> ''
      AND EXISTS (SELECT FROM customers_consent consent
                  WHERE consent.customer_id = customer.id AND consent.purpose = %(purpose)s
                    AND consent.withdrawn_at IS NULL)
      AND NOT EXISTS (SELECT FROM rewards_gesturemail told WHERE told.surprise_id = surprise.id)
    ORDER BY surprise.id
    ON CONFLICT DO NOTHING
"""
