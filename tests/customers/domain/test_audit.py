from datetime import UTC, datetime

import pytest
from django.db import DatabaseError

from customers.domain import audit
from customers.models import AuditEvent
from loyalty_site.lib import actors

pytestmark = pytest.mark.django_db


def test_record_keeps_who_did_what_to_whom_and_why(now):
    audit.record(actor=actors.user(7), action="till.revoked", subject="till:3", reason="stolen", data={"n": 1}, at=now)

    event = AuditEvent.objects.get()
    assert (event.happened_at, event.actor, event.action) == (now, "user:7", "till.revoked")
    assert (event.subject, event.reason, event.data) == ("till:3", "stolen", {"n": 1})


def test_record_can_never_be_changed(now):
    event = audit.record(actor=actors.SYSTEM, action="a", subject="till:3", at=now)

    event.happened_at = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(DatabaseError, match="append_only"):
        event.save(update_fields=["happened_at"])
