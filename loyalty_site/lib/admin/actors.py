"""Actors as people read them."""

from django.contrib.auth import get_user_model
from django.db.models import BigIntegerField, Case, CharField, F, OuterRef, Subquery, When
from django.db.models.functions import Cast, Substr
from django.http import HttpRequest
from django.utils.translation import gettext as _

from loyalty_site.lib import actors


def acting(request: HttpRequest) -> actors.Actor:
    """The member of staff who asks."""
    return actors.user(int(request.user.pk or 0))


def named(field: str) -> Case:
    """For `annotate`: the actor in `field`, a member of staff by e-mail address instead of `user:17`."""
    number = Cast(Substr(OuterRef(field), len("user:") + 1), BigIntegerField())
    address = get_user_model()._default_manager.filter(pk=number).values("email")[:1]
    return Case(
        When(**{f"{field}__startswith": "user:"}, then=Subquery(address)), default=F(field), output_field=CharField()
    )


def actor_label(actor: str | None) -> str:
    """`till:3` → `till 3`, `system` → `the system`; addresses stay as they are."""
    kind, _separator, number = (actor or "").partition(":")
    if kind == "till":
        return _("till %s") % number
    return {"system": _("the system"), "customer": _("the customer")}.get(kind, actor or "")
