"""Rewards: the catalogue, and taking one for points."""

import secrets

from django.utils import timezone
from ninja import Router

from customers.api import calls
from customers.api.calls import TillRequest
from customers.domain import customers
from loyalty_site.lib import actors
from loyalty_site.lib.api import cursors
from loyalty_site.lib.api.fields import Code, Limit
from rewards.api import shapes
from rewards.domain import queries, redemptions
from rewards.schemas.shown import RedemptionOut, RewardList
from rewards.schemas.told import Nothing, RedemptionIn

router = Router(tags=["rewards"])


@calls.get(router, "/rewards", gives=RewardList)
def list_rewards(request: TillRequest, limit: Limit = 100, cursor: cursors.PairCursor | None = None) -> RewardList:
    """What is on offer now, the cheapest first, with stock and cost in points."""
    offered = queries.catalogue(at=timezone.now())
    rest = [reward for reward in offered if cursor is None or (reward.cost_points, reward.pk) > cursor]
    page = rest[:limit]
    more = cursors.written(page[-1].cost_points, page[-1].pk) if len(rest) > limit else None
    return RewardList(items=[shapes.reward(reward) for reward in page], next_cursor=more)


@calls.post(router, "/customers/{number}/redemptions", gives=RedemptionOut, status=201)
def redeem_reward(request: TillRequest, number: Code, told: RedemptionIn) -> RedemptionOut:
    """Takes points and stock, and gives a pick-up code."""
    owner = customers.by_number(number=number)
    taken = redemptions.request(
        customer=owner,
        reward=redemptions.reward_by_id(text=told.reward),
        quantity=told.quantity,
        reference=f"till:{request.auth.pk}:{secrets.token_hex(16)}",
        by=actors.till(request.auth.pk),
        at=timezone.now(),
    )
    with calls.texts_for(request, owner):
        return shapes.redemption(taken)


@calls.post(router, "/redemptions/{id}/fulfil", gives=RedemptionOut)
def fulfil_redemption(request: TillRequest, id: Code, told: Nothing | None = None) -> RedemptionOut:  # noqa: A002
    """Handed over, at any store; once."""
    taken = redemptions.by_id(text=id)
    redemptions.fulfil(redemption=taken, by=actors.till(request.auth.pk), at=timezone.now())
    with calls.texts_for(request, taken.customer):
        return shapes.redemption(taken)


@calls.post(router, "/redemptions/{id}/cancel", gives=RedemptionOut)
def cancel_redemption(request: TillRequest, id: Code, told: Nothing | None = None) -> RedemptionOut:  # noqa: A002
    """Gives the points back to where they came from, and the stock, of what a till of this store redeemed; cancelling
    again changes nothing."""
    taken = redemptions.made_at(store=request.auth.store, text=id)
    redemptions.cancel(redemption=taken, by=actors.till(request.auth.pk), at=timezone.now())
    with calls.texts_for(request, taken.customer):
        return shapes.redemption(taken)
