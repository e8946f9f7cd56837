"""Tills and their keys."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from customers.models import Store, Till, TillScope
from loyalty_site.lib import actors, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError

SEEN_EVERY = timedelta(minutes=1)

_OWN = len(Till._meta.concrete_fields)
_BY_KEY = (
    f"SELECT {statements.columns(Till, 'till')}, {statements.columns(Store, 'store')}"  # noqa: S608
    " FROM customers_till till JOIN customers_store store ON store.id = till.store_id"
    " WHERE till.key_hash = %s AND till.revoked_at IS NULL"
)


class TillExists(DomainError):
    code = "till_exists"
    message = _("Store %(store)s already has a till named %(name)s.")


@transaction.atomic
def create(*, store: Store, name: str, scopes: Iterable[TillScope], by: Actor, at: datetime) -> tuple[Till, str]:
    """The till and its key, which is told now and never again. Raises TillExists."""
    key = f"till_{secrets.token_urlsafe(32)}"
    wanted = set(scopes)
    allowed = [scope for scope in TillScope if scope in wanted]
    try:
        with transaction.atomic():
            till = Till.objects.create(store=store, name=name, key_hash=_hash(key), key_start=key[:8], scopes=allowed)
    except IntegrityError as error:
        raise TillExists(store=store.code, name=name) from error
    audit.record(actor=by, action="till.created", subject=f"till:{till.pk}", data={"scopes": allowed}, at=at)
    return till, key


@transaction.atomic
def revoke(*, till: Till, by: Actor, at: datetime) -> None:
    """Its key opens nothing from now on. Revoking twice changes nothing."""
    if Till.objects.filter(pk=till.pk, revoked_at__isnull=True).update(revoked_at=at):
        audit.record(actor=by, action="till.revoked", subject=f"till:{till.pk}", at=at)


def authenticate(*, key: str) -> Till | None:
    """The till, with its store, that this key belongs to, unless it was revoked.

    A key has 256 random bits, so its hash needs no salt and is looked up by an index.
    """
    for row in statements.first_rows(_BY_KEY, (_hash(key),)):
        till = statements.instance(Till, row[:_OWN])
        till.store = statements.instance(Store, row[_OWN:])
        return till
    return None


def of_store(*, store: Store) -> list[str]:
    """All tills that the store ever had, as they stand as actors beside what they did."""
    return [str(actors.till(pk)) for pk in Till.objects.filter(store=store).values_list("pk", flat=True)]


def note_seen(*, till: Till, at: datetime) -> None:
    """Writes when the till was last seen, at most once a minute."""
    before = at - SEEN_EVERY
    if till.last_seen_at is None or till.last_seen_at <= before:
        due = Till.objects.filter(Q(last_seen_at__isnull=True) | Q(last_seen_at__lte=before), pk=till.pk)
        due.update(last_seen_at=at)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
