"""Why a till's transaction is not booked, where no coupon and no ledger says so."""

from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.errors import DomainError


class PointsExceedAmount(DomainError):
    code = "points_exceed_amount"
    message = _("%(points)s points are worth more than what is left to pay.")


class PointsWithoutCustomer(DomainError):
    code = "points_without_customer"
    message = _("Only a customer of the programme can pay with points.")


class PointsOtherCurrency(DomainError):
    code = "points_other_currency"
    message = _("Points can pay in %(currency)s only.")


class PurchasedInFuture(DomainError):
    code = "purchased_in_future"
    message = _("The purchase is dated in the future. Please check the till's clock.")


class ReturnedInFuture(DomainError):
    code = "returned_in_future"
    message = _("The return is dated in the future. Please check the till's clock.")


class ReturnedBeforePurchase(DomainError):
    code = "returned_before_purchase"
    message = _("The return is dated before the purchase. Please check the till's clock.")


class NothingReturned(DomainError):
    code = "nothing_returned"
    message = _("The return names no goods.")


class GiftCardExceedsAmount(DomainError):
    code = "gift_card_exceeds_amount"
    message = _("Gift cards cannot pay more than what is left to pay.")


class TaxExceedsAmount(DomainError):
    code = "tax_exceeds_amount"
    message = _("The tax contained in a line cannot be more than its amount.")
