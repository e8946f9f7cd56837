"""What a customer may like."""

from django.utils import timezone
from ninja import Router

from customers.api import calls
from customers.api.calls import TillRequest
from customers.domain import customers
from customers.domain.recommendations import lists
from customers.schemas import RecommendationList, RecommendationOut
from loyalty_site.lib.api.fields import Code, Limit

router = Router(tags=["customers"])


@calls.get(router, "/customers/{number}/recommendations", gives=RecommendationList)
def list_recommendations(request: TillRequest, number: Code, limit: Limit = lists.SIZE) -> RecommendationList:
    """What the customer buys again and again, and what people who buy the same take too; best first. `reason` is told
    to the customer, `hint` in few words to whoever serves them. Empty for who switched recommendations off."""
    customer = customers.by_number(number=number)
    with calls.texts_for(request, customer):
        found = lists.for_customer(customer=customer, limit=limit, at=timezone.now())
    return RecommendationList(
        items=[
            RecommendationOut(
                sku=one.sku,
                name=one.name,
                category=one.category,
                score=one.score,
                kind=one.kind,
                reason=one.reason,
                hint=one.hint,
            )
            for one in found
        ]
    )
