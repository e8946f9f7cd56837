"""The customer's coupons, rewards and ledger."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from customers.models import Customer
from customers.views.session import customer_required
from loyalty_site.lib import actors
from loyalty_site.lib.errors import DomainError
from rewards.domain import explanations, points, queries, redemptions
from rewards.forms import RedeemForm
from rewards.models import Reward, RewardRedemption

SOON = timedelta(days=7)
PAST_SHOWN = 20
PAGE = 25


@require_safe
@customer_required
def coupons(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = timezone.now()
    context = {
        "usable": queries.available_coupons(customer=customer, at=now),
        "past": queries.past_coupons(customer=customer, at=now, limit=PAST_SHOWN),
        "soon_until": now + SOON,
    }
    return render(request, "rewards/coupons.html", context)


@require_safe
@customer_required
def rewards(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = timezone.now()
    context = {
        "rewards": queries.catalogue(at=now),
        "summary": points.summary(customer=customer, at=now),
        "pickups": queries.pending_redemptions(customer=customer),
    }
    return render(request, "rewards/rewards.html", context)


@require_http_methods(["GET", "POST"])
@customer_required
def redeem(request: HttpRequest, customer: Customer, reward_id: int) -> HttpResponse:
    """Asks, and on a yes takes the points. The form's token makes a second yes the same one."""
    now = timezone.now()
    reward = get_object_or_404(Reward, pk=reward_id)
    form = RedeemForm(request.POST or None)
    refusal = ""
    if form.is_valid():
        try:
            taken = redemptions.request(
                customer=customer,
                reward=reward,
                quantity=1,
                reference=form.reference(customer.pk),
                by=actors.customer(customer.pk),
                at=now,
            )
        except DomainError as error:
            refusal = str(error)
        else:
            return redirect("portal:redemption", taken.pk)
    summary = points.summary(customer=customer, at=now)
    context = {"reward": reward, "form": RedeemForm(), "refusal": refusal, "summary": summary}
    context["can_redeem"] = reward in queries.catalogue(at=now) and reward.cost_points <= summary.available
    return render(request, "rewards/redeem.html", context)


@require_safe
@customer_required
def redemption(request: HttpRequest, customer: Customer, redemption_id: int) -> HttpResponse:
    own = RewardRedemption.objects.select_related("reward").filter(customer=customer)
    return render(request, "rewards/redemption.html", {"redemption": get_object_or_404(own, pk=redemption_id)})


@require_safe
@customer_required
def activity(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Pages by the number of the last entry seen, so that new entries never shift them."""
    text = request.GET.get("before", "")
    before = int(text) if text.isdecimal() and len(text) < 19 else None
    found = queries.ledger_page(customer=customer, before_seq=before, limit=PAGE + 1)
    shown = explanations.explained(found[:PAGE])
    older = shown[-1].seq if len(found) > PAGE else None
    return render(request, "rewards/activity.html", {"entries": shown, "older": older, "before": before})
