"""Finding holds; `points` makes and ends them."""

from django.utils.translation import gettext_lazy as _

from customers.domain import tills
from customers.models import Store
from loyalty_site.lib import ids
from loyalty_site.lib.errors import DomainError
from rewards.models import PointsHold


class HoldUnknown(DomainError):
    code = "hold_unknown"
    message = _("There is no hold %(hold)s.")


def by_id(*, text: str, store: Store) -> PointsHold:
    """With its customer. Raises HoldUnknown, also where no till of the store made it: ids are easily guessed."""
    made_here = PointsHold.objects.filter(actor__in=tills.of_store(store=store))
    found = made_here.select_related("customer__customer").filter(pk=ids.parse(text)).first()
    if found is None:
        raise HoldUnknown(hold=text)
    return found
