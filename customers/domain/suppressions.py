"""Addresses that get no mail: what makes one such, and what ends it.

Mails that somebody asked for, as codes to sign in and what staff write about a case, are not held back.
"""

import hashlib
import operator
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, Func, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from customers.models import AddressReason, Consent, Customer, SoftBounce, SuppressedAddress
from loyalty_site.lib import statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError

SOFT_BOUNCES_MAX = 3
SOFT_BOUNCES_WITHIN = timedelta(days=60)
_HASH = "hash:"
_DETAIL_LENGTH = 500


class ComplaintStands(DomainError):
    code = "complaint_stands"
    message = _("Whoever reported our mail as spam must say yes themselves, on their own page.")


class AddressSuppressed(DomainError):
    code = "address_suppressed"
    message = _("This address gets no mail already.")


class AddressLifted(DomainError):
    code = "address_lifted"
    message = _("This address may get mail again already.")


@transaction.atomic
def suppress(
    *, address: str, reason: AddressReason, detail: str = "", by: Actor, at: datetime
) -> SuppressedAddress | None:
    """No more mail to this address. A complaint weighs more than what was known; else what is so already stays, and
    None is returned. Who complains also takes back what they allowed."""
    address = address.strip().lower()
    _lock(address)
    if reason == AddressReason.COMPLAINT:
        _withdraw_consents(address, by, at)
        _standing(address).exclude(reason=reason).update(lifted_at=at, lifted_by=str(by))
    if _standing(address).exists():
        return None
    told = {"reason": reason, "detail": detail[:_DETAIL_LENGTH], "suppressed_at": at, "suppressed_by": str(by)}
    row = SuppressedAddress.objects.create(address=address, **told)
    audit.record(actor=by, action="address.suppressed", subject=_subject(row), data={"reason": reason}, at=at)
    return row


@transaction.atomic
def enter(*, address: str, detail: str, by: Actor, at: datetime) -> SuppressedAddress:
    """As staff say. Raises AddressSuppressed."""
    made = suppress(address=address, reason=AddressReason.STAFF, detail=detail, by=by, at=at)
    if made is None:
        raise AddressSuppressed
    return made


@transaction.atomic
def note_soft_bounce(*, address: str, reference: str, detail: str, by: Actor, at: datetime) -> bool:
    """Counts a mail that came back for a while, once; True when the address gets no more mail for it."""
    address = address.strip().lower()
    _lock(address)
    SoftBounce.objects.filter(bounced_at__lte=at - SOFT_BOUNCES_WITHIN).delete()
    bounce = SoftBounce(address=address, reference=reference, bounced_at=at)
    SoftBounce.objects.bulk_create([bounce], ignore_conflicts=True)
    lately = SoftBounce.objects.filter(address=address, bounced_at__gt=at - SOFT_BOUNCES_WITHIN, bounced_at__lte=at)
    if lately.count() < SOFT_BOUNCES_MAX:
        return False
    return suppress(address=address, reason=AddressReason.SOFT_BOUNCES, detail=detail, by=by, at=at) is not None


@transaction.atomic
def lift(*, suppressed: SuppressedAddress, by: Actor, at: datetime) -> None:
    """The address may get mail again, if its customer allows any. Raises AddressLifted, ComplaintStands."""
    row = SuppressedAddress.objects.select_for_update(no_key=True).get(pk=suppressed.pk)
    if row.lifted_at is not None:
        raise AddressLifted
    if row.reason == AddressReason.COMPLAINT:
        raise ComplaintStands
    _lift(row, by, at)


@transaction.atomic
def welcome_back(*, customer: Customer, by: Actor, at: datetime) -> None:
    """The person themselves asks for mail again: what they complained of, or staff entered, is over. A mailbox that
    does not exist stays one."""
    of_theirs = [AddressReason.COMPLAINT, AddressReason.STAFF]
    if customer.email:
        for row in _standing(customer.email).filter(reason__in=of_theirs).select_for_update(no_key=True):
            _lift(row, by, at)


@transaction.atomic
def forget(*, addresses: Iterable[str]) -> None:
    """Leaves a keyed hash of each: who comes back with it is still not written to."""
    for address in {address.lower() for address in addresses if address}:
        SuppressedAddress.objects.filter(address=address).update(address=_hashed(address, _keys()[0]), detail="")
        SoftBounce.objects.filter(address=address).delete()


def holds_back() -> Q:
    """True for a Customer whose address gets no mail: a condition in SQL."""
    hashes = [Concat(Value(_HASH), _Sha256(Concat(Value(key), Lower(OuterRef("email"))))) for key in _keys()]
    names: list[Combinable] = [Lower(OuterRef("email")), *hashes]
    standing = SuppressedAddress.objects.filter(lifted_at__isnull=True)
    # One name at a time: PostgreSQL then reads the list once where it is asked about many customers.
    return reduce(operator.or_, (Q(Exists(standing.filter(address=name))) for name in names))


def is_held_back(*, address: str) -> bool:
    return _standing(address).exists()


class _Sha256(Func):
    """PostgreSQL's own; Django's needs an extension."""

    template = "encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')"
    output_field = CharField()


def _lock(address: str) -> None:
    """What is told of one address at the same moment is noted one after the other, until the transaction ends."""
    statements.rows("SELECT pg_advisory_xact_lock(hashtextextended('address:' || %s, 0))", (address,))


def _standing(address: str) -> QuerySet[SuppressedAddress]:
    return SuppressedAddress.objects.filter(address__in=_names(address), lifted_at__isnull=True)


def _names(address: str) -> list[str]:
    """What an address may be called in the list."""
    address = address.lower()
    return [address, *(_hashed(address, key) for key in _keys())]


def _hashed(address: str, key: str) -> str:
    return _HASH + hashlib.sha256(f"{key}{address}".encode()).hexdigest()


def _keys() -> list[str]:
    """Made of SECRET_KEY, which itself never goes into a statement."""
    secrets = (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))
    return [
        salted_hmac("customers.suppressions", "address", secret=key, algorithm="sha256").hexdigest() for key in secrets
    ]


def _withdraw_consents(address: str, by: Actor, at: datetime) -> None:
    given = Consent.objects.filter(customer__in=Customer.objects.filter(email__iexact=address))
    given.filter(withdrawn_at__isnull=True).update(withdrawn_at=at, withdrawn_by=str(by))


def _lift(row: SuppressedAddress, by: Actor, at: datetime) -> None:
    SuppressedAddress.objects.filter(pk=row.pk).update(lifted_at=at, lifted_by=str(by))
    SoftBounce.objects.filter(address=row.address).delete()
    audit.record(actor=by, action="address.lifted", subject=_subject(row), data={"reason": row.reason}, at=at)


def _subject(row: SuppressedAddress) -> str:
    return f"suppressed-address:{row.pk}"
