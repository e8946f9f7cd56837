"""Customer pages that draw on several apps."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from customers.domain.recommendations import lists
from customers.models import Customer, RecommendationKind
from customers.views.session import customer_required, enter
from loyalty_site import personal_data
from loyalty_site.lib import actors
from rewards.domain import catalogue, explanations, points, queries, tiers
from rewards.models import Program
from rewards.views import SOON

ENTRIES_SHOWN = 5
SHOWN_OF_A_KIND = 4
DEMO_CARD = "demo-customer"


@require_safe
@customer_required
def home(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = timezone.now()
    summary = points.summary(customer=customer, at=now)
    program: Program = request.program  # type: ignore[attr-defined]
    shelf = catalogue.shelf(customer=customer, spendable=summary.available, program=program, at=now)
    items = lists.for_customer(customer=customer, limit=lists.SIZE, at=now)
    context = {
        "summary": summary,
        "standing": tiers.standing(customer=customer, at=now),
        "entries": explanations.explained(queries.ledger_page(customer=customer, limit=ENTRIES_SHOWN)),
        "coupons": queries.available_coupons(customer=customer, at=now),
        "soon_until": now + SOON,
        "pickups": queries.pending_redemptions(customer=customer),
        "again": [item for item in items if item.kind == RecommendationKind.AGAIN][:SHOWN_OF_A_KIND],
        "new": [item for item in items if item.kind == RecommendationKind.NEW][:SHOWN_OF_A_KIND],
        "affordable": [shown for shown in reversed(shelf) if not shown.obstacle],
        "next_reward": next((shown.reward for shown in shelf if shown.obstacle == "points_missing"), None),
    }
    return render(request, "portal/home.html", context)


@require_POST
@customer_required
def own_data(request: HttpRequest, customer: Customer) -> HttpResponse:
    """All that is known of them, as a file to keep."""
    packed = personal_data.archive(customer=customer, by=actors.customer(customer.pk), at=timezone.now())
    return handed_out(packed, customer)


def handed_out(packed: bytes, customer: Customer) -> HttpResponse:
    name = f'attachment; filename="{customer.number}.zip"'
    return HttpResponse(packed, content_type="application/zip", headers={"Content-Disposition": name})


@never_cache
@require_http_methods(["GET", "POST"])
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """Direct sign-in as the demo's customer; a POST, so that no link or prefetch signs anybody in."""
    if not settings.LOYALTY_DEMO:
        raise Http404
    customer = get_object_or_404(Customer, cards__number=DEMO_CARD, closed_at__isnull=True)
    if request.method == "POST":
        return enter(request, customer)
    return render(request, "portal/demo.html", {"person": customer})
