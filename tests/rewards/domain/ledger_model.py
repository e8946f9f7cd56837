"""The ledger again in plain Python, written apart from the SQL: lists of lots, holds and a debt. Slow and simple.

One `Ledger` is one customer's. Its methods take the time as every verb does, book, and return the entry's points; or
they raise `Refused` with the word for it and change nothing. `index`es count from 0 in the order of making.
"""

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

GRACE_DAYS = 30


class Refused(Exception):
    pass


@dataclass
class Terms:
    zone: str = "UTC"
    pending_days: int = 0
    policy: str = "NEVER"
    months: int = 12
    period_end: str = "MONTH"
    days: tuple[str, ...] = ("12-31",)
    keeps_debt: bool = True


@dataclass
class Lot:
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime | None
    idle_months: int | None = None
    lapsed: int = 0

    def is_open(self, at):
        return self.expires_at is None or self.expires_at > at


@dataclass
class Hold:
    parts: dict[int, int]
    held_at: datetime
    expires_at: datetime
    state: str = "OPEN"

    def is_active(self, at):
        return self.state == "OPEN" and self.expires_at > at


@dataclass
class Award:
    lot: int
    points: int
    returned: int = 0
    excused: int = 0


@dataclass
class Redemption:
    number: int
    points: int
    left: dict[int, int]
    asked: int = 0


@dataclass
class ClawBack:
    number: int
    forgiven: int


@dataclass
class Ledger:
    terms: Terms
    is_known: bool = False  # has an account
    balance: int = 0
    entries: int = 0
    lots: list[Lot] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)
    redemptions: list[Redemption] = field(default_factory=list)
    claw_backs: list[ClawBack] = field(default_factory=list)

    # --- what there is

    @property
    def debt(self):
        return max(0, -self.balance)

    def reserved(self, index, at):
        return sum(hold.parts.get(index, 0) for hold in self.holds if hold.is_active(at))

    def free(self, index, at):
        return self.lots[index].remaining - self.reserved(index, at)

    def spending_order(self):
        """Indexes of lots: those that lapse soonest first, then the oldest."""
        never = datetime.max.replace(tzinfo=UTC)
        return sorted(range(len(self.lots)), key=lambda index: (self.lots[index].expires_at or never, index))

    def spendable(self, at):
        """What can be spent of which lots, in spending order."""
        usable = [i for i in self.spending_order() if self.lots[i].available_at <= at and self.lots[i].is_open(at)]
        return {index: self.free(index, at) for index in usable if self.free(index, at)}

    def available(self, at):
        return sum(self.spendable(at).values())

    def pending(self, at):
        return sum(lot.remaining for lot in self.lots if lot.available_at > at and lot.is_open(at))

    def held(self, at):
        return sum(sum(hold.parts.values()) for hold in self.holds if hold.is_active(at))

    # --- verbs

    def award(self, points, at, *, is_purchase=True):
        if is_purchase:
            self.keep_alive(at)
        self.add_lot(points, available_at(at, self.terms))
        self.awards.append(Award(len(self.lots) - 1, points))
        return points

    def adjust(self, points, at):
        if points > 0:
            self.add_lot(points, at)
        else:
            self.take(self.first(-points, at))
            self.book(points)
        return points

    def redeem(self, points, at):
        return self.spend(self.first(points, at), at)

    def hold(self, points, at, expires_at):
        self.holds.append(Hold(self.first(points, at), at, expires_at))
        return points

    def capture(self, index, at):
        hold = self.holds[index]
        if hold.state == "CAPTURED":
            return -sum(hold.parts.values())
        if hold.state == "RELEASED":
            raise Refused("hold_released")
        if not hold.is_active(at):
            raise Refused("hold_expired")
        hold.state = "CAPTURED"
        return self.spend(hold.parts, at)

    def release(self, index):
        if self.holds[index].state == "CAPTURED":
            raise Refused("hold_captured")
        self.holds[index].state = "RELEASED"
        return sum(self.holds[index].parts.values())

    def claw_back(self, index, points, at):
        award = self.awards[index]
        if points > award.points - award.returned:
            raise Refused("too_many")
        while True:
            self.lapse(at)
            excused = min(points, self.lots[award.lot].lapsed - award.excused)
            due = points - excused
            free = {i: self.free(i, at) for i in self.spending_order() if self.free(i, at)}
            active = [hold for hold in self.holds if hold.is_active(at)]
            if sum(free.values()) >= due or not active:
                break
            active[-1].state = "RELEASED"
        award.returned += points
        award.excused += excused
        own_first = {award.lot: free.pop(award.lot, 0)} | free
        covered = min(due, sum(own_first.values()))
        self.take(up_to(covered, own_first))
        booked = due if self.terms.keeps_debt else covered
        self.book(-booked)
        self.claw_backs.append(ClawBack(self.entries, due - booked))
        return -booked

    def reimburse(self, index, points, at):
        """None: all that is left."""
        spent = self.redemptions[index]
        left = spent.points - spent.asked
        if points is not None and points > left:
            raise Refused("too_many")
        given = asked = left if points is None else points
        spent.asked += asked
        for claw_back in self.claw_backs:
            if claw_back.number > spent.number:
                recouped = min(given, claw_back.forgiven)
                claw_back.forgiven -= recouped
                given -= recouped
        back = up_to(
            max(0, given - self.debt), {i: spent.left[i] for i in reversed(self.spending_order()) if i in spent.left}
        )
        lapsed = 0
        for lot, number in back.items():
            spent.left[lot] -= number
            if self.lots[lot].is_open(at):
                self.lots[lot].remaining += number
            else:
                lapsed += number
        self.book(given)
        if lapsed:
            today = at.astimezone(ZoneInfo(self.terms.zone)).date()
            good_until = midnight(today + timedelta(days=GRACE_DAYS + 1), self.terms)
            self.lots.append(Lot(lapsed, lapsed, at, good_until))
        return given

    def lapse(self, at):
        moments = set()
        for index, lot in enumerate(self.lots):
            number = self.free(index, at)
            if number and not lot.is_open(at):
                lot.remaining -= number
                lot.lapsed += number
                self.balance -= number
                moments.add(lot.expires_at)
        self.entries += len(moments)

    # --- what they share

    def book(self, points):
        self.is_known = True
        self.balance += points
        self.entries += 1

    def add_lot(self, points, since):
        idle_months = self.terms.months if self.terms.policy == "INACTIVITY" else None
        repaid = min(self.debt, points)
        lapses = lapse_at(since, self.terms.policy, self.terms.months, self.terms)
        self.lots.append(Lot(points, points - repaid, since, lapses, idle_months))
        self.book(points)

    def first(self, points, at):
        """Which lots this many points come from."""
        self.is_known = True
        if points > self.available(at):
            raise Refused("insufficient_points")
        return up_to(points, self.spendable(at))

    def take(self, parts):
        for index, number in parts.items():
            self.lots[index].remaining -= number

    def spend(self, parts, at):
        self.take(parts)
        points = sum(parts.values())
        self.book(-points)
        self.redemptions.append(Redemption(self.entries, points, dict(parts)))
        self.keep_alive(at)
        return -points

    def keep_alive(self, at):
        for lot in self.lots:
            if lot.idle_months and lot.is_open(at):
                lot.expires_at = max(lot.expires_at, lapse_at(at, "INACTIVITY", lot.idle_months, self.terms))


def up_to(points, parts):
    """The first parts that make this many points; the last one may be cut."""
    taken = {}
    for key, number in parts.items():
        if number and points:
            taken[key] = min(number, points)
            points -= taken[key]
    return taken


# --- dates


def instant(local, zone):
    """A local time that does not exist is the moment after the gap; one that comes twice is the second."""
    return max(local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))


def midnight(day, terms):
    return instant(datetime.combine(day, time()), terms.zone)


def available_at(at, terms):
    if not terms.pending_days:
        return at
    local = at.astimezone(ZoneInfo(terms.zone)).replace(tzinfo=None)
    return instant(local + timedelta(days=terms.pending_days), terms.zone)


def lapse_at(since, policy, months, terms):
    if policy == "NEVER":
        return None
    day = months_later(since.astimezone(ZoneInfo(terms.zone)).date(), months)
    while not is_last_day(day, policy, terms):
        day += timedelta(days=1)
    return midnight(day + timedelta(days=1), terms)


def is_last_day(day, policy, terms):
    ends_month = (day + timedelta(days=1)).day == 1
    if policy == "FIXED":
        return f"{day:%m-%d}" in terms.days or ("02-29" in terms.days and day.month == 2 and ends_month)
    return ends_month and day.month % {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[terms.period_end] == 0


def months_later(day, months):
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
