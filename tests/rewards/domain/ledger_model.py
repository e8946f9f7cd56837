"""The ledger again in plain Python, written apart from the SQL: lists of lots, holds and a debt. Slow and simple.

One `Ledger` is one customer's. Its methods take the time as every verb does, book, and return the entry's points; or
they raise `Refused` with the word for it and change nothing. `index`es count from 0 in the order of making.
"""

import calendar
import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

GRACE_DAYS = 30
NEVER = datetime.max.replace(tzinfo=UTC)


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


@dataclass(eq=False)
class Lot:
    number: int
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime | None
    idle_months: int | None = None
    origin: "Lot | None" = None
    lapsed: int = 0

    def is_open(self, at):
        return self.expires_at is None or self.expires_at > at

    def carries_on(self, lot):
        """Whether it is that lot, or what a merge or a reimbursement made of it."""
        return self is lot or (self.origin is not None and self.origin.carries_on(lot))


@dataclass
class Hold:
    parts: dict[Lot, int]
    held_at: datetime
    expires_at: datetime
    state: str = "OPEN"

    def is_active(self, at):
        return self.state == "OPEN" and self.expires_at > at


@dataclass
class Award:
    lot: Lot
    points: int
    returned: int = 0
    excused: int = 0


@dataclass
class Redemption:
    number: int
    points: int
    left: dict[Lot, int]
    asked: int = 0


@dataclass
class ClawBack:
    number: int
    forgiven: int
    lot: Lot  # the award's


@dataclass(eq=False)
class Ledger:
    """What was booked for a customer who was merged is corrected in the owner's account: who stands for them now."""

    terms: Terms
    count: "itertools.count[int]"  # of all ledgers: what happened after what
    is_known: bool = False  # has an account
    balance: int = 0
    entries: int = 0
    lots: list[Lot] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)
    redemptions: list[Redemption] = field(default_factory=list)
    claw_backs: list[ClawBack] = field(default_factory=list)
    activities: list[datetime] = field(default_factory=list)
    merged_into: "Ledger | None" = None
    merged_here: "list[Ledger]" = field(default_factory=list)

    # --- what there is

    @property
    def debt(self):
        return max(0, -self.balance)

    @property
    def owner(self):
        return self.merged_into or self

    def reserved(self, lot, at):
        return sum(hold.parts.get(lot, 0) for hold in self.holds if hold.is_active(at))

    def free(self, lot, at):
        return lot.remaining - self.reserved(lot, at)

    def spending_order(self, lots):
        """Those that lapse soonest first, then the oldest."""
        return sorted(lots, key=lambda lot: (lot.expires_at or NEVER, lot.number))

    def spendable(self, at):
        """What can be spent of which lots, in spending order."""
        usable = [lot for lot in self.lots if lot.available_at <= at and lot.is_open(at) and self.free(lot, at)]
        return {lot: self.free(lot, at) for lot in self.spending_order(usable)}

    def available(self, at):
        return sum(self.spendable(at).values())

    def pending(self, at):
        return sum(lot.remaining for lot in self.lots if lot.available_at > at and lot.is_open(at))

    def held(self, at):
        return sum(sum(hold.parts.values()) for hold in self.holds if hold.is_active(at))

    # --- verbs

    def award(self, points, at, *, is_purchase=True, booked_at=None):
        if is_purchase:
            self.keep_alive(at, booked_at or at)
        lot = self.earn(points, available_at(at, self.terms))
        self.awards.append(Award(lot, points))
        return points

    def adjust(self, points, at):
        if points > 0:
            self.earn(points, at)
        else:
            take(self.first(-points, at))
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
        award, owner = self.awards[index], self.owner
        if points > award.points - award.returned:
            raise Refused("too_many")
        while True:
            owner.lapse(at)
            own = [lot for lot in self.lots + owner.lots if lot.carries_on(award.lot)]
            excused = min(points, sum(lot.lapsed for lot in set(own)) - award.excused)
            due = points - excused
            in_order = owner.spending_order(owner.lots)
            free = {lot: owner.free(lot, at) for lot in sorted(in_order, key=lambda lot: lot not in own)}
            active = [hold for hold in owner.holds if hold.is_active(at)]
            if sum(free.values()) >= due or not active:
                break
            active[-1].state = "RELEASED"
        award.returned += points
        award.excused += excused
        covered = min(due, sum(free.values()))
        take(up_to(covered, free))
        booked = due if self.terms.keeps_debt else covered
        owner.book(-booked)
        self.claw_backs.append(ClawBack(next(self.count), due - booked, award.lot))
        return -booked

    def reimburse(self, index, points, at):
        """None: all that is left."""
        spent, owner = self.redemptions[index], self.owner
        left = spent.points - spent.asked
        if points is not None and points > left:
            raise Refused("too_many")
        given = asked = left if points is None else points
        spent.asked += asked
        for claw_back in sorted(self.claw_backs_of(spent), key=lambda claw_back: claw_back.number):
            if claw_back.number > spent.number:
                recouped = min(given, claw_back.forgiven)
                claw_back.forgiven -= recouped
                given -= recouped
        last_first = reversed(self.spending_order(spent.left))
        back = up_to(max(0, given - owner.debt), {lot: spent.left[lot] for lot in last_first})
        owner.book(given)
        for lot in owner.spending_order(back):
            spent.left[lot] -= back[lot]
            if not lot.is_open(at):
                owner.renew(lot, back[lot], at)
            elif lot in owner.lots:
                lot.remaining += back[lot]
            else:
                owner.carry_on(lot, back[lot])
        return given

    def claw_backs_of(self, spent):
        """Of own awards, and of those whose points came here in a merge before they could be spent."""
        came = [lot for lot in self.lots if lot.number < spent.number]
        others = [claw_back for ledger in self.merged_here for claw_back in ledger.claw_backs]
        return self.claw_backs + [one for one in others if any(lot.carries_on(one.lot) for lot in came)]

    def lapse(self, at):
        moments = set()
        for lot in self.lots:
            number = self.free(lot, at)
            if number and not lot.is_open(at):
                lot.remaining -= number
                lot.lapsed += number
                self.balance -= number
                moments.add(lot.expires_at)
        self.entries += len(moments)

    def merge_into(self, target, at):
        """All goes over: what is left, lot by lot, or the debt. Holds that are in the way end."""
        self.is_known = target.is_known = True
        self.release_all()
        self.lapse(at)
        target.lapse(at)
        if self.debt:
            owed = self.debt
            self.book(owed)
            target.release_all()
            target.lapse(at)
            free = {lot: lot.remaining for lot in target.spending_order(target.lots)}
            take(up_to(owed, free))
            target.book(-owed)
        elif self.balance:
            came = [lot for lot in self.lots if lot.remaining]
            repays = up_to(target.debt, {lot: lot.remaining for lot in self.spending_order(came)})
            target.book(self.balance)
            for lot in came:
                target.carry_on(lot, lot.remaining, repays.get(lot, 0))
                lot.remaining = 0
            self.book(-self.balance)
        self.merged_into = target
        target.merged_here.append(self)

    # --- what they share

    def book(self, points):
        self.is_known = True
        self.balance += points
        self.entries += 1

    def add_lot(self, points, remaining, since, lapses, idle_months=None, origin=None):
        self.lots.append(Lot(next(self.count), points, remaining, since, lapses, idle_months, origin))
        return self.lots[-1]

    def carry_on(self, lot, points, repaid=0):
        self.add_lot(points, points - repaid, lot.available_at, lot.expires_at, lot.idle_months, lot)

    def renew(self, lot, points, at):
        today = at.astimezone(ZoneInfo(self.terms.zone)).date()
        lapses = midnight(today + timedelta(days=GRACE_DAYS + 1), self.terms)
        self.add_lot(points, points, at, lapses, origin=lot)

    def earn(self, points, since):
        idle_months = self.terms.months if self.terms.policy == "INACTIVITY" else None
        lapses = lapse_at(since, self.terms.policy, self.terms.months, self.terms)
        for at in sorted(self.known_activities()) if idle_months else ():
            if at < lapses:
                lapses = max(lapses, lapse_at(at, "INACTIVITY", idle_months, self.terms))
        remaining = points - min(self.debt, points)
        self.book(points)
        return self.add_lot(points, remaining, since, lapses, idle_months)

    def first(self, points, at):
        """Which lots this many points come from."""
        self.is_known = True
        if points > self.available(at):
            raise Refused("insufficient_points")
        return up_to(points, self.spendable(at))

    def spend(self, parts, at):
        take(parts)
        points = sum(parts.values())
        self.book(-points)
        self.redemptions.append(Redemption(next(self.count), points, dict(parts)))
        self.keep_alive(at, at)
        return -points

    def known_activities(self):
        return [at for ledger in (self, *self.merged_here) for at in ledger.activities]

    def keep_alive(self, at, booked_at):
        self.activities.append(at)
        for ledger in (self, *self.merged_here):
            for lot in ledger.lots:
                if lot.idle_months and lot.is_open(max(at, booked_at)):
                    lot.expires_at = max(lot.expires_at, lapse_at(at, "INACTIVITY", lot.idle_months, self.terms))

    def release_all(self):
        for hold in self.holds:
            if hold.state == "OPEN":
                hold.state = "RELEASED"


def take(parts):
    for lot, number in parts.items():
        lot.remaining -= number


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
