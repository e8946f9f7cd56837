"""Imports run one at a time, and nothing that changes whose a purchase is comes in between."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.errors import DomainError

_IMPORTS = 7_202  # an advisory lock


class ImportRunning(DomainError):
    code = "import_running"
    message = _("Purchases are being imported just now. Please try again when the import is done.")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A second import waits: what the first books is known to it then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, 0)", [_IMPORTS])
        try:
            yield
        finally:
            if connection.is_usable():
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [_IMPORTS])


def refuse_while_running() -> None:
    """Until the end of the transaction no import begins. Raises ImportRunning while there is one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s, 0)", [_IMPORTS])
        if not cursor.fetchone()[0]:
            raise ImportRunning
