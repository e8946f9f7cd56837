"""Segments built of filters: saved with their terms, refreshed in sets."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, segment_terms
from customers.domain.segment_facts import Facts
from customers.models import Segment, SegmentSize
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError

# Who no longer belongs goes, who does comes; who stays keeps the moment since when.
_REFRESH = """
    WITH chosen AS MATERIALIZED (SELECT id FROM ({chosen}) AS chosen (id)), gone AS (
        DELETE FROM customers_segmentmember m
        WHERE m.segment_id = %(segment)s AND NOT EXISTS (SELECT FROM chosen c WHERE c.id = m.customer_id)
    ), came AS (
        INSERT INTO customers_segmentmember (segment_id, customer_id, since)
        SELECT %(segment)s, c.id, %(at)s FROM chosen c
        WHERE NOT EXISTS (
            SELECT FROM customers_segmentmember m WHERE m.segment_id = %(segment)s AND m.customer_id = c.id
        )
        ON CONFLICT (segment_id, customer_id) DO NOTHING
    )
    SELECT count(*) FROM chosen
"""


class SegmentNameTaken(DomainError):
    code = "segment_name_taken"
    message = _("There is a segment of this name already.")


class SegmentIsByHand(DomainError):
    code = "segment_is_by_hand"
    message = _("Who is in this segment is said by hand: it has no filters.")


@transaction.atomic
def save(
    *, segment: Segment | None, name: str, description: str, terms: Any, facts: Facts, by: Actor, at: datetime
) -> Segment:
    """Makes a segment, or gives one other terms, and puts into it whom they hold for.

    Raises TermsInvalid, SegmentNameTaken, SegmentIsByHand.
    """
    segment_terms.check(terms, facts=facts)
    is_new = segment is None
    row = Segment() if segment is None else _locked(segment)
    row.name, row.description, row.terms = name, description, terms
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise SegmentNameTaken from error
    customers = refresh(segment=row, facts=facts, at=at)
    action = "segment.built" if is_new else "segment.changed"
    data = {"terms": terms, "customers": customers}
    audit.record(actor=by, action=action, subject=f"segment:{row.pk}", data=data, at=at)
    return row


@transaction.atomic
def refresh(*, segment: Segment, facts: Facts, at: datetime) -> int:
    """Puts whom the terms hold for into the segment and takes the others out; notes its size of the day and returns it.

    Raises TermsInvalid where a fact is no longer there, SegmentIsByHand.
    """
    row = _locked(segment)
    terms: Any = row.terms
    segment_terms.check(terms, facts=facts)
    sql, parameters = segment_terms.statement(terms, facts=facts, at=at)
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH.format(chosen=sql), {**parameters, "segment": row.pk})
        [(number,)] = cursor.fetchall()
    Segment.objects.filter(pk=row.pk).update(refreshed_at=at)
    SegmentSize.objects.update_or_create(segment=row, day=at.date(), defaults={"customers": number})
    return int(number)


def refresh_all(*, facts: Facts, at: datetime) -> list[str]:
    """Each segment in a transaction of its own; returns the names of those whose filters are no longer there or name
    what was deleted, which stay as they were."""
    stale = []
    for segment in Segment.objects.filter(terms__isnull=False).order_by("pk"):
        try:
            refresh(segment=segment, facts=facts, at=at)
        except segment_terms.TermsInvalid:
            stale.append(segment.name)
        except Segment.DoesNotExist:
            continue  # deleted meanwhile
    return stale


def _locked(segment: Segment) -> Segment:
    row = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if row.terms is None:
        raise SegmentIsByHand
    return row
