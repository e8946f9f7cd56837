"""Why coupons of an offer were refused at the counter: drawn by reason, as a table, as a file."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from loyalty_site.lib import spreadsheets
from loyalty_site.lib.numbers import grouped
from rewards.domain import coupon_refusals
from rewards.domain.offer_reports import Refused
from rewards.models import Offer, RefusalReason, RefusalTally

# The drawing is 660 wide: the height of a reason, the longest bar.
ROW, LONGEST = 64, 580
FIELDS = ("day", "code", "name", "reason", "times")


def section(refused: Sequence[Refused]) -> dict[str, Any] | None:
    """None where nothing was refused."""
    if not refused:
        return None
    times: Counter[str] = Counter()
    for one in refused:
        times[one.reason] += one.times
    return {
        "total": sum(times.values()),
        "days": coupon_refusals.KEPT_FOR.days,
        "bars": [_bar(row, reason, number, max(times.values())) for row, (reason, number) in enumerate(_most(times))],
        "height": ROW * len(times),
        "stores": [(one.name or one.code, RefusalReason(one.reason).label, one.times) for one in refused],
    }


def file(offer: Offer, stores: Sequence[int]) -> HttpResponse:
    """Day by day, of these stores; of all when none is named."""
    rows = RefusalTally.objects.filter(offer=offer, **({"store__in": stores} if stores else {}))
    lines = rows.order_by("day", "store__code", "reason")
    told = lines.values_list("day", "store__code", "store__name", "reason", "times")
    return spreadsheets.answer(name=f"offer-{offer.pk}-refused.csv", headings=FIELDS, lines=told)


def _most(times: Counter[str]) -> list[tuple[str, int]]:
    return sorted(times.items(), key=lambda found: (-found[1], found[0]))


def _bar(row: int, reason: str, number: int, most: int) -> dict[str, Any]:
    words, width = RefusalReason(reason).label, max(2, round(LONGEST * number / most))
    return {
        "name": words,
        "name_y": row * ROW + 18,
        "y": row * ROW + 26,
        "width": width,
        "count": number,
        "count_x": width + 8,
        "count_y": row * ROW + 45,
        "words": _("%(name)s: %(number)s") % {"name": str(words).rstrip("."), "number": grouped(number)},
    }
