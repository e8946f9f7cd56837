"""One-time codes by e-mail, and the customer's session.

Strangers' requests leave the same rows, take the same steps and get the same answers, so nobody can tell from outside
who is a customer. A request belongs to the browser that made it: its code is good nowhere else.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused

from django.contrib.sessions.backends.base import SessionBase
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, SignInCode
from loyalty_site.lib.errors import DomainError

SESSION_KEY = "customer_id"
DIGITS = 6
VALID_FOR = timedelta(minutes=10)
TRIES = 5
RESEND_AFTER = timedelta(seconds=60)
REQUESTS_PER_HOUR = 5
FAILURES_PER_RUN = 3

Mailer = Callable[[Customer, str], None]

logger = logging.getLogger(__name__)


class CodeRefused(DomainError):
    code = "sign_in_code_refused"
    message = _("That code is not right, or it is older than 10 minutes. Please look at the newest mail from us.")


class TooManyTries(CodeRefused):
    code = "sign_in_too_many_tries"
    message = _("Those were too many tries. Please ask for another code.")


def request(*, email: str, browser_token: str, at: datetime) -> SignInCode | None:
    """Asks for a code for `email`, good in the browser that keeps `browser_token`; the worker makes and mails it.

    The same token again is the same request. None when this address had enough requests in the last hour: the
    interface answers the same, and nothing is sent.
    """
    address_hash, browser_hash = _hash("address", _normalized(email)), _hash("browser", browser_token)
    with transaction.atomic():
        _one_request_at_a_time(address_hash)
        known = SignInCode.objects.filter(browser_hash=browser_hash).first()
        recent = SignInCode.objects.filter(address_hash=address_hash, requested_at__gt=at - timedelta(hours=1)).count()
        if known or recent >= REQUESTS_PER_HOUR:
            return known
        return SignInCode.objects.create(
            customer=_customer_at(email), address_hash=address_hash, browser_hash=browser_hash, requested_at=at
        )


def browser_token(*, email: str, previous: str, at: datetime) -> str:
    """The token for a request: the browser's previous one while that is for the same address and under a minute old."""
    fresh = SignInCode.objects.filter(
        browser_hash=_hash("browser", previous),
        address_hash=_hash("address", _normalized(email)),
        requested_at__gt=at - RESEND_AFTER,
        used_at__isnull=True,
    )
    return previous if fresh.exists() else secrets.token_urlsafe(32)


def send_pending(*, mailer: Mailer, at: datetime) -> int:
    """Makes and mails the codes that were asked for; returns how many mails left. Any number of workers may run it.

    A mail that fails stays due until its request is too old; the next one carries another code. After a few failures
    the rest waits for the next run. `mailer` raises OSError (smtplib's errors are such).
    """
    due = SignInCode.objects.filter(sent_at__isnull=True, requested_at__gt=at - VALID_FOR)
    sent = failures = 0
    for pk in due.order_by("-requested_at").values_list("pk", flat=True):
        try:
            sent += _send(pk, mailer=mailer, at=at)
        except OSError as error:
            logger.warning("sign-in code %s was not mailed: %s", pk, type(error).__name__)
            failures += 1
            if failures == FAILURES_PER_RUN:
                break
    return sent


@transaction.atomic
def _send(pk: int, *, mailer: Mailer, at: datetime) -> bool:
    """The row stays locked while its mail is handed over: nobody else mails it, and a failure leaves it as it was."""
    rows = SignInCode.objects.select_for_update(skip_locked=True, of=("self",)).select_related("customer")
    row = rows.filter(pk=pk, sent_at__isnull=True).first()
    if row is None:
        return False
    row.sent_at = at
    if row.customer is not None and row.customer.email:
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        row.code_hash = _hash("code", f"{row.browser_hash}:{code}")
        try:
            mailer(row.customer, code)
        except SMTPRecipientsRefused as refusal:
            if any(status < 500 for status, _reply in refusal.recipients.values()):
                raise
            row.code_hash = ""  # the address takes no mail: trying again would not help
    row.save(update_fields=["sent_at", "code_hash"])
    return bool(row.code_hash)


def verify(*, browser_token: str, code: str, at: datetime) -> Customer:
    """The customer whose code this is. It is good once. Raises CodeRefused.

    Not one transaction: a try is counted before it is judged, and the count stays when the answer is no.
    """
    browser_hash = _hash("browser", browser_token)
    live = SignInCode.objects.filter(
        browser_hash=browser_hash, used_at__isnull=True, requested_at__gt=at - VALID_FOR, requested_at__lte=at
    )
    counted = live.filter(failed_attempts__lt=TRIES).update(failed_attempts=F("failed_attempts") + 1)
    right = live.filter(code_hash=_hash("code", f"{browser_hash}:{code}"))
    if not counted and live.exists():
        raise TooManyTries
    if not counted or not right.update(used_at=at):
        raise CodeRefused
    customer = SignInCode.objects.select_related("customer").get(browser_hash=browser_hash).customer
    if customer is None or customer.closed_at is not None:
        raise CodeRefused
    return customer


def forget(*, at: datetime) -> int:
    """Deletes requests that can no longer matter; returns how many."""
    return SignInCode.objects.filter(requested_at__lt=at - timedelta(days=1)).delete()[0]


def open_session(session: SessionBase, customer: Customer) -> None:
    """Signs `customer` in. The session gets a new key, so that nobody who knew the old one comes along."""
    session[SESSION_KEY] = customer.pk
    session.cycle_key()


def close_session(session: SessionBase) -> None:
    session.pop(SESSION_KEY, None)
    session.cycle_key()


def customer_of(session: SessionBase) -> Customer | None:
    """The customer who is signed in, unless they left the programme meanwhile."""
    customer_id = session.get(SESSION_KEY)
    if customer_id is None:
        return None
    return Customer.objects.filter(pk=customer_id, closed_at__isnull=True).first()


def _normalized(email: str) -> str:
    return email.strip().lower()


def _customer_at(email: str) -> Customer | None:
    people = Customer.objects.alias(address=Lower("email")).exclude(email="")
    return people.filter(address=Lower(Value(email.strip())), closed_at__isnull=True).first()


def _hash(what: str, text: str) -> str:
    return salted_hmac(f"customers.sign_in.{what}", text, algorithm="sha256").hexdigest()


def _one_request_at_a_time(address_hash: str) -> None:
    """Until the end of the transaction, so that the limit holds for requests of one address at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(address_hash[:15], 16)])
