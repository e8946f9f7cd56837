"""A purchase: filled in, quoted while it is, looked at, booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from customers.domain import attempts
from customers.domain.purchases import ReceiptConflict
from customers.models import Customer, Purchase
from loyalty_site.lib import money
from loyalty_site.lib.errors import DomainError
from loyalty_site.till import slips
from loyalty_site.till.access import Desk, desk_required
from loyalty_site.till.forms import PurchaseForm
from loyalty_site.till.lookups import customer_or_404, member, purchase_or_404
from rewards.domain import checkout, counter, coupon_refusals, coupons, points, queries, takebacks
from rewards.domain.checkout import Proposal, PurchaseIn, Quote
from rewards.models import Coupon

BOOK, MOST = "book", "most"


@dataclass(slots=True)
class _Till:
    """One purchase on its way."""

    desk: Desk
    customer: Customer | None
    at: datetime
    usable: list[Coupon]
    summary: points.PointsSummary | None
    slip: slips.Slip
    slip_is_good: bool
    form: PurchaseForm
    takes_points: bool
    quote: Quote | None = None
    proposed: Sequence[Proposal] = ()
    notice: str = ""

    def told(self, *, points_to_redeem: int | None = None) -> PurchaseIn:
        filled = self.form.cleaned_data
        wanted = filled.get("points") or 0
        return PurchaseIn(
            receipt_number=filled["receipt_number"] or self.slip.receipt_number,
            customer=self.customer,
            purchased_at=self.slip.at,
            currency=self.desk.store.currency,
            lines=[counter.goods(category=filled["category"], amount_minor=filled["amount"])],
            coupons=self.form.coupon_codes,
            points_to_redeem=wanted if points_to_redeem is None else points_to_redeem,
        )


@require_http_methods(["GET", "POST"])
@desk_required
def purchase(request: HttpRequest, desk: Desk, number: str | None = None) -> HttpResponse:
    """Each answer carries a quote as far as the form can be read; only what was quoted is booked."""
    customer = customer_or_404(number) if number else None
    till = _till(request, desk, customer)
    if request.method != "POST":
        return render(request, "till/purchase.html", _context(till))
    step = request.POST.get("step")
    if till.form.is_valid() and _may_try_codes(till):
        if step == MOST:
            _take_most_points(till)
        if step == BOOK and (booked := _book(till)):
            return redirect("till:purchase-booked", booked.pk)
        if not till.form.errors:
            _look(till)
        _count_wrong_codes(till)
        if till.quote and step != MOST and not request.htmx:  # type: ignore[attr-defined]
            coupon_refusals.count(refusals=till.quote.refusals.values(), store=desk.store, at=till.at)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "till/quote.html", _context(till))
    return render(request, "till/purchase.html", {**_context(till), "is_review": till.quote is not None})


@require_safe
@desk_required
def booked(request: HttpRequest, desk: Desk, purchase_id: int) -> HttpResponse:
    now = timezone.now()
    found = purchase_or_404(desk, purchase_id)
    is_recent = found.recorded_by == str(desk.by) and now - found.recorded_at < takebacks.UNDO_FOR
    context = {
        "desk": desk,
        "settlement": checkout.settled_before(purchase=found, at=now),
        "returns": found.returns.order_by("-pk"),
        "customer": member(found.customer),
        "is_fresh": is_recent,
        "is_all_back": not takebacks.everything_left(purchase=found),
    }
    return render(request, "till/booked.html", context)


def _till(request: HttpRequest, desk: Desk, customer: Customer | None) -> _Till:
    now = timezone.now()
    usable = queries.available_coupons(customer=customer, at=now) if customer else []
    summary = points.summary(customer=customer, at=now) if customer else None
    data = request.POST if request.method == "POST" else None
    initial = {"coupons": request.GET.getlist("coupon"), "codes": request.GET.get("code", "")[:40]}
    form = PurchaseForm(data, customer=customer, usable=usable, currency=desk.store.currency, initial=initial)
    in_currency = request.program.currency == desk.store.currency  # type: ignore[attr-defined]
    takes_points = bool(summary and summary.available and in_currency)
    slip, is_good = slips.read_or_issue(text=request.POST.get("slip", ""), at=now)
    return _Till(desk, customer, now, usable, summary, slip, is_good, form, takes_points)


def _may_try_codes(till: _Till) -> bool:
    try:
        if till.form.coupon_codes:
            attempts.refuse_when_used_up(limits=attempts.of_counter(by=till.desk.by), at=till.at)
    except attempts.TooManyAttempts as refusal:
        till.form.add_error("codes", str(refusal))
        return False
    return True


def _count_wrong_codes(till: _Till) -> None:
    """What is told is counted; what is over the limit is not told."""
    refusals = till.quote.refusals.values() if till.quote else ()
    wrong = sum(isinstance(refusal, coupons.CouponUnknown | coupons.CouponMistyped) for refusal in refusals)
    try:
        attempts.count(wrong=wrong, limits=attempts.of_counter(by=till.desk.by), at=till.at)
    except attempts.TooManyAttempts as refusal:
        till.quote = None
        till.form.add_error("codes", str(refusal))


def _book(till: _Till) -> Purchase | None:
    """None when there is something to look at first: the form says what, or the quote differs from what was shown."""
    told, store = till.told(), till.desk.store
    if not till.slip_is_good:
        till.notice = _("This page was open for too long. Please look again.")
        return None
    try:
        # Last, whether it is booked: then what it used up makes the quote another one, and the domain finds the first.
        if not _is_as_shown(till, told) and not _is_booked(till, told):
            return None
        category = till.form.cleaned_data["category"]
        with coupon_refusals.counted(store=store, at=till.at):
            settlement = counter.sell(purchase=told, category=category, store=store, by=till.desk.by, at=till.at)
    except DomainError as refusal:
        till.form.add_error(_field_of(refusal, till.form), str(refusal))
        return None
    return settlement.purchase


def _is_as_shown(till: _Till, told: PurchaseIn) -> bool:
    """Nothing is booked that the page did not show: another amount to pay is shown anew."""
    quote = checkout.quote(purchase=told, store=till.desk.store, by=till.desk.by, at=till.at)
    shown: int | None = till.form.cleaned_data["pays"]
    if shown is not None and shown != quote.paid_minor:
        till.notice = _("What is to pay has changed. Please look again.")
    return not quote.refusals and shown == quote.paid_minor


def _is_booked(till: _Till, told: PurchaseIn) -> bool:
    return Purchase.objects.filter(store=till.desk.store, receipt_number=told.receipt_number).exists()


def _look(till: _Till) -> None:
    """Sets the quote, or says in the form why there is none."""
    try:
        till.quote = checkout.quote(purchase=till.told(), store=till.desk.store, by=till.desk.by, at=till.at)
    except DomainError as refusal:
        till.form.add_error(_field_of(refusal, till.form), str(refusal))
        return
    wanted = till.form.cleaned_data.get("points") or 0
    if wanted > till.quote.points_payable:
        missing = points.InsufficientPoints(points=wanted, available=till.quote.points_payable)
        till.form.add_error("points", str(missing))
        till.quote = None
    _propose(till)


def _propose(till: _Till) -> None:
    """Coupons that would take off more than those that were chosen."""
    found = checkout.propose(purchase=till.told(), store=till.desk.store, at=till.at, usable=till.usable)
    proposed = [one for one in found if one.is_proposed]
    chosen = till.quote.discounts if till.quote else {}
    if {one.coupon.display_code for one in proposed} != set(chosen):
        till.proposed = proposed


def _take_most_points(till: _Till) -> None:
    try:
        without = checkout.quote(
            purchase=till.told(points_to_redeem=0), store=till.desk.store, by=till.desk.by, at=till.at
        )
    except DomainError:  # `_look` meets it again and says so
        return
    till.form.fill_points(without.points_payable)


def _field_of(refusal: DomainError, form: PurchaseForm) -> str | None:
    """Where the form shows it."""
    if isinstance(refusal, ReceiptConflict):
        return "receipt_number"
    if refusal.code.startswith(("points_", "insufficient_")) and "points" in form.fields:
        return "points"
    return "codes" if "coupon" in refusal.details else None


def _context(till: _Till) -> dict[str, Any]:
    return {
        "desk": till.desk,
        "customer": till.customer,
        "form": till.form,
        "slip": till.slip,
        "usable": till.usable,
        "ticked": till.form["coupons"].value() or [],
        "summary": till.summary,
        "quote": till.quote,
        "discounts": _named_discounts(till),
        "proposed": till.proposed,
        "currency": till.desk.store.currency,
        "takes_points": till.takes_points,
        "notice": till.notice,
        "keys": [*"789456123", _last_key(till.desk.store.currency), "0"],
    }


def _named_discounts(till: _Till) -> list[tuple[str, int]]:
    """Each coupon by the name of its offer where we know it, and what it takes off."""
    names = {coupon.display_code: str(coupon.offer) for coupon in till.usable}
    return [(names.get(code, code), minor) for code, minor in till.quote.discounts.items()] if till.quote else []


def _last_key(currency: str) -> str:
    """The keypad's point, where the currency has something behind it."""
    return str(get_format("DECIMAL_SEPARATOR")) if money.digits(currency) else "00"
