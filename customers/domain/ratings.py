"""What customers thought of products."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from customers.domain import customers
from customers.models import Customer, Product, ProductRating, Recommendation
from loyalty_site.lib.errors import DomainError

MOST_STARS = 5
BAD_STARS = 2  # and less: never recommended to this customer again


_EXCHANGE = """
    UPDATE customers_productrating AS one SET stars = other.stars, rated_at = other.rated_at
    FROM customers_productrating AS other
    WHERE one.product_id = ANY(%(products)s) AND other.product_id = one.product_id
      AND one.customer_id = ANY(%(pair)s) AND other.customer_id = ANY(%(pair)s) AND other.customer_id <> one.customer_id
"""


class StarsWrong(DomainError):
    code = "stars_wrong"
    message = _("A rating is from 1 to 5 stars.")


@transaction.atomic
def rate(*, customer: Customer, product: Product, stars: int, at: datetime) -> ProductRating:
    """The last word counts. What is rated badly, whatever has its name and what it was the reason for leave their list
    at once. Raises StarsWrong, CustomerMerged."""
    if not 1 <= stars <= MOST_STARS:
        raise StarsWrong
    customers.lock(customer=customer)
    rating, _created = ProductRating.objects.update_or_create(
        customer=customer, product=product, defaults={"stars": stars, "rated_at": at}
    )
    if stars <= BAD_STARS:
        of_it = Q(product__name=product.name) | Q(reason__because=product.pk)
        Recommendation.objects.filter(of_it, customer=customer).delete()
    return rating


def bad(*, customers: Sequence[int]) -> set[tuple[int, int, datetime]]:
    """(customer, product, when) of what these rated badly."""
    rated = ProductRating.objects.filter(customer__in=customers, stars__lte=BAD_STARS)
    return set(rated.values_list("customer", "product", "rated_at"))


def newer(*, of: int, than: int) -> list[int]:
    """The products that one customer rated later than the other did."""
    earlier = ProductRating.objects.filter(
        customer=than, product=OuterRef("product"), rated_at__lt=OuterRef("rated_at")
    )
    rated = ProductRating.objects.filter(Exists(earlier), customer=of)
    return list(rated.order_by("product").values_list("product", flat=True))


def exchange(*, one: int, other: int, products: Sequence[int]) -> None:
    """Each of two customers who rated these products has said what the other did."""
    if products:
        with connection.cursor() as cursor:
            cursor.execute(_EXCHANGE, {"products": list(products), "pair": [one, other]})
