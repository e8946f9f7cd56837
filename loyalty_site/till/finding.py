"""The first page: one field finds whom or what a cashier has before them."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from customers.domain import attempts, customers, ratings
from customers.domain.recommendations import lists
from customers.models import Customer, Product, Purchase
from loyalty_site.lib import codes
from loyalty_site.till.access import STORE_KEY, Desk, desk_required, own_stores, refuse_unless_staff
from loyalty_site.till.lookups import TEXT_MAX, customer_or_404, receipts
from rewards.domain import catalogue, points, queries, tiers
from rewards.models import Coupon, Program, Reward, RewardRedemption

FOUND_SHOWN = 12
SHOWN_OF_A_KIND = 12
PURCHASES_SHOWN = 5
SUGGESTED = 3


@require_safe
@desk_required
def home(request: HttpRequest, desk: Desk) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:TEXT_MAX]
    try:
        where = _named(desk, text, timezone.now()) if text else None
    except attempts.TooManyAttempts as too_many:
        return render(request, "till/home.html", {"desk": desk, "text": text, "notice": str(too_many)}, status=429)
    if where:
        return redirect(where)
    found = list(customers.search(text=text, limit=FOUND_SHOWN + 1, with_closed=False)) if text else []
    context = {
        "desk": desk,
        "text": text,
        "found": found[:FOUND_SHOWN],
        "has_more": len(found) > FOUND_SHOWN,
        "customer": None,
    }
    return render(request, "till/home.html", context)


@require_safe
@desk_required
def customer(request: HttpRequest, desk: Desk, number: str) -> HttpResponse:
    now = timezone.now()
    person = customer_or_404(number)
    summary = points.summary(customer=person, at=now)
    bought = Purchase.objects.filter(customer=person).select_related("store").order_by("-purchased_at", "-id")
    context = {
        "desk": desk,
        "customer": person,
        "summary": summary,
        "standing": tiers.standing(customer=person, at=now),
        "coupons": queries.available_coupons(customer=person, at=now)[:SHOWN_OF_A_KIND],
        "rewards": _within_reach(person, summary, request.program, now),  # type: ignore[attr-defined]
        "suggestions": lists.for_customer(customer=person, limit=SUGGESTED, at=now),
        "pickups": queries.pending_redemptions(customer=person)[:SHOWN_OF_A_KIND],
        "purchases": bought[:PURCHASES_SHOWN],
    }
    return render(request, "till/customer.html", context)


@require_POST
@desk_required
def not_for_them(request: HttpRequest, desk: Desk, number: str) -> HttpResponse:
    """What the customer says no to is not mentioned again."""
    person = customer_or_404(number)
    product = get_object_or_404(Product, sku=request.POST.get("sku", "").replace("\0", ""))
    ratings.rate(customer=person, product=product, stars=1, at=timezone.now())
    messages.success(request, _("%s will not be mentioned again.") % product)
    return redirect("till:customer", number=person.number)


@require_http_methods(["GET", "POST"])
def store(request: HttpRequest) -> HttpResponse:
    """Where they work today, kept in the session."""
    refused = refuse_unless_staff(request)
    if refused:
        return refused
    stores = own_stores(request.user)  # type: ignore[arg-type]
    wanted = request.POST.get("store", "")
    if request.method == "POST" and wanted.isdecimal() and len(wanted) < 19 and stores.filter(pk=int(wanted)).exists():
        request.session[STORE_KEY] = int(wanted)
        return redirect(_wanted_next(request))
    context = {"stores": stores, "chosen": request.session.get(STORE_KEY), "next": _wanted_next(request)}
    return render(request, "till/store.html", context)


def _wanted_next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/till/")
    return wanted if is_ours else resolve_url("till:home")


def _within_reach(person: Customer, summary: points.PointsSummary, program: Program, at: datetime) -> list[Reward]:
    """What can be taken now, the dearest first."""
    shelf = catalogue.shelf(customer=person, spendable=summary.available, program=program, at=at)
    return [shown.reward for shown in reversed(shelf) if not shown.obstacle][:SHOWN_OF_A_KIND]


def _named(desk: Desk, text: str, at: datetime) -> str | None:
    """The same as `_named_exactly`; what looks like a code and names nothing is counted. Raises TooManyAttempts."""
    if len(text) < Coupon.BODY_LENGTH or not any(sign.isdigit() for sign in text):
        return _named_exactly(desk, text)
    limits = attempts.of_counter(by=desk.by)
    attempts.refuse_when_used_up(limits=limits, at=at)
    where = _named_exactly(desk, text)
    if where is None:
        attempts.take(limits=limits, at=at)
    return where


def _named_exactly(desk: Desk, text: str) -> str | None:
    """The page of the one customer, coupon, pick-up or receipt of this store that the text names; None else.

    A customer who has the text as their name is found among others by `search`.
    """
    people = customers.find(text=text)
    if people:
        return _page_of(people) if len(people) == 1 else None
    code = codes.normalize(text)
    if not code.isascii() or not code.isalnum():
        return _receipt(desk, text)
    coupon = Coupon.objects.filter(code=code).first()
    if coupon:
        return reverse("till:coupon", args=[coupon.code])
    pickup = RewardRedemption.objects.filter(pickup_code=code).first()
    if pickup:
        return reverse("till:pickup", args=[pickup.pickup_code])
    return _receipt(desk, text)


def _page_of(people: list[Customer]) -> str:
    return reverse("till:customer", args=[people[0].number])


def _receipt(desk: Desk, text: str) -> str | None:
    bought = receipts(desk.store, text).first()
    return reverse("till:purchase-booked", args=[bought.pk]) if bought else None
