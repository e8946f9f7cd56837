"""Goods that come back: their purchase is found, what comes back is chosen and looked at, and booked."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from customers.domain import purchases
from customers.models import Purchase, PurchaseReturn
from loyalty_site.lib.errors import DomainError
from loyalty_site.till import slips
from loyalty_site.till.access import Desk, desk_required
from loyalty_site.till.forms import ReturnLineForm
from loyalty_site.till.lookups import TEXT_MAX, customer_or_404, member, purchase_or_404, receipts
from rewards.domain import checkout, counter, takebacks
from rewards.domain.checkout import ReturnIn

PURCHASES_SHOWN = 20


@require_safe
@desk_required
def find(request: HttpRequest, desk: Desk, number: str | None = None) -> HttpResponse:
    """By receipt number, in this store; or among a customer's last purchases, wherever they were."""
    customer = customer_or_404(number) if number else None
    text = request.GET.get("receipt", "").strip()[:TEXT_MAX]
    found = receipts(desk.store, text).first() if text else None
    if found:
        return redirect("till:return", found.pk)
    bought = Purchase.objects.filter(customer=customer).select_related("store").order_by("-purchased_at", "-id")
    context = {
        "desk": desk,
        "customer": customer,
        "text": text,
        "purchases": bought[:PURCHASES_SHOWN] if customer else [],
    }
    return render(request, "till/return_find.html", context)


@require_http_methods(["GET", "POST"])
@desk_required
def take_back(request: HttpRequest, desk: Desk, purchase_id: int) -> HttpResponse:
    now = timezone.now()
    purchase = purchase_or_404(desk, purchase_id)
    forms = _forms(request, purchase)
    slip, is_ours = slips.read_or_issue(text=request.POST.get("slip", ""), at=now)
    context: dict[str, Any] = {
        "desk": desk,
        "customer": member(purchase.customer),
        "purchase": purchase,
        "forms": forms,
        "slip": slip,
    }
    step = request.POST.get("step")
    known = PurchaseReturn.objects.filter(purchase=purchase, store=desk.store, return_number=slip.number).first()
    if step == "book" and known:
        return redirect("till:returned", known.pk)
    if request.method == "POST" and all(form.is_valid() for form in forms):
        told = ReturnIn(slip.number, slip.at, [form.line() for form in forms if form.cleaned_data["chosen"]])
        try:
            if step == "book" and is_ours:
                taken = checkout.take_back(
                    purchase=purchase, told=told, store=desk.store, till=None, by=desk.by, at=now
                )
                return redirect("till:returned", taken.purchase_return.pk)
            foretold = takebacks.foretell(purchase=purchase, told=told, store=desk.store, by=desk.by, at=now)
            context["outcome"] = foretold
        except DomainError as error:
            context["refusal"] = str(error)
    return render(request, "till/return.html", context)


@require_safe
@desk_required
def returned(request: HttpRequest, desk: Desk, return_id: int) -> HttpResponse:
    made = PurchaseReturn.objects.filter(pk=return_id).first()
    if made is None:
        raise Http404
    made.purchase = purchase_or_404(desk, made.purchase_id)
    outcome = takebacks.outcome(purchase_return=made, at=timezone.now())
    context = {"desk": desk, "customer": member(made.purchase.customer), "made": made, "outcome": outcome}
    return render(request, "till/returned.html", context)


def _forms(request: HttpRequest, purchase: Purchase) -> list[ReturnLineForm]:
    """One for each line of which something is left. The only line is chosen unless told otherwise."""
    names = dict(purchase.lines.exclude(product__sku=counter.GOODS_SKU).values_list("position", "product__name"))
    left = [line for line in purchases.lines_left(purchase=purchase) if not line.is_all_back]
    data = request.POST if request.method == "POST" else None
    return [
        ReturnLineForm(
            data,
            line=line,
            name=names.get(line.position) or _("Goods without category"),
            currency=purchase.currency,
            is_only=len(left) == 1,
        )
        for line in left
    ]
