"""Saying sorry with points or a coupon, out of what the store may give in a month.

Whoever gives one locks the points account, then the case, then takes it from the budget: one conditional statement, so
that the budget holds however many give at once. The ledger and the coupon name `case:<n>`.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as now_in_words
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, customers
from customers.models import Customer, Store
from loyalty_site.lib import numbers
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.money import format_money
from rewards.domain import adjustments, alerts, coupons, points
from rewards.models import AlertKind, PointsEntry
from surveys.domain import cases
from surveys.models import Case, CaseEventKind, CaseGesture, GestureBudget, GestureOffer


class GestureGivenAlready(DomainError):
    code = "gesture_given_already"
    message = _("A gesture was given in this case already.")


class GestureNeedsCustomer(DomainError):
    code = "gesture_needs_customer"
    message = _("Nobody can be given anything: the case names no customer.")


class GestureNeedsStore(DomainError):
    code = "gesture_needs_store"
    message = _("Which store pays for it? Please pass the case on to a store first.")


class BudgetMissing(DomainError):
    code = "gesture_budget_missing"
    message = _("No budget for gestures has been written for this store.")


class BudgetSpent(DomainError):
    code = "gesture_budget_spent"
    message = _("This is more than what is left this month: %(points)s and %(money)s.")


class GestureNeedsSecond(DomainError):
    code = "gesture_needs_second"
    message = _("So many points need a second person: adjust the points on the customer's page.")


class GestureOtherCurrency(DomainError):
    code = "gesture_other_currency"
    message = _("This offer is in another currency than the store's budget.")


def reference_of(case: Case) -> str:
    """What the ledger and coupons call it; the second gesture of a case, after the first was taken back, has a number
    of its own."""
    before = CaseGesture.objects.filter(case=case).count()
    return f"case:{case.pk}:{before + 1}" if before else f"case:{case.pk}"


@transaction.atomic
def give_points(*, case: Case, number: int, reason: str, by: Actor, at: datetime) -> CaseGesture:
    """Raises GestureNeedsCustomer, GestureNeedsStore, GestureGivenAlready, GestureNeedsSecond, BudgetMissing,
    BudgetSpent, CaseWordsMissing, CustomerMerged, CustomerClosed."""
    customer, store = _locked(case)
    if adjustments.needs_second(customer=customer, points_wanted=number, by=by, at=at):
        raise GestureNeedsSecond
    budget = take(store=store, number=number, at=at)
    entry = points.award(
        customer=customer, points=number, reference=reference_of(case), reason=_apology(customer), by=by, at=at
    )
    alerts.note_own(kind=AlertKind.OWN_ADJUSTMENT, fact=f"case:{case.pk}", customer=customer, by=by, at=at)
    return _given(case, CaseGesture(budget=budget, points_entry=entry, points=number), reason, by, at)


@transaction.atomic
def give_coupon(*, case: Case, offer: GestureOffer, reason: str, by: Actor, at: datetime) -> CaseGesture:
    """The same, and raises GestureOtherCurrency, OfferNotLive, OfferWithdrawn."""
    customer, store = _locked(case)
    if offer.offer.currency != store.currency:
        raise GestureOtherCurrency
    budget = take(store=store, cost_minor=offer.cost_minor, at=at)
    coupon = coupons.issue(offer=offer.offer, customer=customer, reference=reference_of(case), by=by, at=at)
    given = CaseGesture(budget=budget, coupon=coupon, cost_minor=offer.cost_minor)
    return _given(case, given, reason, by, at)


@transaction.atomic
def take_back(*, gesture: CaseGesture, reason: str, by: Actor, at: datetime) -> None:
    """What is left of the points is taken back, or the coupon is void, and the budget has it again. A second time
    changes nothing. Raises CouponAlreadyRedeemed, CaseWordsMissing."""
    assert gesture.case.customer is not None
    customer = points.lock_owner(customer=gesture.case.customer)
    standing = CaseGesture.objects.filter(pk=gesture.pk, undone_at__isnull=True)
    if not standing.update(undone_at=at, undone_by=str(by)):
        return
    reason = cases.told(reason)
    number = _clawed_back(gesture.pk, gesture.points_entry, customer.language, by, at)
    if gesture.coupon:
        coupons.void(coupon=gesture.coupon, reason=reference_of(gesture.case), by=by, at=at)
    GestureBudget.objects.filter(pk=gesture.budget_id).update(
        points_spent=F("points_spent") - number, spent_minor=F("spent_minor") - gesture.cost_minor
    )
    data: dict[str, object] = {"points": number, "cost_minor": gesture.cost_minor}
    cases.note_event(case=gesture.case, kind=CaseEventKind.GESTURE_UNDONE, text=reason, data=data, by=by, at=at)
    _record("case.gesture_taken_back", gesture.case, data, by, at)


@transaction.atomic
def take(*, store: Store, number: int = 0, cost_minor: int = 0, at: datetime) -> GestureBudget:
    """Takes points or money from the store's budget of this month. Raises BudgetMissing, BudgetSpent."""
    budget = of_month(store=store, at=at)
    if budget is None:
        raise BudgetMissing
    has_room = GestureBudget.objects.filter(
        pk=budget.pk,
        points_max__gte=F("points_spent") + number,
        budget_minor__gte=F("spent_minor") + cost_minor,
    )
    taken = has_room.update(points_spent=F("points_spent") + number, spent_minor=F("spent_minor") + cost_minor)
    if not taken:
        budget.refresh_from_db()
        raise BudgetSpent(points=left_points(budget), money=left_money(budget))
    return budget


def of_month(*, store: Store, at: datetime) -> GestureBudget | None:
    """The store's budget of the month on its own clock; where none was written, the latest before goes on."""
    month = month_of(store=store, at=at)
    latest = GestureBudget.objects.filter(store=store, month__lte=month).select_related("store").order_by("-month")
    budget = latest.first()
    if budget is None or budget.month == month:
        return budget
    carried = GestureBudget(store=store, month=month, points_max=budget.points_max, budget_minor=budget.budget_minor)
    GestureBudget.objects.bulk_create([carried], ignore_conflicts=True)
    return latest.get(month=month)


def month_of(*, store: Store, at: datetime) -> date:
    return at.astimezone(ZoneInfo(store.timezone)).date().replace(day=1)


def left_points(budget: GestureBudget) -> str:
    return numbers.points(budget.points_max - budget.points_spent)


def left_money(budget: GestureBudget) -> str:
    return format_money(budget.budget_minor - budget.spent_minor, budget.store.currency)


def standing_of(case: Case) -> CaseGesture | None:
    """The gesture that was given and not taken back."""
    standing = CaseGesture.objects.filter(case=case, undone_at__isnull=True)
    return standing.select_related("coupon__offer", "points_entry", "case__customer").first()


def offers_for(*, case: Case, at: datetime) -> QuerySet[GestureOffer]:
    """The offers to say sorry that are live, in the currency of the store's budget."""
    live = GestureOffer.objects.filter(
        Q(offer__valid_to__isnull=True) | Q(offer__valid_to__gt=at),
        offer__valid_from__lte=at,
        offer__published_at__lte=at,
        offer__withdrawn_at__isnull=True,
    )
    currency = case.store.currency if case.store else ""
    return live.filter(offer__currency=currency).select_related("offer").order_by("cost_minor", "pk")


def _locked(case: Case) -> tuple[Customer, Store]:
    """Who gets it and which store pays, as the case stands now; both stay so until the transaction ends."""
    if case.customer is None:
        raise GestureNeedsCustomer
    customer = customers.present(customer=case.customer)
    points.lock(customer=customer)
    locked = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("store").get(pk=case.pk)
    if locked.store is None:
        raise GestureNeedsStore
    if CaseGesture.objects.filter(case=case, undone_at__isnull=True).exists():
        raise GestureGivenAlready
    return customer, locked.store


def _apology(customer: Customer) -> str:
    """As the customer reads it in their points."""
    with translation.override(customer.language):
        return now_in_words("with our apologies")


def _given(case: Case, gesture: CaseGesture, reason: str, by: Actor, at: datetime) -> CaseGesture:
    gesture.case, gesture.given_at, gesture.given_by = case, at, str(by)
    gesture.save(force_insert=True)
    data: dict[str, object] = {"points": gesture.points, "cost_minor": gesture.cost_minor}
    if gesture.coupon_id:
        data["coupon"] = gesture.coupon_id
    words = cases.told(reason)
    cases.note_event(case=case, kind=CaseEventKind.GESTURE, text=words, data=data, by=by, at=at)
    _record("case.gesture_given", case, data, by, at)
    return gesture


def _clawed_back(pk: int, entry: PointsEntry | None, language: str, by: Actor, at: datetime) -> int:
    """How many points came back: what was spent may be forgiven."""
    if entry is None:
        return 0
    with translation.override(language):
        reason = now_in_words("the gesture was not meant")
    reference = f"case-gesture:{pk}"
    taken = points.claw_back(entry=entry, points=entry.points, reference=reference, reason=reason, by=by, at=at)
    return -taken.points


def _record(action: str, case: Case, data: dict[str, object], by: Actor, at: datetime) -> None:
    """Without the reason, which may name a person: the case keeps it, and can forget it."""
    audit.record(actor=by, action=action, subject=f"case:{case.pk}", data=data, at=at)
