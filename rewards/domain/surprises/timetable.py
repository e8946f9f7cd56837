"""What the timetable surprises for: what happened is found by looking for occasions without a surprise."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from customers.domain import customers
from customers.domain.customers import CustomerClosed, CustomerMerged
from customers.models import Customer, Purchase
from loyalty_site.lib import statements
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import points
from rewards.domain.surprises.giving import Occasion, give, is_live
from rewards.models import SurpriseRule, Trigger

# Nobody is thanked for what was longer ago: files bring years of purchases at once.
CATCH_UP_DAYS = 3

Found = tuple[int, str, int | None, datetime]


def look_over(*, clock: Callable[[], datetime], until: datetime) -> None:
    """Lets every rule that does not show at the till give what is due, those with the highest priority first.

    One statement finds who is due; each customer is a short transaction of its own, which looks again under the lock.
    So a worker that is killed loses nothing, several at once give nothing twice, and a till waits for one customer at
    most. Who is booked for at this moment is left to the next look. Ends at `until`.
    """
    for rule in _rules(clock()):
        for found in due(rule=rule, at=clock()) if is_live(rule=rule, at=clock()) else ():
            if clock() >= until:
                return
            _look(rule, found, clock())


def due(*, rule: SurpriseRule, at: datetime) -> Iterable[Found]:
    """(customer, occasion, purchase, when) of what the rule has to give, the earliest first."""
    return statements.rows("SELECT * FROM surprises_due(%s, %s, %s)", (rule.pk, at, CATCH_UP_DAYS))


def _rules(at: datetime) -> list[SurpriseRule]:
    active = SurpriseRule.objects.filter(activated_at__lte=at, at_till=False, ended_at__isnull=True)
    return list(active.select_related("offer", "experiment").order_by("-priority", "pk"))


@transaction.atomic
def _look(rule: SurpriseRule, found: Found, at: datetime) -> None:
    customer_id, name, purchase_id, happened_at = found
    if not _claim(customer_id):
        return
    customer = Customer.objects.get(pk=customer_id)
    try:
        points.lock(customer=customer)
        if rule.trigger == Trigger.OVERDUE:
            customers.lock(customer=customer)  # who switches recommendations off now waits, or was first
    except (CustomerMerged, CustomerClosed):
        transaction.set_rollback(True)
        return
    if rule.trigger == Trigger.OVERDUE and not _is_away(customer_id, name):
        return
    purchase = Purchase.objects.get(pk=purchase_id) if purchase_id else None
    give(rule=rule, occasion=Occasion(customer, name, happened_at, purchase), by=SYSTEM, at=at)


def _is_away(customer_id: int, name: str) -> bool:
    """Whether it is still so: they bought nothing meanwhile, and still want a rhythm."""
    ((since,),) = statements.rows("SELECT surprises_away_since(%s)", (customer_id,))
    return since is not None and name == f"overdue:{since}"


def _claim(customer_id: int) -> bool:
    """Whether nobody else books for the customer just now. Who has no account yet is made one by the lock."""
    rows = statements.rows(
        "SELECT EXISTS (SELECT FROM rewards_pointsaccount WHERE customer_id = %s), EXISTS (SELECT FROM ("
        " SELECT FROM rewards_pointsaccount WHERE customer_id = %s FOR NO KEY UPDATE SKIP LOCKED) free)",
        (customer_id, customer_id),
    )
    ((has_account, is_free),) = rows
    return is_free or not has_account
