"""The log of who did what."""

from collections.abc import Mapping
from datetime import datetime

from customers.models import AuditEvent
from loyalty_site.lib.actors import Actor


def record(
    *, actor: Actor, action: str, subject: str, reason: str = "", data: Mapping[str, object] | None = None, at: datetime
) -> AuditEvent:
    """`subject` is `model:id`; `data` must be JSON and hold nothing personal."""
    return AuditEvent.objects.create(
        happened_at=at, actor=str(actor), action=action, subject=subject, reason=reason, data=dict(data or {})
    )
