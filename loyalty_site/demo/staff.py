"""Staff to look around as, with passwords that everybody knows."""

from typing import NamedTuple

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from customers.models import Store, User
from loyalty_site import roles


class Account(NamedTuple):
    """`role` in words, in the active language; `url` is a path on the site."""

    role: str
    email: str
    password: str
    url: str


_STAFF = [
    (roles.OWNER, "owner@example.org", "maple-owner-demo", "Olivia", "Maple"),
    (roles.STORE_MANAGER, "manager@example.org", "maple-manager-demo", "Marcus", "Reed"),
    (roles.MARKETING, "marketing@example.org", "maple-marketing-demo", "Lin", "Zhao"),
    (roles.CASHIER, "cashier@example.org", "maple-cashier-demo", "Rosa", "Diaz"),
]


def accounts() -> list[Account]:
    """Who can sign in to the back office of the demo, and how."""
    return [Account(_(role), email, password, "/admin/") for role, email, password, _given, _family in _STAFF]


def make(*, managed: list[int]) -> None:
    """Makes the accounts that are missing; the store manager looks after the stores `managed`."""
    roles.sync()
    groups = {group.name: group for group in Group.objects.all()}
    for role, email, password, given, family in _STAFF:
        if User.objects.filter(email=email).exists():
            continue
        is_owner = role == roles.OWNER
        user = User.objects.create_user(
            email, password, first_name=given, last_name=family, is_staff=True, is_superuser=is_owner
        )
        user.groups.add(groups[role])
        if role == roles.STORE_MANAGER:
            user.stores.set(Store.objects.filter(code__in=[str(store) for store in managed]))
