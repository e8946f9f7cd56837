"""Replays history under other rules and says what would have come of them; writes nothing."""

import json
import re
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from customers.models import Category, Store
from loyalty_site.lib import money
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from loyalty_site.lib.progress import Progress
from rewards.domain import simulation
from rewards.domain.simulation import CapDraft, Draft, MultiplierDraft, Outcome, RateDraft
from rewards.models import CapPeriod, ExpiryPolicy, PeriodEnd, Program, Tier


class Command(BaseCommand):
    help = (
        "Replays history since a day under other rules and shows what would have come of them: the cost, who would "
        "have more or fewer points, tiers, what the programme would owe. Writes nothing. For example: "
        "simulate_program --since 2026-01-01 --rate 2/1.00 --multiplier FRUIT=3 --cap 500/MONTH "
        "--expiry ROLLING:6:QUARTER --tier gold=2000"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", required=True, type=_day, metavar="DATE", help="YYYY-MM-DD")
        parser.add_argument("--rate", type=_rate, metavar="POINTS/AMOUNT", help="instead of all base rates: 2/1.00")
        parser.add_argument(
            "--multiplier", type=_multiplier, action="append", default=[], metavar="CATEGORY=TIMES",
            help="one more; 0 leaves the category out; =TIMES for all goods",
        )  # fmt: skip
        parser.add_argument("--store", metavar="CODE", help="the multipliers count only there")
        parser.add_argument("--in-tier", metavar="CODE", help="the multipliers count only for this tier")
        parser.add_argument(
            "--weekdays", type=_weekdays, default=(), metavar="DAYS",
            help="the multipliers count only then: 67 is Saturday and Sunday",
        )  # fmt: skip
        parser.add_argument(
            "--cap", type=_cap, action="append", default=[], metavar="POINTS/PERIOD",
            help=f"one more; periods: {', '.join(CapPeriod.values)}",
        )  # fmt: skip
        parser.add_argument("--without", action="append", default=[], metavar="CODE", help="a rule that would end")
        parser.add_argument(
            "--expiry", type=_expiry, default={}, metavar="POLICY",
            help="NEVER, ROLLING:MONTHS[:MONTH|QUARTER|YEAR], INACTIVITY:MONTHS[:…] or FIXED:MONTHS:06-30,12-31",
        )  # fmt: skip
        parser.add_argument("--pending-days", type=int)
        parser.add_argument("--tier", type=_threshold, action="append", default=[], metavar="CODE=THRESHOLD")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        program = Program.objects.current()
        bar = Progress(self.stderr) if not options["json"] and self.stderr.isatty() else None
        since = datetime.combine(options["since"], time.min, tzinfo=ZoneInfo(program.timezone))
        now = timezone.now()
        if since >= now:
            raise CommandError(_("--since must be a day that has begun."))
        try:
            found = simulation.run(
                draft=_draft(options, program.currency),
                since=since,
                at=now,
                progress=partial(_show, bar) if bar else None,
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        finally:
            if bar:
                bar.clear()
        self.stdout.write(json.dumps(_as_json(found)) if options["json"] else _table(found))


def _show(bar: Progress, done: int, total: int) -> None:
    bar.tell(_("Replaying"), done / total if total else 1)


def _draft(options: dict[str, Any], currency: str) -> Draft:
    program = dict(options["expiry"])
    if options["pending_days"] is not None:
        program["pending_days"] = options["pending_days"]
    no_category = _("There is no category %(code)s.")
    store = _row(Store, options["store"], _("There is no store %(code)s."))
    tier = _row(Tier, options["in_tier"], _("There is no tier %(code)s."))
    multipliers = [
        MultiplierDraft(times, category=_row(Category, code, no_category), store=store, tier=tier,
                        weekdays=options["weekdays"])
        for code, times in options["multiplier"]
    ]  # fmt: skip
    if not multipliers and (store or tier or options["weekdays"]):
        raise CommandError(_("--store, --in-tier and --weekdays need a --multiplier."))
    return Draft(
        rate=_rate_in(currency, options["rate"]),
        multipliers=multipliers,
        caps=options["cap"],
        without=options["without"],
        program=program,
        thresholds=dict(options["tier"]),
    )


def _day(text: str) -> object:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or day.year < 1970:
        raise ArgumentTypeError(f"{text!r} is no day: write 2026-01-31")
    return day


def _row(model: Any, code: str | None, refusal: str) -> Any:
    row = model.objects.filter(code=code).first() if code else None
    if code and row is None:
        raise CommandError(refusal % {"code": code})
    return row


def _rate(text: str) -> tuple[int, Decimal]:
    points, _separator, amount = text.partition("/")
    if re.fullmatch(r"[0-9]{1,9}", points) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", amount):
        return int(points), Decimal(amount)
    raise ArgumentTypeError(f"{text!r} is no rate: write 2/1.00 for 2 points for every 1.00")


def _rate_in(currency: str, rate: tuple[int, Decimal] | None) -> RateDraft | None:
    try:
        return RateDraft(rate[0], money.to_minor(rate[1], currency)) if rate else None
    except ValueError as error:
        raise CommandError(str(error)) from error


def _weekdays(text: str) -> list[int]:
    if not re.fullmatch("[1-7]{1,7}", text):
        raise ArgumentTypeError(f"{text!r} are no weekdays: write 67 for Saturday and Sunday")
    return sorted({int(day) for day in text})


def _multiplier(text: str) -> tuple[str, Decimal]:
    code, _separator, times = text.rpartition("=")
    try:
        number = Decimal(times)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ArgumentTypeError(f"{text!r} is no multiplier: write FRUIT=2 or =1.5")
    return code, number


def _cap(text: str) -> CapDraft:
    points, _separator, period = text.partition("/")
    if not points.isdecimal() or period not in CapPeriod.values:
        raise ArgumentTypeError(f"{text!r} is no cap: write 500/MONTH ({', '.join(CapPeriod.values)})")
    return CapDraft(int(points), CapPeriod(period))


def _expiry(text: str) -> dict[str, object]:
    policy, *rest = text.split(":")
    if policy == ExpiryPolicy.NEVER and not rest:
        return {"expiry_policy": policy}
    if rest and rest[0].isdecimal():
        terms: dict[str, object] = {"expiry_policy": policy, "expiry_months": int(rest[0])}
        if policy == ExpiryPolicy.FIXED and len(rest) == 2:
            return {**terms, "expiry_days": rest[1]}
        if policy in (ExpiryPolicy.ROLLING, ExpiryPolicy.INACTIVITY) and len(rest) <= 2:
            return {**terms, "expiry_period_end": rest[1] if len(rest) == 2 else PeriodEnd.MONTH}
    raise ArgumentTypeError(f"{text!r} is no policy: write NEVER, ROLLING:6:QUARTER, INACTIVITY:12 or FIXED:0:12-31")


def _threshold(text: str) -> tuple[str, int]:
    code, _separator, threshold = text.partition("=")
    if not threshold.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no threshold: write gold=2000")
    return code, int(threshold)


def _table(found: Outcome) -> str:
    rows = [(title, grouped(was), grouped(would_be)) for title, was, would_be in found.rows()]
    width = max(len(title) for title, _was, _would_be in rows)
    lines = [f"{'':{width}}  {_('as it was'):>16}  {_('as it would be'):>16}"]
    lines += [f"{title:{width}}  {was:>16}  {would_be:>16}" for title, was, would_be in rows]
    lines += [""]
    lines += [_("Cost of what would be earned: %(money)s") % {"money": _money(found, found.cost_minor)}]
    lines += [_("Change of what is owed: %(money)s") % {"money": _money(found, found.liability_change_minor)}]
    customers = {"more": found.customers_more, "fewer": found.customers_fewer, "same": found.customers_same}
    lines += [_("Customers with more points: %(more)s, fewer: %(fewer)s, as many: %(same)s") % customers]
    if found.tiers:
        steps = {"up": found.tiers_up, "down": found.tiers_down}
        lines += [_("Customers in a higher tier: %(up)s, in a lower one: %(down)s") % steps]
    return "\n".join(lines)


def _money(found: Outcome, minor: int) -> str:
    return format_money(minor, found.currency)


def _as_json(found: Outcome) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(),
        "at": found.at.isoformat(),
        "currency": found.currency,
        "was": asdict(found.was),
        "would_be": asdict(found.would_be),
        "cost_minor": found.cost_minor,
        "liability_change_minor": found.liability_change_minor,
        "customers": {"more": found.customers_more, "fewer": found.customers_fewer, "same": found.customers_same},
        "tiers": [
            {"tier": one.tier.code if one.tier else None, "was": one.was, "would_be": one.would_be}
            for one in found.tiers
        ],
        "tiers_up": found.tiers_up,
        "tiers_down": found.tiers_down,
    }
