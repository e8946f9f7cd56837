"""Points set aside while somebody makes up their mind."""

import secrets
from datetime import timedelta

from django.utils import timezone
from ninja import Router

from customers.api import calls
from customers.api.calls import TillRequest
from customers.domain import customers
from loyalty_site.lib import actors
from loyalty_site.lib.api.fields import Code
from rewards.api import shapes
from rewards.domain import holds, points
from rewards.schemas.shown import HoldOut
from rewards.schemas.told import HoldIn, Nothing

router = Router(tags=["points"])


@calls.post(router, "/customers/{number}/holds", gives=HoldOut, status=201)
def hold_points(request: TillRequest, number: Code, told: HoldIn) -> HoldOut:
    """Nobody else can spend the points for that long; then they are free again by themselves."""
    now = timezone.now()
    kept = points.hold(
        customer=customers.by_number(number=number),
        points=told.points,
        ttl=timedelta(seconds=told.seconds),
        reference=f"till:{request.auth.pk}:{secrets.token_hex(16)}",
        by=actors.till(request.auth.pk),
        at=now,
    )
    return shapes.hold(kept, at=now)


@calls.post(router, "/holds/{id}/capture", gives=HoldOut)
def capture_hold(request: TillRequest, id: Code, told: Nothing | None = None) -> HoldOut:  # noqa: A002
    """Spends the points of a hold that a till of this store made. Told again it is answered the same."""
    kept, now = holds.by_id(text=id, store=request.auth.store), timezone.now()
    points.capture(hold=kept, by=actors.till(request.auth.pk), at=now)
    kept.refresh_from_db(fields=["state", "closed_at"])
    return shapes.hold(kept, at=now)


@calls.post(router, "/holds/{id}/release", gives=HoldOut)
def release_hold(request: TillRequest, id: Code, told: Nothing | None = None) -> HoldOut:  # noqa: A002
    """Frees the points of a hold that a till of this store made. Told again it is answered the same."""
    kept, now = holds.by_id(text=id, store=request.auth.store), timezone.now()
    ended = points.release(hold=kept, by=actors.till(request.auth.pk), at=now)
    return shapes.hold(ended, at=now)
