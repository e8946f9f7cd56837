"""From the audience to the answer: what became of each mail with its reminders.

Whoever is asked every month counts every month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag

from django.db.models import Q, QuerySet

from customers.models import Purpose
from surveys.domain import reports, statements
from surveys.domain.reports import Scope
from surveys.domain.scoring import Dispositions
from surveys.models import Delivery, SuppressionReason

# Who takes back their consent so soon after a mail refused it.
REFUSED_DAYS = 14
BEGUN = ("complete", "partial", "broken_off")


class Became(IntFlag):
    """What is known from a mail and its reminders, as `sql/reports_funnel.sql` counts it."""

    ANSWERED = 1
    BEGAN = 2
    HALF = 4
    REFUSED = 8
    OPENED = 16
    OPENED_BY_PROGRAM = 32
    ACCEPTED = 64
    UNCERTAIN = 128
    BOUNCED = 256
    REJECTED = 512
    WAITING = 1024
    INVITED = ACCEPTED | UNCERTAIN | BOUNCED | REJECTED | WAITING


# What counts most stands first.
_OUTCOMES = {
    Became.HALF: "partial",
    Became.REFUSED: "refused",
    Became.BEGAN: "broken_off",
    Became.ACCEPTED: "silent",
    Became.UNCERTAIN: "uncertain",
    Became.BOUNCED: "bounced",
    Became.REJECTED: "rejected",
    Became.WAITING: "waiting",
}


@dataclass(frozen=True, slots=True)
class Funnel:
    """`suppressed` by reason come on top of `invited`, `waiting` are part of it. Opened pages are a hint: programs that
    look for dangerous links open them too. `unconfirmed` opened a link and did not begin to answer; of these
    `programs` did what people do not."""

    suppressed: Mapping[SuppressionReason, int]
    waiting: int
    rejected: int
    opened: int
    unconfirmed: int
    programs: int
    dispositions: Dispositions

    @property
    def chosen(self) -> int:
        return self.invited + sum(self.suppressed.values())

    @property
    def invited(self) -> int:
        return self.waiting + self.dispositions.asked

    @property
    def left(self) -> int:
        """Whose mail left or may have left; what the server refused did not."""
        return self.dispositions.asked - self.rejected

    @property
    def begun(self) -> int:
        return self.dispositions.complete + self.dispositions.partial + self.dispositions.broken_off

    @property
    def answered(self) -> int:
        return self.dispositions.complete


def mails(scope: Scope) -> QuerySet[Delivery]:
    """Those that were to leave in the scope's time, whenever they are answered, in the customers' language. They belong
    to the store of the purchase that they ask about, else to the customer's home store.
    """
    rows = Delivery.objects.filter(campaign__survey=scope.survey)
    if scope.stores:
        at_home = Q(purchase__isnull=True, customer__home_store__in=scope.stores)
        rows = rows.filter(at_home | Q(purchase__store__in=scope.stores))
    if scope.segment:
        rows = reports.of_segment(rows, scope.segment)
    if scope.since:
        rows = rows.filter(not_before__gte=scope.since)
    if scope.until:
        rows = rows.filter(not_before__lt=scope.until)
    if scope.campaign:
        rows = rows.filter(campaign=scope.campaign)
    if scope.language:
        rows = rows.filter(customer__language=scope.language)
    return rows


def funnel(scope: Scope) -> Funnel:
    """In one query."""
    chosen = mails(scope).values_list(
        "pk", "reminds", "customer", "state", "reason", "opened_at", "settled_at", "answered_on", "opened_by_program"
    )
    told: dict[str, list[int] | int | str] = {
        "purpose": str(Purpose.SURVEY_EMAIL),
        "refused_days": REFUSED_DAYS,
        "survey": scope.survey.pk,
    }
    counts: dict[str, int] = {}
    reasons: dict[SuppressionReason, int] = {}
    opened = unconfirmed = programs = 0
    for bits, reason, count in statements.run("reports_funnel", chosen, told):
        became = Became(bits)
        outcome = _outcome(became)
        counts[outcome] = counts.get(outcome, 0) + count
        if outcome == "suppressed":
            reasons[SuppressionReason(reason)] = reasons.get(SuppressionReason(reason), 0) + count
        if outcome in BEGUN:
            opened += count
            continue
        opened += count if Became.OPENED in became else 0
        unconfirmed += count if became & (Became.OPENED | Became.OPENED_BY_PROGRAM) else 0
        programs += count if Became.OPENED_BY_PROGRAM in became else 0
    return Funnel(
        suppressed=reasons,
        waiting=counts.get("waiting", 0),
        rejected=counts.get("rejected", 0),
        opened=opened,
        unconfirmed=unconfirmed,
        programs=programs,
        dispositions=Dispositions(
            complete=counts.get("complete", 0),
            partial=counts.get("partial", 0),
            broken_off=counts.get("broken_off", 0),
            refused=counts.get("refused", 0),
            silent=counts.get("silent", 0),
            uncertain=counts.get("uncertain", 0),
            undelivered=counts.get("bounced", 0) + counts.get("rejected", 0),
        ),
    )


def _outcome(became: Became) -> str:
    if Became.ANSWERED in became:
        return "complete"
    if not became & Became.INVITED:
        return "suppressed"
    return next(outcome for bit, outcome in _OUTCOMES.items() if bit in became)
