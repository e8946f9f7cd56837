"""Names of our mails that nobody else can make up: whoever tells of one has seen it.

A name holds what the mail is (`points-notice-17`) and a signature of that and of the address it went to. So a bounce or
a complaint that names a mail speaks of that address, and of no other.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_NAMES_MAX = 20
SIGNATURE_LENGTH = 20  # 80 bits, in lower case: some servers change capitals
_NAME = re.compile(rf"([a-z][a-z-]{{0,40}}-[0-9]{{1,18}})\.([0-9a-f]{{{SIGNATURE_LENGTH}}})")


def message_id(*, reference: str, address: str) -> str:
    """Always the same for a mail and an address."""
    return f"<{_name(reference, address)}@{_host()}>"


def list_id(name: str) -> str:
    """What readers sort mails of one kind by (RFC 2919)."""
    return f"<{name}.{_host()}>"


def envelope_sender(*, reference: str, address: str) -> str:
    """Where a server tells that the mail did not arrive; empty where no such address is set up."""
    if not settings.BOUNCE_ADDRESS:
        return ""
    local, domain = settings.BOUNCE_ADDRESS.rsplit("@", 1)
    return f"{local}+{_name(reference, address)}@{domain}"


def read(*, told: Iterable[str], addresses: Iterable[str]) -> tuple[str, str] | None:
    """The reference and the address of the first mail of ours that is named in `told`, sent to one of `addresses`."""
    candidates = list(dict.fromkeys(address.lower() for address in addresses))
    keys = (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))
    for reference, signature in _names(told):
        for address in candidates:
            if any(constant_time_compare(signature, _signature(reference, address, key)) for key in keys):
                return reference, address
    return None


def references(told: Iterable[str]) -> list[str]:
    """What such names in `told` speak of, signed or not: to find whose address may be meant."""
    return [reference for reference, _signed in _names(told)]


def _names(told: Iterable[str]) -> list[tuple[str, str]]:
    """No more than a report names."""
    found = dict.fromkeys(name for text in told for name in _NAME.findall(text.lower()))
    return list(found)[:_NAMES_MAX]


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def _name(reference: str, address: str) -> str:
    return f"{reference}.{_signature(reference, address.lower(), settings.SECRET_KEY)}"


def _signature(reference: str, address: str, key: str) -> str:
    signed = salted_hmac("lib.message_ids", f"{reference} {address}", secret=key, algorithm="sha256")
    return signed.hexdigest()[:SIGNATURE_LENGTH]
