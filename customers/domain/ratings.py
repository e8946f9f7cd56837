"""What customers thought of products."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from customers.models import Customer, Product, ProductRating, Recommendation
from loyalty_site.lib.errors import DomainError

MOST_STARS = 5
BAD_STARS = 2  # and less: never recommended to this customer again


class StarsWrong(DomainError):
    code = "stars_wrong"
    message = _("A rating is from 1 to 5 stars.")


@transaction.atomic
def rate(*, customer: Customer, product: Product, stars: int, at: datetime) -> ProductRating:
    """The last word counts. What is rated badly leaves their list at once. Raises StarsWrong, CustomerMerged."""
    if not 1 <= stars <= MOST_STARS:
        raise StarsWrong
    customers.lock(customer=customer)
    rating, _created = ProductRating.objects.update_or_create(
        customer=customer, product=product, defaults={"stars": stars, "rated_at": at}
    )
    if stars <= BAD_STARS:
        Recommendation.objects.filter(customer=customer, product=product).delete()
    return rating


def bad(*, customers: Sequence[int]) -> set[tuple[int, int]]:
    """(customer, product) of what these rated badly."""
    rated = ProductRating.objects.filter(customer__in=customers, stars__lte=BAD_STARS)
    return set(rated.values_list("customer", "product"))
