"""What the staff's sign-in page tells in the demo."""

from django import template
from django.conf import settings

from customers.models import User
from loyalty_site.demo import staff

register = template.Library()


@register.simple_tag
def demo_accounts() -> list[staff.Account]:
    """The demo's own accounts, while they can be used; outside of the demo nothing."""
    if not settings.LOYALTY_DEMO:
        return []
    accounts = staff.accounts()
    addresses = [account.email for account in accounts]
    there = set(User.objects.filter(email__in=addresses, is_active=True).values_list("email", flat=True))
    return [account for account in accounts if account.email in there]
