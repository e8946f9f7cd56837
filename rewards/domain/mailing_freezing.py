"""Whom a mailing reaches, written down a portion at a time: arms, then mails, then coupons."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from customers.domain import profiling
from customers.models import Customer
from loyalty_site.lib import codes
from rewards.domain import experiments, gesture_mails, mailing_audience, offers
from rewards.models import Arm, Coupon, MailBarrier, Mailing, MailingMail, MailState, Program

CUSTOMERS_AT_ONCE = 5000


def freeze(*, mailing: Mailing, after: int, at: datetime) -> int:
    """Rows and coupons for the next customers of the audience behind the id `after`; returns the last one's id, or 0
    when nobody is left. Who has a row already is left out, so that a worker may begin again at 0. The likeliest, where
    only they are wanted, are chosen and written down at once.

    The caller holds the mailing's row.
    """
    if mailing.likely_max:
        _freeze_likeliest(mailing, mailing.likely_max, at)
        return 0
    reached = MailingMail.objects.filter(mailing=mailing, customer=OuterRef("pk"))
    audience = mailing_audience.of(mailing=mailing, at=at).filter(~Exists(reached), pk__gt=after)
    ids = list(audience.order_by("pk").values_list("pk", flat=True)[:CUSTOMERS_AT_ONCE])
    if not ids:
        return 0
    _write_down(mailing, audience.filter(pk__lte=ids[-1]), at)
    return ids[-1]


def _freeze_likeliest(mailing: Mailing, number: int, at: datetime) -> None:
    """Among them the arms are drawn, so that who is held out is as likely as who is not."""
    from rewards.domain.redeemers import selection  # noqa: PLC0415 - numpy stays out of web processes

    if MailingMail.objects.filter(mailing=mailing).exists():
        return
    audience = mailing_audience.of(mailing=mailing, at=at)
    mailable = audience.annotate(barrier=mailing_audience.barrier()).filter(profiling.ALLOWED, barrier="")
    customers = list(mailable.order_by("pk").values_list("pk", flat=True))
    likeliest = selection.likeliest(customers=customers, offer=mailing.offer_id, number=number, seed=mailing.pk, at=at)
    _write_down(mailing, audience.filter(_ids(likeliest)), at)


def _ids(customers: list[int]) -> RawSQL:
    """As one parameter, however many they are."""
    return RawSQL("customers_customer.id = ANY(%s)", [customers], output_field=BooleanField())


def _write_down(mailing: Mailing, customers: QuerySet[Customer], at: datetime) -> None:
    """Arms, mails and coupons for these."""
    chosen = customers.annotate(barrier=mailing_audience.barrier())
    mailable = chosen.filter(barrier="")
    experiments.assign_all(experiment=mailing.experiment, customers=mailable, occasion=f"mailing:{mailing.pk}", at=at)
    _insert_mails(mailing, chosen.values_list("pk", "barrier"), at)
    while _issue_some(mailing, at):
        pass


def _insert_mails(mailing: Mailing, chosen: QuerySet[Customer, Any], at: datetime) -> None:
    """A row for each (id, barrier), in one statement. Who has got one meanwhile, by a merge, keeps it."""
    people, parameters = chosen.order_by("pk").query.sql_with_params()
    not_before = gesture_mails.by_day(at=at, program=Program.objects.current())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO rewards_mailingmail (mailing_id, customer_id, state, reason, attempts, not_before, settled_at,
                                             smtp_reply)
            SELECT %s, chosen.id, CASE why WHEN '' THEN 'PENDING' ELSE 'SUPPRESSED' END, why, 0, %s,
                   CASE why WHEN '' THEN NULL ELSE %s END, ''
            FROM (SELECT customer.id, CASE WHEN barrier <> '' THEN barrier
                                           WHEN arm = %s THEN '' ELSE %s END AS why
                  FROM ({people}) AS customer (id, barrier)
                  LEFT JOIN rewards_assignment assignment
                         ON assignment.customer_id = customer.id AND assignment.experiment_id = %s) AS chosen
            ON CONFLICT DO NOTHING
            """,  # noqa: S608 - the query of the ORM, with its parameters apart
            [
                mailing.pk,
                not_before,
                at,
                Arm.TREATED.value,
                MailBarrier.HELD_OUT.value,
                *parameters,
                mailing.experiment_id,
            ],
        )


def _issue_some(mailing: Mailing, at: datetime) -> int:
    """Coupons for the next treated customers, in one statement with codes made before; returns how many were issued.

    Their rows are locked by id against merges, so that no coupon stays with who is gone: who is, gets none, and the
    mail finds that out. A code that happens to exist is left out, and another one made the next time.
    """
    starts_at, expires_at = offers.good_between(offer=mailing.offer, at=at)
    made = [
        mailing.offer.code_prefix + codes.generate(length=Coupon.BODY_LENGTH)
        for _n in range(min(CUSTOMERS_AT_ONCE, _without_coupon(mailing)))
    ]
    values: dict[str, Any] = {
        "codes": made,
        "number": len(made),
        "mailing": mailing.pk,
        "offer": mailing.offer_id,
        "uses_max": mailing.offer.code_max,
        "reference": f"mailing:{mailing.pk}:",
        "at": at,
        "starts_at": starts_at,
        "expires_at": expires_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ISSUE, values)
        issued = int(cursor.rowcount)
        cursor.execute(_HAND_OUT, values)
    return issued


def _without_coupon(mailing: Mailing) -> int:
    waiting = MailingMail.objects.filter(mailing=mailing, state=MailState.PENDING, coupon__isnull=True)
    return waiting.filter(customer__closed_at__isnull=True).count()


_ISSUE = """
    WITH locked AS MATERIALIZED (
        SELECT customer.id
        FROM customers_customer customer
        WHERE customer.closed_at IS NULL
          AND customer.id IN (SELECT mail.customer_id
                              FROM rewards_mailingmail mail
                              JOIN customers_customer present
                                ON present.id = mail.customer_id AND present.closed_at IS NULL
                              WHERE mail.mailing_id = %(mailing)s AND mail.state = 'PENDING' AND mail.coupon_id IS NULL
                              ORDER BY mail.customer_id LIMIT %(number)s)
        ORDER BY customer.id
        FOR SHARE
    ), numbered AS (
        SELECT id, row_number() OVER (ORDER BY id) AS number FROM locked
    ), made AS (
        SELECT code, number FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS told (code, number)
    )
    INSERT INTO rewards_coupon (code, offer_id, customer_id, is_public, state, uses_max, uses_count, reference,
                                issued_at, starts_at, expires_at)
    SELECT made.code, %(offer)s, numbered.id, false, 'ISSUED', %(uses_max)s, 0, %(reference)s || numbered.id, %(at)s,
           %(starts_at)s, %(expires_at)s
    FROM numbered JOIN made USING (number)
    ON CONFLICT DO NOTHING
"""

_HAND_OUT = """
    UPDATE rewards_mailingmail mail SET coupon_id = coupon.id
    FROM rewards_coupon coupon
    WHERE mail.mailing_id = %(mailing)s AND mail.state = 'PENDING' AND mail.coupon_id IS NULL
      AND coupon.offer_id = %(offer)s AND coupon.reference = %(reference)s || mail.customer_id
"""
