"""What `manage.py check` says of a sender whom receivers will not believe. Warnings stop nothing.

Nothing is said while DEBUG is on or mails stay in the built-in outbox: such mails reach nobody else.
"""

from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, ProgrammingError, transaction

from rewards.models import Program

# Domains that nobody can own (RFC 2606), the default of DEFAULT_FROM_EMAIL among them.
_RESERVED = ("example.org", "example.com", "example.net", "example", "test", "invalid", "localhost", "local")
# What stands before a country where it sells names one level below: shop.co.uk, shop.com.cn.
_SECOND_LEVEL = {"ac", "co", "com", "edu", "gov", "net", "org"}


@checks.register("mail")
def sender_is_believable(**kwargs: Any) -> list[checks.Warning]:
    """The address mails come from, beside the one that their links lead to."""
    if settings.DEBUG or settings.EMAIL_BACKEND == "loyalty_site.outbox.OutboxBackend":
        return []
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2].lower()
    host = (urlsplit(settings.BASE_URL).hostname or "").lower()
    if not domain or any(f".{domain}".endswith(f".{reserved}") for reserved in _RESERVED):
        told = f"Mails come from {settings.DEFAULT_FROM_EMAIL!r}, a domain that nobody can receive mail at."
        return [checks.Warning(told, hint="Set DEFAULT_FROM_EMAIL to an address of your own.", id="mail.W001")]
    if _organisation(domain) != _organisation(host):
        told = f"Mails come from {domain}, and their links lead to {host}: filters take that for phishing."
        return [checks.Warning(told, hint="Send from the domain of BASE_URL, or one above it.", id="mail.W002")]
    return []


@checks.register(checks.Tags.database)
def mails_say_who_sends_them(databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.Warning]:
    """Only `check --database default` and `migrate` may ask the database, maybe before its tables are there."""
    if settings.DEBUG or DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        with transaction.atomic():
            program = Program.objects.current()
    except ProgrammingError:
        return []
    if program.postal_address:
        return []
    told = "Mails do not say the postal address of who sends them, as the laws of many countries demand."
    return [checks.Warning(told, hint="Write it on the programme's page in the back office.", id="mail.W003")]


def _organisation(domain: str) -> str:
    """`mail.shop.co.uk` → `shop.co.uk`: near enough for a warning."""
    labels = domain.rstrip(".").split(".")
    return ".".join(labels[-3 if len(labels) > 2 and labels[-2] in _SECOND_LEVEL else -2 :])
