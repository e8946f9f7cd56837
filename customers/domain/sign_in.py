"""One-time codes by e-mail, and the customer's session."""

from django.contrib.sessions.backends.base import SessionBase

from customers.models import Customer

SESSION_KEY = "customer_id"


def customer_of(session: SessionBase) -> Customer | None:
    """The customer who is signed in, unless they left the programme meanwhile."""
    customer_id = session.get(SESSION_KEY)
    if customer_id is None:
        return None
    return Customer.objects.filter(pk=customer_id, closed_at__isnull=True).first()
