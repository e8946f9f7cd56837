"""How often coupons were refused at the counter."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Store
from loyalty_site.lib import constraints
from rewards.models.offer import Offer


class RefusalReason(models.TextChoices):
    """The words of refusals, which never change, each as a report says it."""

    ALREADY_REDEEMED = "coupon_already_redeemed", _("It was used already.")
    VOID = "coupon_void", _("It was made void.")
    EXPIRED = "coupon_expired", _("It had expired.")
    HELD = "coupon_held", _("It was kept for somebody else.")
    NOT_YOURS = "coupon_not_yours", _("It belongs to another customer.")
    NOT_YET_ISSUED = "coupon_not_yet_issued", _("It was issued after the purchase.")
    NOT_YET_GOOD = "coupon_not_yet_good", _("It could not be used yet.")
    OTHER_CURRENCY = "coupon_other_currency", _("It is for another currency.")
    WORTH_NOTHING = "coupon_worth_nothing", _("It would have taken nothing off.")
    NEEDS_CUSTOMER = "coupon_needs_customer", _("No customer was named.")
    NOT_COMBINABLE = "coupons_not_combinable", _("It cannot be combined with the others.")
    NOT_LIVE = "offer_not_live", _("The offer was not open.")
    WITHDRAWN = "offer_withdrawn", _("The offer was withdrawn.")
    LIMIT = "offer_limit_reached", _("The offer was used as often as it can be.")
    CUSTOMER_LIMIT = "customer_limit_reached", _("The customer had used it as often as they can.")
    PERIOD_LIMIT = "period_limit_reached", _("The offer was used as often as it can be in its period.")
    CUSTOMER_PERIOD_LIMIT = "customer_period_limit_reached", _("The customer had used it up in its period.")
    BUDGET = "offer_budget_spent", _("The budget was spent.")
    OTHER_SEGMENT = "offer_other_segment", _("It is not meant for the customer.")
    OTHER_STORE = "offer_other_store", _("It is not good in the store.")
    OTHER_HOURS = "offer_other_hours", _("It is good on other days or at other hours.")
    BLACKOUT = "offer_blackout", _("It is not good on that day.")
    NO_ELIGIBLE_ITEMS = "no_eligible_items", _("Nothing was bought that it is for.")
    FREE_PRODUCT_MISSING = "free_product_missing", _("The free product was not among the goods.")
    MIN_SPEND = "min_spend_not_reached", _("The purchase was too small.")


class RefusalTally(models.Model):
    """How often coupons of an offer were refused in a store on a day, for one reason; it knows nobody.

    `day` is one of the programme's calendar. Moved by one statement with each refusal; forgotten after some time. What
    is no coupon has no offer: it is counted as an attempt.
    """

    offer = models.ForeignKey(
        Offer, verbose_name=_("offer"), on_delete=models.CASCADE, db_index=False, related_name="refusals"
    )
    store = models.ForeignKey(Store, verbose_name=_("store"), on_delete=models.CASCADE, related_name="+")
    day = models.DateField(_("day"))
    reason = models.CharField(_("reason"), max_length=40, choices=RefusalReason.choices)
    times = models.PositiveIntegerField(_("times"))

    class Meta:
        verbose_name = _("refusals of an offer")
        verbose_name_plural = _("refusals of offers")
        constraints = [
            models.UniqueConstraint(fields=["offer", "day", "store", "reason"], name="refusal_tally_once_per_key"),
            constraints.choice_is_known("refusal_tally_reason_is_known", "reason", RefusalReason),
            models.CheckConstraint(name="refusal_tally_counts_something", condition=Q(times__gte=1)),
        ]
        indexes = [models.Index(fields=["day"], name="refusal_tally_to_forget")]

    def __str__(self) -> str:
        return f"{self.offer}"
