"""What came of a hold-out, in words, in a table and as a drawing."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from rewards.domain import experiments
from rewards.domain.experiments import Outcome, Report, Window
from rewards.domain.statistics import Interval
from rewards.models import Arm, ExperimentKind

# The drawing is 660 wide: the part with the axis, the height of a row, where the first one's bar is.
LEFT, RIGHT, ROW, TOP = 20, 640, 64, 34
Words = Callable[[float], str]
# What happened to those who are not held out.
TREATED: dict[str, Any] = {
    ExperimentKind.SURPRISE: gettext_lazy("surprised"),
    ExperimentKind.MAILING: gettext_lazy("sent the offer"),
    ExperimentKind.CAMPAIGN: gettext_lazy("asked"),
}
# What is compared, for who has never seen such a report.
ASKED: dict[str, Any] = {
    ExperimentKind.SURPRISE: gettext_lazy(
        "%(held_out)s of %(all)s customers got no surprise, by chance. Did those who got one come back more often?"
    ),
    ExperimentKind.MAILING: gettext_lazy(
        "%(held_out)s of %(all)s customers got no offer, by chance. Did those who got it come back more often?"
    ),
    ExperimentKind.CAMPAIGN: gettext_lazy(
        "%(held_out)s of %(all)s customers were not asked, by chance. Did those who were asked come back more often?"
    ),
}


def context(found: Report) -> dict[str, Any]:
    """For the page's template."""
    headline, more = _verdict(found)
    return {
        "found": found,
        "question": _question(found),
        "headline": headline,
        "more": more,
        "is_preliminary": not found.is_final,
        "drawings": _drawings(found),
        "windows": [_rows(found, window) for window in found.windows],
        "cost": _cost(found),
        "given": _given(found),
        "enough": _enough(found),
        "checks": _checks(found),
    }


def _day(found: Report) -> str:
    return date_format(timezone.localtime(experiments.read_on(found.experiment)), "DATE_FORMAT")


def _days(days: int) -> str:
    return ngettext("%s day", "%s days", days) % days


def _rounded(number: float, decimals: int, *, sign: bool = False) -> str:
    """Django cuts digits off; here they are rounded. Zero has no sign."""
    rounded = round(number, decimals)
    return _sign(rounded, sign) + str(number_format(abs(rounded), decimal_pos=decimals))


def _of_100(share: float, *, sign: bool = False) -> str:
    return _rounded(100 * share, 1, sign=sign)


def _money(minor: float, currency: str, *, sign: bool = False) -> str:
    rounded = round(minor)
    return _sign(rounded, sign) + format_money(abs(rounded), currency)


def _sign(number: float, plus: bool) -> str:
    return "−" if number < 0 else "+" if plus and number > 0 else ""


def _verdict(found: Report) -> tuple[str, str]:
    """A headline, and what it rests on."""
    main, more = found.main, found.main.came_more
    if not found.experiment.holdout_percent:
        return _("Nobody is held out, so there is nothing to compare with."), ""
    if not main.treated.customers + main.held_out.customers:
        return _("Nobody is assigned yet."), ""
    if found.is_ratio_wrong:
        return _("Something is wrong with the groups: do not trust the figures below."), ""
    if more is None:
        told = _("Nobody in one of the groups has had their %(days)s yet.") % {"days": _days(main.days)}
        if not found.is_time:
            told += " " + _("The result is read on %s.") % _day(found)
        return _("Too early to tell."), told
    said = _so_far(found, more)
    if not found.is_time:
        return _("Preliminary: the result is read on %s, not before.") % _day(found), said
    if not found.is_enough:
        return _("Not enough customers yet: this is still preliminary."), said
    if more.low > 0:
        return _("It brings people back."), said
    if more.high < 0:
        return _("It keeps people away."), said
    return _("No difference was found."), said


def _question(found: Report) -> list[str]:
    """What is compared, and how many came back so far: of the longest time that is over for some of both groups."""
    treated, held_out = found.main.treated.customers, found.main.held_out.customers
    if not (treated and held_out):
        return []
    said = [ASKED[found.experiment.kind] % {"held_out": grouped(held_out), "all": grouped(treated + held_out)}]
    over = [one for one in found.windows if one.treated.complete and one.held_out.complete]
    for window in over[-1:]:
        values = {
            "days": _days(window.days),
            "treated": TREATED[found.experiment.kind],
            "came": _of_100(window.treated.came / window.treated.complete),
            "stayed": _of_100(window.held_out.came / window.held_out.complete),
        }
        said.append(_("Came back within %(days)s: %(treated)s %(came)s of 100, held out %(stayed)s of 100.") % values)
    return said


def _so_far(found: Report, more: Interval) -> str:
    values = {
        "days": _days(found.main.days),
        "number": _of_100(abs(more.estimate)),
        "low": _of_100(more.low, sign=True),
        "high": _of_100(more.high, sign=True),
    }
    if more.estimate >= 0:
        return (
            _(
                "Of 100 treated customers %(number)s more came back within %(days)s than of 100 held out; the truth is"
                " probably between %(low)s and %(high)s."
            )
            % values
        )
    return (
        _(
            "Of 100 treated customers %(number)s fewer came back within %(days)s than of 100 held out; the truth is"
            " probably between %(low)s and %(high)s."
        )
        % values
    )


def _drawings(found: Report) -> list[dict[str, Any]]:
    """Two: of 100 customers how many more came back, and how much more was spent by each."""

    windows, of_100, money = (
        found.windows,
        partial(_of_100, sign=True),
        partial(_money, currency=found.currency, sign=True),
    )
    drawn: list[tuple[str, str, list[Interval | None], Words]] = [
        ("came", _("How many more of 100 came back"), [window.came_more for window in windows], of_100),
        ("spent", _("How much more each customer spent"), [window.spent_more for window in windows], money),
    ]
    return [
        {"key": key, "title": title, **_drawing([window.days for window in windows], intervals, words)}
        for key, title, intervals, words in drawn
        if any(intervals)
    ]


def _drawing(days: Sequence[int], intervals: Sequence[Interval | None], words: Words) -> dict[str, Any]:
    """One line a window: its interval, the point that was found, and where nothing would differ."""
    known = [interval for interval in intervals if interval]
    low, high = min(0.0, *(one.low for one in known)), max(0.0, *(one.high for one in known))
    room = (high - low) or 1.0

    def x(value: float) -> int:
        return round(LEFT + (RIGHT - LEFT) * (value - low) / room)

    rows = []
    for number, (after, interval) in enumerate(zip(days, intervals, strict=True)):
        y = TOP + ROW * number
        row: dict[str, Any] = {"name": _("after %s") % _days(after), "y": y, "start_y": y - 6, "text_y": y - 10}
        if interval:
            row |= {"low": x(interval.low), "high": x(interval.high), "at": x(interval.estimate)}
            row |= {"width": max(2, row["high"] - row["low"]), "line_y": y + 5, "point_y": y + 10, "end_y": y + 26}
            row["words"] = _range(interval, words)
        else:
            row["words"] = _("not known yet")
        rows.append(row)
    return {"lines": rows, "zero": x(0), "height": TOP + ROW * len(rows) - 16}


def _range(interval: Interval, words: Words) -> str:
    values = {"found": words(interval.estimate), "low": words(interval.low), "high": words(interval.high)}
    return _("%(found)s (%(low)s to %(high)s)") % values


def _rows(found: Report, window: Window) -> dict[str, Any]:
    """A window's part of the table."""
    currency = found.currency

    def told(interval: Interval | None, words: Words) -> str:
        return _range(interval, words) if interval else _("not known yet")

    return {
        "name": _("After %s") % _days(window.days),
        "arms": [
            _arm(str(TREATED[found.experiment.kind]), window.treated, currency),
            _arm(_("held out"), window.held_out, currency),
        ],
        "came": told(window.came_more, partial(_of_100, sign=True)),
        "visits": told(window.visited_more, partial(_rounded, decimals=2, sign=True)),
        "spent": told(window.spent_more, partial(_money, currency=currency, sign=True)),
    }


def _arm(name: str, arm: Outcome, currency: str) -> dict[str, Any]:
    some = arm.complete > 0
    return {
        "name": name,
        "complete": arm.complete,
        "pending": arm.pending,
        "came": _of_100(arm.came / arm.complete) if some else "–",
        "visits": _rounded(arm.visits.mean, 2) if some else "–",
        "spent": _money(arm.spent.mean, currency) if some else "–",
    }


def _cost(found: Report) -> tuple[str, str] | None:
    """What a visit cost that would not have been, and what that rests on. None of a survey: it gives no coupons."""
    if found.experiment.kind == ExperimentKind.CAMPAIGN:
        return None
    cost, currency = found.extra_visit_cost, found.currency
    if cost is not None:
        amounts = (*cost, found.cost_minor or 0)
        names = ("cost", "best", "worst", "all")
        values = {name: _money(amount, currency) for name, amount in zip(names, amounts, strict=True)}
        return (
            values["cost"],
            _(
                "Probably between %(best)s and %(worst)s: what was redeemed of it, %(all)s, divided by the visits that"
                " would not have been."
            )
            % values,
        )
    if found.cost_minor is None:
        return _("not known yet"), _("What was given has no price in the books.")
    return _("not known yet"), _("It is not sure yet that there were more visits at all.")


def _given(found: Report) -> list[dict[str, Any]]:
    """What each group used in the planned days, in all and each; none while nobody's days are over."""
    main, currency = found.main, found.currency
    arms = [
        (str(TREATED[found.experiment.kind]), main.treated, found.given[Arm.TREATED]),
        (_("held out"), main.held_out, found.given[Arm.HOLDOUT]),
    ]
    return [
        {
            "name": name,
            "complete": arm.complete,
            "discount": _money(given.discount_minor, currency),
            "each": _money(given.discount_minor / arm.complete, currency),
            "gifts": given.gifts,
        }
        for name, arm, given in arms
        if arm.complete
    ]


def _enough(found: Report) -> list[str]:
    if found.size is None:
        return []
    experiment, main, size = found.experiment, found.main, found.size
    values = {
        "returning": experiment.returning_percent,
        "more": experiment.returning_percent + experiment.difference_percent,
        "treated": grouped(size.treated),
        "held_out": grouped(size.holdout),
        "days": _days(main.days),
    }
    said = [
        _(
            "To see with a good chance (80 of 100) that %(more)s instead of %(returning)s of 100 come back, it takes"
            " %(treated)s treated and %(held_out)s held-out customers whose %(days)s are over."
        )
        % values
    ]
    if found.is_enough:
        said.append(_("That many there are."))
    else:
        there = {"treated": grouped(main.treated.complete), "held_out": grouped(main.held_out.complete)}
        said.append(_("There are %(treated)s treated and %(held_out)s held out: not enough yet.") % there)
    if found.seen_from is not None:
        said.append(
            _("With as many as there are, a rise by %s of 100 or more would be seen.") % _of_100(found.seen_from)
        )
    return said


def _checks(found: Report) -> list[tuple[bool, str]]:
    """Whether each is fine, and what it says."""
    if not found.experiment.holdout_percent:
        return []
    arms, imbalance = found.main, found.imbalance
    values = {
        "held_out": grouped(arms.held_out.customers),
        "all": grouped(arms.held_out.customers + arms.treated.customers),
        "percent": found.experiment.holdout_percent,
    }
    sizes = (
        _("%(held_out)s of %(all)s customers are held out; %(percent)s of 100 were to be: chance does not do that.")
        if found.is_ratio_wrong
        else _("%(held_out)s of %(all)s customers are held out, as %(percent)s of 100 were to be.")
    )
    checks = [(not found.is_ratio_wrong, sizes % values)]
    if imbalance is not None:
        days = {"days": _days(found.experiment.window_days)}
        alike = (
            _("In the %(days)s before, the groups already differed by more than chance explains: read with care.")
            if imbalance.is_large
            else _("In the %(days)s before, both groups came and spent alike.")
        )
        checks.append((not imbalance.is_large, alike % days))
    return checks
