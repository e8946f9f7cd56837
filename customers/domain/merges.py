"""Two rows that are one person become one, with a record of what went over, and two again.

This is the customers' part. Staff call `rewards.domain.merges`, which locks the points accounts first and takes points
and coupons along in the same transaction.

A consent holds only if the person gave it: of a purpose the last word counts, whichever row it was said under. So a
consent that is open on either side stays open, unless the other side withdrew after it was granted.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pgtrigger
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, customers, profiling, ratings
from customers.models import (
    Card,
    Consent,
    Customer,
    CustomerMerge,
    Preference,
    ProductRating,
    Purchase,
    Recommendation,
    SegmentMember,
)
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError

UNDO_WITHIN = timedelta(days=30)
WITHDRAWN = "withdrawn consents"
REFUSED = "recommendations switched off"
EXCHANGED = "exchanged ratings"
# Unique among customers: the target can have the source's only when the source gives it up.
_UNIQUE = ("email", "phone")
_FILLED = (*_UNIQUE, "name", "birthday")


class MergeWithSelf(DomainError):
    code = "merge_with_self"
    message = _("A customer cannot be merged with themselves.")


class MergeNotLatest(DomainError):
    code = "merge_not_latest"
    message = _("Another merge of this customer came later. Please undo that one first.")


class MergeTooOld(DomainError):
    code = "merge_too_old"
    message = _("A merge can be undone for %(days)s days.")


def begin(*, source: Customer, target: Customer, reason: str, by: Actor, at: datetime) -> CustomerMerge:
    """Closes `source`, leads whoever names it to `target`, and moves what belongs to this app.

    `rewards.domain.merges` goes on with `move` and saves the record. Raises MergeWithSelf, CustomerMerged,
    CustomerClosed.
    """
    if source.pk == target.pk:
        raise MergeWithSelf
    rows = _locked(source.pk, target.pk)
    for row in rows.values():
        customers.refuse_unless_member(customer=row)
    source, target = rows[source.pk], rows[target.pk]
    merge = CustomerMerge.objects.create(
        source=source, target=target, merged_at=at, merged_by=str(by), reason=reason, contacts=_lacking(target, source)
    )
    source.merged_into, source.closed_at = target, at
    _move_consents(merge, by, at)
    _give_contacts(merge, source, target)
    move(merge=merge, rows=Purchase.objects.filter(customer=source))
    move(merge=merge, rows=Card.objects.filter(customer=source))
    known = Preference.objects.filter(customer=target).values("category")
    move(merge=merge, rows=Preference.objects.filter(customer=source).exclude(category__in=known))
    _move_ratings(merge)
    member_of = SegmentMember.objects.filter(customer=target).values("segment")
    move(merge=merge, rows=SegmentMember.objects.filter(customer=source).exclude(segment__in=member_of))
    profiling.forget(customer_ids=[source.pk])  # made anew from what was bought
    # the source may have brought back, or just bought, what is on the target's list
    Recommendation.objects.filter(customer=target).delete()
    _carry_refusal(merge)
    _note(source, "customer.merged", {"merge": merge.pk, "target": target.pk}, by, at)
    _note(target, "customer.joined", {"merge": merge.pk, "source": source.pk}, by, at)
    return merge


def begin_undo(*, merge: CustomerMerge, by: Actor, at: datetime) -> CustomerMerge | None:
    """Opens the source again and gives back what belongs to this app. None when it was undone already.

    What the target has got since stays there. Raises MergeNotLatest, MergeTooOld, CustomerMerged, CustomerClosed.
    """
    rows = _locked(merge.source_id, merge.target_id)
    merge = CustomerMerge.objects.get(pk=merge.pk)
    if merge.undone_at is not None:
        return None
    source, target = rows[merge.source_id], rows[merge.target_id]
    _refuse_undo(merge, target, at)
    source.merged_into = source.closed_at = None
    _take_contacts_back(merge, source, target)
    move_back(merge=merge, model=Purchase)
    move_back(merge=merge, model=Card)
    move_back(merge=merge, model=Preference)
    _move_ratings_back(merge)
    move_back(merge=merge, model=SegmentMember)
    _move_consents_back(merge)
    _take_refusal_back(merge)
    profiling.forget(customer_ids=[target.pk])  # made of the source's purchases too
    merge.undone_at, merge.undone_by = at, str(by)
    merge.save(update_fields=["undone_at", "undone_by"])
    for customer in (source, target):
        _note(customer, "customer.separated", {"merge": merge.pk}, by, at)
    return merge


def move(*, merge: CustomerMerge, rows: QuerySet[Any]) -> None:
    """Gives rows of the source to the target and notes which; the caller saves the record."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    _repoint(rows.model, ids, merge.target_id)
    merge.moved[rows.model._meta.label] = ids


def move_back(*, merge: CustomerMerge, model: type[Any], since: QuerySet[Any] | None = None) -> None:
    """Gives back what `move` moved and the target still has; `since` are rows that stay there."""
    ids = merge.moved.get(model._meta.label, [])
    rows = model._default_manager.filter(pk__in=ids, customer=merge.target_id)
    if since is not None:
        rows = rows.exclude(pk__in=since.values("pk"))
    _repoint(model, list(rows.values_list("pk", flat=True)), merge.source_id)


def consents_at_stake(*, source: Customer, target: Customer) -> tuple[list[Consent], list[Consent]]:
    """The source's consents that a merge gives to the target, and the target's that it ends."""
    given, kept = _open_consents(source), _open_consents(target)
    refused, overruled = _last_withdrawals(target), _last_withdrawals(source)
    goes_over = [
        consent
        for purpose, consent in given.items()
        if purpose not in kept and not (purpose in refused and refused[purpose] > consent.granted_at)
    ]
    ends = [
        consent
        for purpose, consent in kept.items()
        if purpose not in given and purpose in overruled and overruled[purpose] > consent.granted_at
    ]
    return goes_over, ends


def is_latest(*, merge: CustomerMerge) -> bool:
    """Whether no later merge into the same customer stands."""
    later = CustomerMerge.objects.filter(target=merge.target_id, undone_at__isnull=True, pk__gt=merge.pk)
    return not later.exists()


def forget(*, customer_ids: Iterable[int]) -> None:
    """Empties what the records of these customers' merges keep of persons."""
    ids = list(customer_ids)
    records = CustomerMerge.objects.filter(source__in=ids) | CustomerMerge.objects.filter(target__in=ids)
    records.update(contacts={}, reason="")


def _note(customer: Customer, action: str, data: dict[str, int], by: Actor, at: datetime) -> None:
    """Without the reason, which may name a person: the record keeps it, and can forget it."""
    audit.record(actor=by, action=action, subject=f"customer:{customer.pk}", data=data, at=at)


def _locked(*ids: int) -> dict[int, Customer]:
    """In the order of their ids, as everybody does who locks several."""
    return {row.pk: row for row in Customer.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")}


def _refuse_undo(merge: CustomerMerge, target: Customer, at: datetime) -> None:
    customers.refuse_unless_member(customer=target)
    if not is_latest(merge=merge):
        raise MergeNotLatest
    if at > merge.merged_at + UNDO_WITHIN:
        raise MergeTooOld(days=UNDO_WITHIN.days)


def _repoint(model: type[Any], ids: list[int], customer_id: int) -> None:
    """Also where the database refuses changes otherwise: the record of the merge says what was moved, and why."""
    triggers = [f"{model._meta.label}:{trigger.name}" for trigger in getattr(model._meta, "triggers", [])]
    rows = model._default_manager.filter(pk__in=ids)
    if triggers and ids:
        with pgtrigger.ignore(*triggers):
            rows.update(customer=customer_id)
    elif ids:
        rows.update(customer=customer_id)


def _lacking(target: Customer, source: Customer) -> dict[str, str]:
    """What the source has and the target lacks, as text."""
    return {name: str(getattr(source, name)) for name in _FILLED if getattr(source, name) and not getattr(target, name)}


def _give_contacts(merge: CustomerMerge, source: Customer, target: Customer) -> None:
    given = list(merge.contacts)
    for name in given:
        setattr(target, name, getattr(source, name))
    for name in set(given) & set(_UNIQUE):
        setattr(source, name, "")
    source.save(update_fields=["merged_into", "closed_at", *_UNIQUE])
    target.save(update_fields=given)


def _take_contacts_back(merge: CustomerMerge, source: Customer, target: Customer) -> None:
    """What the target has changed meanwhile is its own, and stays; an address that somebody else took is theirs."""
    for name, text in merge.contacts.items():
        emptied = str(getattr(target, name) or "") == text
        if emptied:
            setattr(target, name, None if name == "birthday" else "")
        if name in _UNIQUE and (emptied or not customers.holders(text=text)):
            setattr(source, name, text)
    target.save(update_fields=list(merge.contacts))
    source.save(update_fields=["merged_into", "closed_at", *_UNIQUE])


def _move_consents(merge: CustomerMerge, by: Actor, at: datetime) -> None:
    """Rows that nobody else needs stay with who gave them, as evidence."""
    goes_over, ends = consents_at_stake(source=merge.source, target=merge.target)
    move(merge=merge, rows=Consent.objects.filter(pk__in=[consent.pk for consent in goes_over]))
    merge.moved[WITHDRAWN] = [consent.pk for consent in ends]
    Consent.objects.filter(pk__in=merge.moved[WITHDRAWN]).update(withdrawn_at=at, withdrawn_by=str(by))


def _move_consents_back(merge: CustomerMerge) -> None:
    """A consent that the merge ended is open again, unless the person has said something since."""
    move_back(merge=merge, model=Consent)
    ended = Consent.objects.filter(pk__in=merge.moved.get(WITHDRAWN, []), withdrawn_at=merge.merged_at)
    said_since = Consent.objects.filter(customer=merge.target_id, granted_at__gte=merge.merged_at).values("purpose")
    ended.exclude(purpose__in=said_since).update(withdrawn_at=None, withdrawn_by="")


def _move_ratings(merge: CustomerMerge) -> None:
    """Of each product the last word counts. Where that is the source's, the two rows exchange what they say."""
    if newer := ratings.newer(of=merge.source_id, than=merge.target_id):
        merge.moved[EXCHANGED] = newer
        ratings.exchange(one=merge.source_id, other=merge.target_id, products=newer)
    rated = ProductRating.objects.filter(customer=merge.target_id).values("product")
    move(merge=merge, rows=ProductRating.objects.filter(customer=merge.source_id).exclude(product__in=rated))


def _move_ratings_back(merge: CustomerMerge) -> None:
    """What the target has said since is its own; what the source said before that is not known any more."""
    move_back(merge=merge, model=ProductRating)
    both = ProductRating.objects.filter(product__in=merge.moved.get(EXCHANGED, []))
    since = both.filter(customer=merge.target_id, rated_at__gt=merge.merged_at)
    said = set(since.values_list("product", flat=True))
    both.filter(customer=merge.source_id, product__in=said).delete()
    unchanged = [product for product in merge.moved.get(EXCHANGED, []) if product not in said]
    ratings.exchange(one=merge.source_id, other=merge.target_id, products=unchanged)


def _carry_refusal(merge: CustomerMerge) -> None:
    """Who switched recommendations off under one of both rows gets none under the other."""
    refused_at = Customer.objects.values_list("profiling_refused_at", flat=True).get(pk=merge.source_id)
    target = Customer.objects.filter(pk=merge.target_id, profiling_refused_at__isnull=True)
    if refused_at is not None and target.update(profiling_refused_at=refused_at):
        merge.moved[REFUSED] = [merge.target_id]
        profiling.forget(customer_ids=[merge.target_id])


def _take_refusal_back(merge: CustomerMerge) -> None:
    """Unless the target has chosen since."""
    if merge.moved.get(REFUSED):
        refused = Customer.objects.filter(pk=merge.source_id).values("profiling_refused_at")[:1]
        came_over = Customer.objects.filter(pk=merge.target_id, profiling_refused_at=refused)
        came_over.update(profiling_refused_at=None)


def _open_consents(customer: Customer) -> dict[str, Consent]:
    return {row.purpose: row for row in Consent.objects.filter(customer=customer, withdrawn_at__isnull=True)}


def _last_withdrawals(customer: Customer) -> dict[str, datetime]:
    ended = Consent.objects.filter(customer__in=customers.family(customer=customer), withdrawn_at__isnull=False)
    return dict(ended.values_list("purpose").annotate(Max("withdrawn_at")))
