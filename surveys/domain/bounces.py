"""Mails that came back and readers who complained: the address gets no more mail, and the delivery says so.

Only what names a mail of ours by its signed name, and the address that it went to, is believed.
"""

from datetime import datetime
from enum import StrEnum

from django.db import transaction

from customers.domain import suppressions
from customers.models import AddressReason
from loyalty_site.lib import actors, mail_replies, message_ids
from surveys.domain.bounce_reports import BounceReport
from surveys.models import Delivery, DeliveryState

_OF_SURVEYS = "survey-delivery-"


class BounceFate(StrEnum):
    """What became of a report."""

    BOUNCED = "BOUNCED"
    BOUNCED_FOR_NOW = "BOUNCED_FOR_NOW"
    COMPLAINED = "COMPLAINED"
    STILL_TRIED = "STILL_TRIED"


@transaction.atomic
def take(*, report: BounceReport, at: datetime) -> BounceFate | None:
    """None when it names no mail of ours, or another address than the one that mail went to. Told again it changes
    nothing."""
    known = _meant(report)
    if known is None:
        return None
    reference, address = known
    if not report.is_final:
        return BounceFate.STILL_TRIED
    if report.is_complaint:
        note_complaint(reference=reference, address=address, detail=report.detail, at=at)
        return BounceFate.COMPLAINED
    note_bounce(reference=reference, address=address, is_hard=report.is_hard, detail=report.detail, at=at)
    return BounceFate.BOUNCED if report.is_hard else BounceFate.BOUNCED_FOR_NOW


@transaction.atomic
def note_bounce(*, reference: str, address: str, is_hard: bool, detail: str, at: datetime) -> None:
    """The mail did not arrive at `address`: at once where there is no such mailbox, else after several such mails it
    gets no more."""
    if delivery := _delivery(reference):
        _settle(delivery, DeliveryState.BOUNCED, detail)
    if is_hard:
        hard = AddressReason.HARD_BOUNCE
        suppressions.suppress(address=address, reason=hard, detail=detail, by=actors.SYSTEM, at=at)
    else:
        suppressions.note_soft_bounce(address=address, reference=reference, detail=detail, by=actors.SYSTEM, at=at)


@transaction.atomic
def note_complaint(*, reference: str, address: str, detail: str, at: datetime) -> None:
    """The reader reported the mail as spam: no more mail, and what they allowed is taken back."""
    if delivery := _delivery(reference):
        _settle(delivery, DeliveryState.COMPLAINED, detail)
    suppressions.suppress(address=address, reason=AddressReason.COMPLAINT, detail=detail, by=actors.SYSTEM, at=at)


def _meant(report: BounceReport) -> tuple[str, str] | None:
    """Where the report hides the address, that of the customer may be it: the signature says so."""
    references = message_ids.references(report.told)
    numbers = [int(name.removeprefix(_OF_SURVEYS)) for name in references if name.startswith(_OF_SURVEYS)]
    theirs = Delivery.objects.filter(pk__in=numbers).values_list("customer__email", flat=True)
    return message_ids.read(told=report.told, addresses=[*report.addresses, *filter(None, theirs)])


def _delivery(reference: str) -> Delivery | None:
    number = reference.removeprefix(_OF_SURVEYS)
    return Delivery.objects.filter(pk=int(number)).first() if number.isdecimal() else None


def _settle(delivery: Delivery, state: DeliveryState, detail: str) -> None:
    """Of a mail that left, or may have. A complaint outweighs a bounce; when it left stays as it was."""
    before = [DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN]
    if state == DeliveryState.COMPLAINED:
        before.append(DeliveryState.BOUNCED)
    left = Delivery.objects.filter(pk=delivery.pk, state__in=before)
    left.update(state=state, smtp_reply=detail[: mail_replies.REPLY_LENGTH])
