"""What a rule would have done last month, drawn by day; and lucky draws drawn again."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Rhythm
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from loyalty_site.lib.texts import joined
from rewards.domain import surprises
from rewards.domain.surprises import Difference, Preview
from rewards.models import Program, SurpriseRule, Trigger

DAYS = 30
DAYS_MAX = 92
ROWS_MAX = 500
WIDTH, HEIGHT = 660, 120


def preview(rule: SurpriseRule, now: datetime) -> dict[str, Any]:
    """For the page of the activation: a sentence, bars by day, and what spoke against the others."""
    found = surprises.preview(rule=rule, since=now - timedelta(days=DAYS), until=now)
    return {
        "found": found,
        "sentence": _sentence(found, rule, now),
        "bars": _bars(found),
        "first_day": date_format(found.days[0][0], "SHORT_DATE_FORMAT"),
        "last_day": date_format(found.days[-1][0], "SHORT_DATE_FORMAT"),
        "refused": [(outcome.label, number) for outcome, number in sorted(found.refused.items())],
        "publishes": rule.offer if rule.offer and rule.offer.published_at is None else None,
        "width": WIDTH,
        "height": HEIGHT,
    }


def _sentence(found: Preview, rule: SurpriseRule, now: datetime) -> str:
    if rule.trigger == Trigger.OVERDUE:
        return _late(found, rule, now)
    if not found.surprised:
        return _("In the last %(days)s days this rule would have surprised nobody.") % {"days": DAYS}
    values = {
        "days": DAYS,
        "customers": grouped(found.customers),
        "cost": format_money(found.cost_minor, rule.currency),
        "most": grouped(found.most),
        "held": grouped(found.held_out),
    }
    said = ngettext(
        "In the last %(days)s days this rule would have surprised %(customers)s customer, for %(cost)s, at most %(most)s each.",  # noqa: E501
        "In the last %(days)s days this rule would have surprised %(customers)s customers, for %(cost)s, at most %(most)s each.",  # noqa: E501
        found.customers,
    )
    return joined([said % values, *([_("Held out: %(held)s.") % values] if found.held_out else [])])


def _late(found: Preview, rule: SurpriseRule, now: datetime) -> str:
    """Rhythms say who is away, not who was: only who did not come back can be counted. Today is counted as if the rule
    began with it, since its limits and budget would not be used up yet."""
    if rule.stays_away_percent and not Rhythm.objects.filter(stays_away_percent__isnull=False).exists():
        return _("It is not known yet how likely customers are to stay away: this rule would surprise nobody.")
    midnight = datetime.combine(found.days[-1][0], time(), ZoneInfo(Program.objects.current().timezone))
    today = surprises.preview(rule=rule, since=midnight, until=now).surprised
    due = ngettext("%(customers)s customer would be due today.", "%(customers)s customers would be due today.", today)
    since = ngettext(
        "In the last %(days)s days it would have surprised %(customers)s customer who is still away, for %(cost)s; who came back is not counted.",  # noqa: E501
        "In the last %(days)s days it would have surprised %(customers)s customers who are still away, for %(cost)s; who came back is not counted.",  # noqa: E501
        found.customers,
    )
    values = {
        "days": DAYS,
        "customers": grouped(found.customers),
        "cost": format_money(found.cost_minor, rule.currency),
    }
    nobody = _("In the last %(days)s days it would have surprised nobody who is still away.")
    said = [
        due % {"customers": grouped(today)} if today else _("Nobody would be due today."),
        (since if found.customers else nobody) % values,
    ]
    if found.held_out:
        said.append(_("Held out: %(held)s.") % {"held": grouped(found.held_out)})
    return joined(said)


def _bars(found: Preview) -> list[dict[str, Any]]:
    most = max([1, *(number for _day, number in found.days)])
    step = WIDTH / len(found.days)
    return [
        {
            "x": round(number * step, 1),
            "y": HEIGHT - height,
            "width": round(step * 0.7, 1),
            "height": height,
            "title": _("%(name)s: %(number)s") % {"name": date_format(day, "DATE_FORMAT"), "number": grouped(count)},
        }
        for number, (day, count) in enumerate(found.days)
        for height in (max(1, round((HEIGHT - 4) * count / most)),)
    ]


def draws(rule: SurpriseRule, *, first: date, last: date, now: datetime) -> dict[str, Any]:
    """Every purchase of these days of the programme's calendar; the seed for who draws by hand."""
    zone = ZoneInfo(Program.objects.current().timezone)
    since, until = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    rows = list(surprises.replay(rule=rule, since=since, until=until, at=now))
    words = {
        Difference.NOT_DRAWN: _("The seed does not draw it, and yet something was booked."),
        Difference.NOT_LOOKED_AT: _("It was drawn, and nobody looked at it."),
        Difference.NOT_RECORDED: _("It was surprised, and no draw says so."),
        Difference.NOT_GIVEN: _("The draw says it was given, and there is no surprise."),
    }
    told = [{"row": row, "wrong": words[row.difference] if row.difference else ""} for row in rows]
    wrong = [one for one in told if one["wrong"]]
    return {
        "wrong": wrong[:ROWS_MAX],
        "rows": [*told[:ROWS_MAX]],
        "looked_at": len(rows),
        "drawn": sum(row.is_drawn for row in rows),
        "given": sum(row.surprise_id is not None for row in rows),
        "differences": len(wrong),
        "rows_max": ROWS_MAX,
    }
