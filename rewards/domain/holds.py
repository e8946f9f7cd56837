"""Finding holds; `points` makes and ends them."""

from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import ids
from loyalty_site.lib.errors import DomainError
from rewards.models import PointsHold


class HoldUnknown(DomainError):
    code = "hold_unknown"
    message = _("There is no hold %(hold)s.")


def by_id(*, text: str) -> PointsHold:
    """With its customer. Raises HoldUnknown."""
    found = PointsHold.objects.select_related("customer__customer").filter(pk=ids.parse(text)).first()
    if found is None:
        raise HoldUnknown(hold=text)
    return found
