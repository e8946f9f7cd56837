"""What an offer says, in words of the active language."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.db.models import Model, prefetch_related_objects
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from loyalty_site.lib.money import format_money
from rewards.domain.earning_words import days_and_hours, decimal, joined
from rewards.models import Offer, OfferKind, OfferPeriod

# More names than these make no sentence.
_NAMES = 3


def with_names(offers: Iterable[Offer]) -> None:
    """Reads what the sentences name, for all of them at once."""
    prefetch_related_objects(list(offers), "free_product", "segment", "products", "categories", "stores")


def summary(offer: Offer) -> str:
    """One sentence: what it gives, for what, where, to whom, when, how often."""
    return _sentence([_worth(offer), *_bounds(offer), *_when(offer), *_each(offer), *_all(offer)])


def conditions(offer: Offer) -> str:
    """The same for who holds a coupon of it: without what counts for all customers together."""
    return _sentence([_worth(offer), *_bounds(offer), *_when(offer), *_each(offer)])


def worth(offer: Offer) -> str:
    """What it gives, in few words."""
    if offer.kind == OfferKind.PERCENT:
        return _percent_off(offer.percent or Decimal(0))
    if offer.kind == OfferKind.AMOUNT:
        return _("%(amount)s off") % {"amount": format_money(offer.amount_minor or 0, offer.currency)}
    if offer.kind == OfferKind.FREE_PRODUCT:
        return _("one %(product)s free") % {"product": offer.free_product}
    if offer.kind == OfferKind.MULTIPLIER:
        return _("%(times)s times the points") % {"times": decimal(offer.points_multiplier or Decimal(0))}
    return _("a gift")


def _percent_off(percent: Decimal) -> str:
    """Chinese says what is left to pay, in tenths: 15 % off are `8.5 折`."""
    if (get_language() or "").startswith("zh") and percent < 100:
        return f"{decimal(10 - percent / 10)} 折"
    return _("%(percent)s %% off") % {"percent": decimal(percent)}


def days(offer: Offer) -> str:
    """On which weekdays it is good; empty where on all."""
    return joined(days_and_hours(offer.weekdays, None, None))


def _sentence(parts: Sequence[str]) -> str:
    return capfirst(_("%(sentence)s.") % {"sentence": pgettext("clauses", ", ").join(parts)})


def _worth(offer: Offer) -> str:
    goods = [*_names(offer.categories.all()), *_names(offer.products.all())]
    if not goods:
        return worth(offer)
    if offer.kind in (OfferKind.FREE_PRODUCT, OfferKind.GIFT):
        return _("%(worth)s with %(goods)s") % {"worth": worth(offer), "goods": _named(goods)}
    if offer.kind == OfferKind.MULTIPLIER:
        return _("%(worth)s on %(goods)s") % {"worth": worth(offer), "goods": _named(goods)}
    return pgettext("so much off these goods", "%(worth)s %(goods)s") % {"worth": worth(offer), "goods": _named(goods)}


def _names(found: Iterable[Model]) -> list[str]:
    """In order, so that a sentence stays the same."""
    return sorted(str(one) for one in found)


def _bounds(offer: Offer) -> list[str]:
    found = []
    if offer.discount_max_minor is not None:
        found.append(_("at most %(amount)s") % {"amount": format_money(offer.discount_max_minor, offer.currency)})
    if offer.min_spend_minor:
        found.append(_("from %(amount)s on") % {"amount": format_money(offer.min_spend_minor, offer.currency)})
    if stores := _names(offer.stores.all()):
        found.append(_("at %(stores)s") % {"stores": _named(stores)})
    if offer.segment:
        found.append(_("for customers in “%(segment)s”") % {"segment": offer.segment})
    return found


def _when(offer: Offer) -> list[str]:
    start, end = (f"{one:%H:%M}" if one else None for one in (offer.time_from, offer.time_to))
    found = days_and_hours(offer.weekdays, start, end)
    if days := len(offer.blackout_dates):
        found.append(ngettext("not on %(days)s day", "not on %(days)s days", days) % {"days": days})
    return found


def _each(offer: Offer) -> list[str]:
    """How often a customer may."""
    found = []
    if most := offer.customer_max:
        found.append(ngettext("once a customer", "%(most)s times a customer", most) % {"most": most})
    if most := offer.customer_period_max:
        period = OfferPeriod(offer.period).label
        found.append(
            ngettext("once a customer and %(period)s", "%(most)s times a customer and %(period)s", most)
            % {"most": most, "period": period}
        )
    return found


def _all(offer: Offer) -> list[str]:
    """How often all customers together may."""
    found = []
    if most := offer.period_max:
        period = OfferPeriod(offer.period).label
        found.append(ngettext("once %(period)s", "%(most)s times %(period)s", most) % {"most": most, "period": period})
    if (most := offer.redemptions_max) is not None:
        found.append(ngettext("once in all", "%(most)s times in all", most) % {"most": most})
    if offer.budget_minor is not None:
        found.append(_("%(amount)s in all") % {"amount": format_money(offer.budget_minor, offer.currency)})
    return found


def _named(names: Sequence[str]) -> str:
    if len(names) <= _NAMES:
        return joined(names)
    more = len(names) - _NAMES
    return _("%(names)s and %(more)s more") % {"names": joined(names[:_NAMES]), "more": more}
