"""Writing to the customer of a case; `case_replies` takes what they answer.

A mail is a row of a queue that a worker sends, at most once. Each case has an address of its own, signed, so that only
who got a mail of it can write into it: `care+17-<signature>@…`. An answer is known by that address, else by the
Message-IDs it refers to, which hold a random part.
"""

from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from loyalty_site.lib import numbers
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import letters, mail_queue
from rewards.models import MailBarrier, Program
from surveys.domain import cases, gestures
from surveys.models import Case, CaseEvent, CaseEventKind, CaseMail, CaseState

SIGNATURE_LENGTH = 20  # 80 bits, in lower case: some servers change capitals
REFERENCES_SHOWN = 10
CONVERSATION = (CaseEventKind.OPENED, CaseEventKind.MAIL_OUT, CaseEventKind.MAIL_IN)


class CaseHasNoAddress(DomainError):
    code = "case_has_no_address"
    message = _("No e-mail address is known: neither of the customer nor in the case.")


def reply_address(case: Case) -> str:
    """Where answers to the mails of this case go; empty where no address is set up."""
    if not settings.CASE_ADDRESS:
        return ""
    local, domain = settings.CASE_ADDRESS.rsplit("@", 1)
    return f"{local}+{case.pk}-{_signature(case.pk, settings.SECRET_KEY)}@{domain}"


def read_address(address: str) -> int | None:
    """The id of the case whose address this is."""
    if not settings.CASE_ADDRESS:
        return None
    local, domain = settings.CASE_ADDRESS.lower().rsplit("@", 1)
    start, end = f"{local}+", f"@{domain}"
    address = address.lower()
    if not address.startswith(start) or not address.endswith(end):
        return None
    number, _dash, signature = address[len(start) : -len(end)].partition("-")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    keys = (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))
    is_ours = any(constant_time_compare(signature, _signature(int(number), key)) for key in keys)
    return int(number) if is_ours else None


def address_of(case: Case) -> str:
    """Where a mail to the customer goes: theirs now, else the one that the case was opened with."""
    if case.customer is None:
        return case.address
    return customers.present(customer=case.customer).email or case.address


def greeting(case: Case) -> str:
    """How a mail to the customer may begin, in their language; with the coupon that they were given."""
    customer = customers.present(customer=case.customer) if case.customer else None
    with translation.override(customer.language if customer else settings.LANGUAGE_CODE):
        hello = gettext("Dear %(name)s,") % {"name": customer.name} if customer and customer.name else gettext("Hello,")
        gesture = gestures.standing_of(case)
        if gesture is None:
            return f"{hello}\n\n"
        if gesture.coupon is None:
            given = gettext("As a small sign that we mean it, there are %(points)s for you in your account.")
            return f"{hello}\n\n{given % {'points': numbers.points(gesture.points)}}\n"
        given = gettext("As a small sign that we mean it, there is a coupon for you, %(offer)s: %(code)s")
        values = {"offer": gesture.coupon.offer, "code": gesture.coupon.display_code}
        return f"{hello}\n\n{given % values}\n"


@transaction.atomic
def write(*, case: Case, text: str, token: UUID, by: Actor, at: datetime) -> CaseEvent:
    """Puts a mail to the customer into the queue; the customer counts as contacted. `token` names one showing of the
    form, so that a double click writes once. Raises CaseHasNoAddress, CaseWordsMissing, CaseStepRefused when closed."""
    message_id = f"<case-{case.pk}-{token.hex}@{_host()}>"
    Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    if known := CaseEvent.objects.filter(message_id=message_id).first():
        return known
    case.refresh_from_db()
    if case.state == CaseState.CLOSED:
        raise cases.CaseStepRefused(state=case.get_state_display())
    address = address_of(case)
    if not address:
        raise CaseHasNoAddress
    event = cases.note_event(
        case=case,
        kind=CaseEventKind.MAIL_OUT,
        text=cases.told(text),
        address=address,
        message_id=message_id,
        by=by,
        at=at,
    )
    CaseMail.objects.create(event=event, customer=case.customer, not_before=at)
    _contacted(case, by, at)
    return event


def compose(mail: CaseMail, program: Program) -> EmailMultiAlternatives:
    """In the words of who wrote it, in the thread of the case's mails, with the case's own address to answer to."""
    event = mail.event
    case = event.case
    thread = _thread(case, before=event)
    reply_to = reply_address(case)
    headers = {"Message-ID": event.message_id}
    if thread:
        headers |= {"In-Reply-To": thread[-1], "References": " ".join(thread)}
    language = case.customer.language if case.customer else settings.LANGUAGE_CODE
    with translation.override(language):
        context = {"text": event.text, "store": case.store, "case": case, "can_reply": reply_to}
        subject = gettext("About your message to %(program)s [%(number)s]")
        message = EmailMultiAlternatives(
            subject=subject % {"program": program.name, "number": case.pk},
            to=[event.address],
            reply_to=[reply_to] if reply_to else [],
            headers=headers,
        )
        letters.write(message, template="case", context=context, program=program)
    return message


def _barrier(mail: CaseMail, program: Program, at: datetime) -> MailBarrier | None:
    """Who was forgotten meanwhile has no address any more."""
    return None if mail.event.address else MailBarrier.NO_EMAIL


def _thread(case: Case, *, before: CaseEvent) -> list[str]:
    """The mails so far, the oldest first: the very first one, and the latest."""
    told = case.events.filter(pk__lt=before.pk, kind__in=CONVERSATION).exclude(message_id="")
    ids = list(told.order_by("pk").values_list("message_id", flat=True))
    return ids if len(ids) <= REFERENCES_SHOWN else [ids[0], *ids[1 - REFERENCES_SHOWN :]]


def _contacted(case: Case, by: Actor, at: datetime) -> None:
    if case.state in cases.STEPS[CaseState.CONTACTED]:
        cases.step(case=case, to=CaseState.CONTACTED, text="", by=by, at=at)
    else:
        Case.objects.filter(pk=case.pk).update(wrote_at=None)


def _signature(number: int, key: str) -> str:
    return salted_hmac("surveys.case_mails", str(number), secret=key, algorithm="sha256").hexdigest()[:SIGNATURE_LENGTH]


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


QUEUE = mail_queue.Queue(
    "case", CaseMail, _barrier, compose, related=("event__case__customer", "event__case__store"), answers=True
)
