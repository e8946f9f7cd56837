"""What pages about customers show."""

from customers.models import Category, Customer

_LATEST_LINES = 20_000

# Of the latest lines sold, so that it costs the same however many there are; what was never sold comes last.
_BY_LATEST_SALES = """
    WITH latest AS (
        SELECT product_id FROM customers_purchaseline ORDER BY id DESC LIMIT %(lines)s
    ), sold AS (
        SELECT d.category_id, count(*) AS lines FROM latest JOIN customers_product d ON d.id = latest.product_id
        GROUP BY 1
    )
    SELECT c.* FROM customers_category c LEFT JOIN sold ON sold.category_id = c.id
    LEFT JOIN customers_preference p ON p.category_id = c.id AND p.customer_id = %(customer)s
    ORDER BY p.id IS NULL, sold.lines DESC NULLS LAST, c.name LIMIT %(limit)s
"""


def categories_to_like(*, customer: Customer | None, limit: int) -> list[Category]:
    """By name: what the customer likes already, then what sells best; without a customer only that."""
    values = {"lines": _LATEST_LINES, "customer": customer.pk if customer else None, "limit": limit}
    return sorted(Category.objects.raw(_BY_LATEST_SALES, values), key=lambda category: category.name)
