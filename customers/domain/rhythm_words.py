"""A customer's rhythm in sentences: how long they are away by their own measure, and what a year may bring."""

from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers.models import Rhythm
from loyalty_site.lib import money, numbers

CHANCES = (
    (70, gettext_lazy("very likely (%(percent)s %%)")),
    (40, gettext_lazy("likely (%(percent)s %%)")),
    (15, gettext_lazy("possible (%(percent)s %%)")),
    (0, gettext_lazy("unlikely (%(percent)s %%)")),
)


def away(rhythm: Rhythm, *, today: date) -> str:
    """`usually every 9 days, now 24 days away`."""
    days = max((today - rhythm.last_on).days, 0)
    now = ngettext("now %(days)s day away", "now %(days)s days away", days) % {"days": numbers.grouped(days)}
    if rhythm.usual_days is None:
        return _("too few purchases for a usual gap, %(now)s") % {"now": now}
    usual = ngettext("usually every day", "usually every %(days)s days", rhythm.usual_days)
    return _("%(usual)s, %(now)s") % {"usual": usual % {"days": numbers.grouped(rhythm.usual_days)}, "now": now}


def staying_away(rhythm: Rhythm) -> str:
    """`very likely (74 %)`: that they do not come within 28 days. Empty where nothing is foretold."""
    percent = rhythm.stays_away_percent
    if percent is None:
        return ""
    return str(next(words for least, words in CHANCES if percent >= least)) % {"percent": percent}


def visits(rhythm: Rhythm) -> str:
    """`about 3 more visits in a year, between 1 and 6`; never a bare number. Empty where nothing is foretold."""
    if rhythm.visits_expected is None:
        return ""
    if not rhythm.visits_high:
        return _("probably no more visits in a year")
    expected = round(rhythm.visits_expected)
    said = ngettext(
        "about %(number)s more visit in a year, between %(low)s and %(high)s",
        "about %(number)s more visits in a year, between %(low)s and %(high)s",
        expected,
    )
    values = {"number": expected, "low": rhythm.visits_low, "high": rhythm.visits_high}
    return said % {name: numbers.grouped(value or 0) for name, value in values.items()}


def worth(rhythm: Rhythm) -> str:
    """What these visits come to. Empty where nothing is foretold, or none is."""
    if rhythm.visits_expected is None or rhythm.visit_spend_minor is None or not rhythm.visits_high:
        return ""
    spend = rhythm.visit_spend_minor

    def told(visits: float) -> str:
        """Two digits that count: more would pretend to know."""
        minor = round(visits * spend)
        return money.format_money(round(minor, 2 - len(str(minor))), rhythm.currency)

    return _("worth about %(worth)s, between %(low)s and %(high)s; a visit about %(visit)s") % {
        "worth": told(float(rhythm.visits_expected)),
        "low": told(rhythm.visits_low or 0),
        "high": told(rhythm.visits_high),
        "visit": told(1),
    }
