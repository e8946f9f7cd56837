"""From the audience to the answer: what became of everybody, each counted once with all their mails of a campaign."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from customers.models import Purpose
from surveys.domain import intents, reports, statements
from surveys.domain.reports import Scope
from surveys.domain.scoring import Dispositions
from surveys.models import Delivery, SuppressionReason

# Who takes back their consent so soon after a mail refused it.
REFUSED_DAYS = 14
BEGUN = ("complete", "partial", "broken_off")


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
        "pk", "campaign", "customer", "state", "reason", "opened_at", "settled_at", "answered_on"
    )
    told: dict[str, list[int] | int | str] = {
        "purpose": str(Purpose.SURVEY_EMAIL),
        "refused_days": REFUSED_DAYS,
        "survey": scope.survey.pk,
        "program_scores": intents.SCORES,
        "program_seconds": intents.SECONDS,
    }
    counts: dict[str, int] = {}
    reasons: dict[SuppressionReason, int] = {}
    opened = unconfirmed = programs = 0
    for outcome, reason, has_opened, was_hit, is_program, count in statements.run("reports_funnel", chosen, told):
        counts[outcome] = counts.get(outcome, 0) + count
        if outcome == "suppressed":
            reasons[SuppressionReason(reason)] = reasons.get(SuppressionReason(reason), 0) + count
        opened += count if has_opened or outcome in BEGUN else 0
        unconfirmed += count if was_hit and outcome not in BEGUN else 0
        programs += count if is_program and outcome not in BEGUN else 0
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
