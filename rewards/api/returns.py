"""Goods brought back."""

from django.utils import timezone
from ninja import Router

from customers.api import calls
from customers.api.calls import TillRequest
from customers.domain import purchases
from customers.domain.purchases import ReturnLineIn
from loyalty_site.lib import actors
from loyalty_site.lib.api.fields import Code
from rewards.api import shapes
from rewards.domain import checkout
from rewards.domain.checkout import ReturnIn
from rewards.schemas.shown import TakenBackOut
from rewards.schemas.told import ReturnTold

router = Router(tags=["purchases"])


@calls.post(router, "/purchases/{id}/returns", gives=TakenBackOut, status=201)
def take_back(request: TillRequest, id: Code, told: ReturnTold) -> TakenBackOut:  # noqa: A002
    """Takes back what the goods earned and gives back the points that paid; with the last of it also the coupons.

    Goods may come back at any store. The same return told again is answered with what was booked the first time.
    """
    till = request.auth
    taken = checkout.take_back(
        purchase=purchases.by_id(text=id),
        told=ReturnIn(
            return_number=told.return_number,
            returned_at=told.returned_at,
            lines=[ReturnLineIn(line.line, line.quantity, line.amount_minor) for line in told.lines],
        ),
        store=till.store,
        till=till,
        by=actors.till(till.pk),
        at=timezone.now(),
    )
    return shapes.taken_back(taken)
