"""Rewards for points, rewards waiting to be picked up, and gifts of coupons."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from customers.domain.attempts import TooManyAttempts
from loyalty_site.lib.errors import DomainError
from loyalty_site.till import slips
from loyalty_site.till.access import Desk, desk_required
from loyalty_site.till.lookups import TEXT_MAX, coupon_or_404, customer_or_404, member, one_by_text
from rewards.domain import catalogue, counter, coupon_redemptions, coupon_refusals, points, redemptions, takebacks
from rewards.models import Coupon, CouponRedemption, CouponState, Reward, RewardRedemption


@require_http_methods(["GET", "POST"])
@desk_required
def reward(request: HttpRequest, desk: Desk, number: str, reward_id: int) -> HttpResponse:
    """Asks, and on a yes takes the points and hands over."""
    now, person = timezone.now(), customer_or_404(number)
    wanted = get_object_or_404(Reward, pk=reward_id)
    refusal = ""
    if request.method == "POST":
        try:
            slip = slips.read(text=request.POST.get("slip", ""), at=now)
            taken = counter.hand_over(
                customer=person,
                reward=wanted,
                cost_points=_shown_cost(request),
                reference=f"{takebacks.COUNTER}{slip.number}",
                by=desk.by,
                at=now,
            )
        except slips.SlipTooOld:
            pass  # the page asks again
        except DomainError as error:
            refusal = str(error)
        else:
            return redirect("till:pickup", taken.pickup_code)
    summary = points.summary(customer=person, at=now)
    program = request.program  # type: ignore[attr-defined]
    shelf = catalogue.shelf(customer=person, spendable=summary.available, program=program, at=now)
    context = {
        "desk": desk,
        "customer": person,
        "shown": next((shown for shown in shelf if shown.reward == wanted), None),
        "reward": wanted,
        "summary": summary,
        "refusal": refusal,
        "slip": slips.issue(at=now),
    }
    return render(request, "till/reward.html", context)


def _shown_cost(request: HttpRequest) -> int:
    """The price on the page; one that cannot be read is nobody's, so the domain refuses it."""
    text = request.POST.get("cost", "")
    return int(text) if text.isdecimal() and len(text) < 10 else -1


@require_http_methods(["GET", "POST"])
@desk_required
def pickup(request: HttpRequest, desk: Desk, code: str) -> HttpResponse:
    waiting = RewardRedemption.objects.select_related("reward", "customer")
    redemption = get_object_or_404(waiting, pickup_code=code)
    refusal = ""
    if request.method == "POST":
        try:
            redemptions.fulfil(redemption=redemption, by=desk.by, at=timezone.now())
        except DomainError as error:
            refusal = str(error)
        else:
            return redirect("till:pickup", redemption.pickup_code)
    summary = points.summary(customer=redemption.customer, at=timezone.now())
    context = {
        "desk": desk,
        "customer": member(redemption.customer),
        "redemption": redemption,
        "summary": summary,
        "refusal": refusal,
    }
    return render(request, "till/pickup.html", context)


@require_http_methods(["GET", "POST"])
@desk_required
def coupon(request: HttpRequest, desk: Desk, code: str) -> HttpResponse:
    """A gift is handed over here, a bearer's to whom the cashier names; other coupons go with a purchase."""
    now = timezone.now()
    try:
        found = coupon_or_404(desk, code, now)
    except TooManyAttempts as too_many:
        return render(request, "till/home.html", {"desk": desk, "notice": str(too_many)}, status=429)
    refusal = ""
    who = request.POST.get("who", "").strip()[:TEXT_MAX]
    if request.method == "POST":
        try:
            owner = found.customer or (one_by_text(who) if who else None)
            before = _shown_uses(request)
            with coupon_refusals.counted(store=desk.store, at=now):
                used = coupon_redemptions.redeem(
                    coupon=found, customer=owner, store=desk.store, uses_before=before, by=desk.by, at=now
                )
        except DomainError as error:
            own = _used_here(request, found, desk) if isinstance(error, coupon_redemptions.CouponUsedSince) else None
            if own:
                return _outcome(found, own)
            refusal = str(error)
            found.refresh_from_db()
        else:
            return _outcome(found, used)
    redemption = _shown(request, found, desk)
    context = {
        "desk": desk,
        "customer": member(found.customer),
        "coupon": found,
        "who": who,
        "redemption": redemption,
        "is_own": redemption is not None and redemption.redeemed_by == str(desk.by),
        "refusal": refusal,
        "has_expired": bool(found.expires_at and found.expires_at <= now),
    }
    return render(request, "till/coupon.html", context)


def _outcome(coupon: Coupon, redemption: CouponRedemption) -> HttpResponse:
    return redirect(f"{reverse('till:coupon', args=[coupon.code])}?done={redemption.pk}")


def _used_here(request: HttpRequest, coupon: Coupon, desk: Desk) -> CouponRedemption | None:
    """What this desk has used since the page was shown: the button was pressed twice."""
    since = coupon_redemptions.standing(coupon=coupon).order_by("pk")[_shown_uses(request) or 0 :]
    return next((one for one in since if one.redeemed_by == str(desk.by)), None)


def _shown(request: HttpRequest, coupon: Coupon, desk: Desk) -> CouponRedemption | None:
    """What was just done here, else by what the coupon was used up: uses by others say nothing where more are left."""
    text = request.GET.get("done", "")
    own = coupon_redemptions.standing(coupon=coupon).filter(redeemed_by=str(desk.by))
    done = own.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
    used_up = coupon.state == CouponState.REDEEMED
    return done or (coupon_redemptions.latest(coupon=coupon) if used_up else None)


def _shown_uses(request: HttpRequest) -> int | None:
    """How often the coupon was used when the page was shown, so that a button pressed twice hands over once."""
    text = request.POST.get("used", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None
