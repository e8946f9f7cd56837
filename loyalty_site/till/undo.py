"""The last thing done, undone: shown with all that it will do, then done."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from customers.models import Purchase, PurchaseReturn
from loyalty_site.lib.errors import DomainError
from loyalty_site.till import slips
from loyalty_site.till.access import Desk, desk_required
from loyalty_site.till.lookups import member
from rewards.domain import checkout, coupon_redemptions, takebacks
from rewards.domain.checkout import ReturnIn
from rewards.models import CouponRedemption, RedemptionState, RewardRedemption

Act = Purchase | RewardRedemption | CouponRedemption


@require_http_methods(["GET", "POST"])
@desk_required
def undo(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Undoes what the page showed, nothing else: `act` says what that was."""
    now = timezone.now()
    act = takebacks.last_act(store=desk.store, by=desk.by, at=now)
    slip, is_ours = slips.read_or_issue(text=request.POST.get("slip", ""), at=now)
    notice = refusal = ""
    if request.method == "POST":
        named = request.POST.get("act", "")
        if done := _done_before(named, slip, desk):
            return redirect(done)
        if act is None or not is_ours or _name(act) != named:
            notice = _("Something else was booked since. Please look again.")
        else:
            try:
                return redirect(_undone(act, slip, desk, now))
            except DomainError as error:
                if done := _done_before(named, slip, desk):  # by the same button, at the same moment
                    return redirect(done)
                refusal = str(error)
    context = {"desk": desk, "slip": slip, "notice": notice, "refusal": refusal, "customer": None}
    context |= _shown(act, slip, desk, now) if act else {}
    return render(request, "till/undo.html", context)


def _undone(act: Act, slip: slips.Slip, desk: Desk, at: datetime) -> str:
    """Where it is shown."""
    if isinstance(act, Purchase):
        told = ReturnIn(slip.number, slip.at, takebacks.everything_left(purchase=act))
        taken = checkout.take_back(purchase=act, told=told, store=desk.store, till=None, by=desk.by, at=at)
        return reverse("till:returned", args=[taken.purchase_return.pk])
    if isinstance(act, CouponRedemption):
        coupon_redemptions.undo_hand_over(redemption=act, by=desk.by, at=at)
        return reverse("till:coupon", args=[act.coupon.code])
    takebacks.undo_reward(redemption=act, by=desk.by, at=at)
    return reverse("till:pickup", args=[act.pickup_code])


def _done_before(named: str, slip: slips.Slip, desk: Desk) -> str | None:
    """Where it is shown what the first press of the button did."""
    made = PurchaseReturn.objects.filter(store=desk.store, return_number=slip.number).first()
    if made:
        return reverse("till:returned", args=[made.pk])
    kind, _colon, key = named.partition(":")
    if not key.isdecimal() or len(key) > 18:
        return None
    if kind == CouponRedemption._meta.model_name:
        undone = CouponRedemption.objects.filter(pk=int(key), rolled_back_by=str(desk.by))
        code = undone.values_list("coupon__code", flat=True).first()
        return reverse("till:coupon", args=[code]) if code else None
    if kind != RewardRedemption._meta.model_name:
        return None
    cancelled = RewardRedemption.objects.filter(pk=int(key), state=RedemptionState.CANCELLED, closed_by=str(desk.by))
    code = cancelled.values_list("pickup_code", flat=True).first()
    return reverse("till:pickup", args=[code]) if code else None


def _shown(act: Act, slip: slips.Slip, desk: Desk, at: datetime) -> dict[str, Any]:
    """What the page tells of the act, and of what undoing it will do; a refusal when somebody undid it just now."""
    about = {"act": _name(act), "customer": member(act.customer)}
    if isinstance(act, CouponRedemption):
        return {**about, "gift": act}
    try:
        if isinstance(act, Purchase):
            told = ReturnIn(slip.number, slip.at, takebacks.everything_left(purchase=act))
            outcome = takebacks.foretell(purchase=act, told=told, store=desk.store, by=desk.by, at=at)
            return {**about, "purchase": act, "outcome": outcome}
        after = takebacks.foretell_cancelled(redemption=act, by=desk.by, at=at)
    except DomainError as error:
        return {"refusal": str(error)}
    return {**about, "redemption": act, "after": after}


def _name(act: Act | None) -> str:
    return f"{act._meta.model_name}:{act.pk}" if act else ""
