"""Who is in a segment, by the numbers that staff have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from customers.domain import audit, customers
from customers.models import Card, Customer, Segment, SegmentMember
from loyalty_site.lib import codes
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError

NUMBERS_MAX = 100_000
_CHUNK = 5000
_LONGEST = 64
_NAMED = 5


class TooManyNumbers(DomainError):
    code = "too_many_numbers"
    message = _("These are more than %(most)s numbers. Please take them in parts.")


class SegmentInUse(DomainError):
    code = "segment_in_use"
    message = _("This segment is in use: %(by)s. What refers to it stays true, so it cannot be deleted.")


class SegmentIsBuilt(DomainError):
    code = "segment_is_built"
    message = _("This segment is built of filters: who is in it follows from them.")


@dataclass(frozen=True, slots=True)
class Moved:
    """`changed` customers came in or went out, `same` were there, or not there, already. `unknown` are numbers that
    nobody has, `closed` those of customers who left, as they were told."""

    changed: int
    same: int
    unknown: list[str]
    closed: list[str] = field(default_factory=list)


@transaction.atomic
def add(*, segment: Segment, numbers: Iterable[str], by: Actor, at: datetime) -> Moved:
    """Customers with these numbers, as printed, or cards; who was merged is found as who stands for them now.

    Raises TooManyNumbers, SegmentIsBuilt.
    """
    _refuse_built(segment)
    found, unknown = _found(numbers)
    closed = [number for number, customer in found.items() if customer.closed_at is not None]
    ids = {customer.pk for customer in found.values() if customer.closed_at is None}
    before = SegmentMember.objects.filter(segment=segment).count()
    rows = [SegmentMember(segment=segment, customer_id=pk, since=at) for pk in sorted(ids)]
    SegmentMember.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_CHUNK)
    added = SegmentMember.objects.filter(segment=segment).count() - before
    _note(segment, "segment.members_added", added, by, at)
    return Moved(added, len(ids) - added, unknown, closed)


@transaction.atomic
def remove(*, segment: Segment, numbers: Iterable[str], by: Actor, at: datetime) -> Moved:
    """Takes customers out; naming one who is not in it changes nothing. Raises TooManyNumbers, SegmentIsBuilt."""
    _refuse_built(segment)
    found, unknown = _found(numbers)
    ids = {customer.pk for customer in found.values()}
    removed, _rows = SegmentMember.objects.filter(segment=segment, customer__in=ids).delete()
    _note(segment, "segment.members_removed", removed, by, at)
    return Moved(removed, len(ids) - removed, unknown)


@transaction.atomic
def delete(*, segment: Segment, by: Actor, at: datetime) -> None:
    """Deletes the segment with who is in it; customers stay. Again, it changes nothing. Raises SegmentInUse where an
    offer, a mailing or a campaign is for it, also one that is over."""
    if not Segment.objects.select_for_update().filter(pk=segment.pk).first():
        return
    name, members = segment.name, SegmentMember.objects.filter(segment=segment).count()
    try:
        Segment.objects.filter(pk=segment.pk).delete()
    except ProtectedError as error:
        raise SegmentInUse(by=_named(error.protected_objects)) from error
    data = {"name": name, "customers": members}
    audit.record(actor=by, action="segment.deleted", subject=f"segment:{segment.pk}", data=data, at=at)


def _refuse_built(segment: Segment) -> None:
    if Segment.objects.filter(pk=segment.pk, terms__isnull=False).exists():
        raise SegmentIsBuilt


def _named(rows: Iterable[Any]) -> str:
    """The first few, as people know them."""
    told = sorted(f"{row._meta.verbose_name} “{row}”" for row in rows)
    return pgettext("list", ", ").join([*told[:_NAMED], "…"] if len(told) > _NAMED else told)


def _found(numbers: Iterable[str]) -> tuple[dict[str, Customer], list[str]]:
    """Customers by number as told, and the numbers that nobody has."""
    told = list(islice(dict.fromkeys(text for number in numbers if (text := number.strip())), NUMBERS_MAX + 1))
    if len(told) > NUMBERS_MAX:
        raise TooManyNumbers(most=NUMBERS_MAX)
    found: dict[str, Customer] = {}
    for start in range(0, len(told), _CHUNK):
        found |= _look_up(told[start : start + _CHUNK])
    return found, [text for text in told if text not in found]


def _look_up(told: Sequence[str]) -> dict[str, Customer]:
    """A customer's own number comes before a card's."""
    readable = [text for text in told if len(text) <= _LONGEST and "\0" not in text]
    by_number = {
        customer.number: customer
        for customer in Customer.objects.filter(number__in={codes.normalize(text) for text in readable})
    }
    cards = Card.objects.filter(number__in=readable).select_related("customer")
    by_card = {card.number: card.customer for card in cards}
    holders = {text: by_number.get(codes.normalize(text)) or by_card.get(text) for text in readable}
    return {text: customers.present(customer=holder) for text, holder in holders.items() if holder}


def _note(segment: Segment, action: str, number: int, by: Actor, at: datetime) -> None:
    if number:
        audit.record(actor=by, action=action, subject=f"segment:{segment.pk}", data={"customers": number}, at=at)
