"""Small drawings beside the sentences of a rhythm; the sentences say all of it to who cannot see them."""

from datetime import date

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext as _

from customers.domain import rhythm_words
from customers.models import Rhythm

WIDTH = 200
USUALS_SHOWN = 4  # a bar is so many usual gaps long
DAYS_SHOWN = 365  # where there is no usual gap


def away(rhythm: Rhythm, *, today: date) -> str:
    """A bar as long as they are away; a stroke where the next purchase was due."""
    days = max((today - rhythm.last_on).days, 0)
    whole = USUALS_SHOWN * rhythm.usual_days if rhythm.usual_days else DAYS_SHOWN
    context = {
        "now": round(WIDTH * min(days / whole, 1), 1),
        "usual": WIDTH // USUALS_SHOWN if rhythm.usual_days else None,
        "is_late": rhythm.drifts_from is not None and rhythm.drifts_from <= today,
    }
    drawn = render_to_string("admin/customers/rhythm/away.html", context)
    return format_html("<div>{}<br>{}</div>", rhythm_words.away(rhythm, today=today), drawn)


def stays_away(rhythm: Rhythm) -> str:
    """A sentence; empty where nothing is foretold."""
    words = rhythm_words.staying_away(rhythm)
    return _("stays away for 28 days: %(chance)s") % {"chance": words} if words else ""


def ahead(rhythm: Rhythm) -> str:
    """A dot for what is expected in its range, from none to the upper end and a little more."""
    words = rhythm_words.visits(rhythm)
    if not words or not rhythm.visits_high or rhythm.visits_expected is None:
        return words
    whole, left, right = rhythm.visits_high * 1.15, 4, WIDTH - 4

    def place(visits: float) -> float:
        return round(left + (right - left) * min(visits / whole, 1), 1)

    low = place(rhythm.visits_low or 0)
    context = {
        "low": low,
        "width": round(place(rhythm.visits_high) - low, 1),
        "expected": place(float(rhythm.visits_expected)),
    }
    drawn = render_to_string("admin/customers/rhythm/ahead.html", context)
    return format_html("<div>{}<br><small>{}</small><br>{}</div>", words, rhythm_words.worth(rhythm), drawn)
