"""A shop whose mailings of before are over: who has bought tea used its coupons, the others did not."""

from datetime import UTC, datetime, timedelta

from rewards.models import Mailing, MailingMail
from tests.factories.customers import CustomerFactory, ProductFactory, PurchaseFactory, PurchaseLineFactory
from tests.factories.rewards import CouponFactory, CouponRedemptionFactory, ExperimentFactory, OfferFactory

DAY = timedelta(days=1)
NOW = datetime(2026, 6, 10, 4, tzinfo=UTC)


def mailing(offer, **fields):
    experiment = ExperimentFactory(kind="MAILING", holdout_percent=fields.pop("holdout", 0))
    return Mailing.objects.create(name="June", offer=offer, experiment=experiment, **fields)


def drinker(product, *, at, **fields):
    customer = CustomerFactory(**fields)
    PurchaseLineFactory(purchase=PurchaseFactory(customer=customer, purchased_at=at), product=product)
    return customer


def learned_shop(number):
    """An offer of one product, and a mailing of it that `number` customers who knew it used and as many others did not.
    Returns both."""
    tea = ProductFactory()
    offer = OfferFactory(title={"en": "Tea"})
    offer.products.add(tea)
    before, issued = mailing(offer), NOW - 90 * DAY
    for place in range(2 * number):
        customer = drinker(tea, at=issued - 10 * DAY) if place < number else CustomerFactory()
        coupon = CouponFactory(offer=offer, customer=customer, issued_at=issued, expires_at=issued + 30 * DAY)
        if place < number:
            CouponRedemptionFactory(coupon=coupon, redeemed_at=issued + DAY)
        sent = {"state": "ACCEPTED", "not_before": issued, "settled_at": issued}
        MailingMail.objects.create(mailing=before, customer=customer, coupon=coupon, **sent)
    return offer, tea
