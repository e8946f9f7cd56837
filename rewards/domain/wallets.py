"""A customer takes a coupon that belongs to whoever bears it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty_site.lib import codes
from loyalty_site.lib.errors import DomainError
from rewards.domain import points
from rewards.models import Coupon


class CodeNotTaken(DomainError):
    """The same for codes that nobody has, that are void, used, over, not yet good, public, or another customer's: who
    tries codes learns nothing from it."""

    code = "code_not_taken"
    message = _("This code cannot be added. Please read it again; a code for everybody is told at the till.")


# One statement whatever the code is, so that each answer takes the same time.
_TAKE = """
    UPDATE rewards_coupon coupon SET customer_id = %(customer)s
    FROM rewards_offer offer
    WHERE coupon.code = %(code)s AND offer.id = coupon.offer_id AND NOT coupon.is_public
      AND (coupon.customer_id = %(customer)s OR coupon.customer_id IS NULL AND coupon.uses_count = 0)
      AND coupon.state = 'ISSUED'
      AND coupon.issued_at <= %(at)s AND coalesce(coupon.expires_at, 'infinity') > %(at)s
      AND offer.published_at IS NOT NULL AND offer.withdrawn_at IS NULL
      AND coalesce(offer.valid_to, 'infinity') > %(at)s
      AND NOT EXISTS (SELECT FROM rewards_couponhold hold
                      WHERE hold.coupon_id = coupon.id AND coupon.customer_id IS NULL AND hold.expires_at > %(at)s
                        AND hold.captured_at IS NULL AND hold.released_at IS NULL)
    RETURNING coupon.id
"""


@transaction.atomic
def take(*, customer: Customer, text: str, at: datetime) -> Coupon:
    """The coupon is the customer's from now on; taking it again changes nothing. Raises CodeNotTaken, CustomerMerged or
    CustomerClosed. Locks the account first, so that no merge leaves the coupon with who is gone."""
    points.lock(customer=customer)
    code = codes.normalize(text.replace("\0", ""))[:40]
    for coupon in Coupon.objects.raw(_TAKE, {"customer": customer.pk, "code": code, "at": at}):
        return Coupon.objects.select_related("offer").get(pk=coupon.pk)
    raise CodeNotTaken
