"""Readable codes that everybody may use, as often as they say."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib import codes
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import offers
from rewards.models import Coupon, Offer

LEAST, MOST = 4, 24


class CodeUnfit(DomainError):
    code = "coupon_code_unfit"
    message = _("A public code has %(least)s to %(most)s letters from A to Z and digits.")


class CodeLooksUnique(DomainError):
    code = "coupon_code_looks_unique"
    message = _("%(coupon)s looks like a code that is made for one customer. Please choose another word.")


class CodeTaken(DomainError):
    code = "coupon_code_taken"
    message = _("There is a coupon %(coupon)s already.")


@transaction.atomic
def issue(*, offer: Offer, code: str, uses_max: int | None, by: Actor, at: datetime) -> Coupon:
    """A coupon for everybody, with a readable code, good `uses_max` times (None: without end) as long as the offer is.

    Raises OfferNotLive, OfferWithdrawn, CodeUnfit, CodeLooksUnique or CodeTaken.
    """
    offers.refuse_unless_live(offer=offer, at=at)
    wanted = codes.normalize(code)
    if not (LEAST <= len(wanted) <= MOST and wanted.isascii() and wanted.isalnum()):
        raise CodeUnfit(least=LEAST, most=MOST)
    if len(wanted) >= Coupon.BODY_LENGTH and codes.is_well_formed(wanted[-Coupon.BODY_LENGTH :]):
        raise CodeLooksUnique(coupon=wanted)
    told = {"reference": f"public:{wanted}", "issued_at": at, "expires_at": offer.valid_to}
    try:
        with transaction.atomic():
            coupon = Coupon.objects.create(offer=offer, code=wanted, is_public=True, uses_max=uses_max, **told)
    except IntegrityError as error:
        raise CodeTaken(coupon=wanted) from error
    audit.record(actor=by, action="coupon.made_public", subject=f"coupon:{coupon.pk}", at=at)
    return coupon
