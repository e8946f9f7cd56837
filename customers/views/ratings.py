"""What customers say of products they are shown."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from customers.domain import ratings
from customers.models import Customer, Product
from customers.views.session import customer_required


@require_POST
@customer_required
def not_for_me(request: HttpRequest, customer: Customer) -> HttpResponse:
    sku = request.POST.get("sku", "").replace("\0", "")
    product = get_object_or_404(Product, sku=sku)
    ratings.rate(customer=customer, product=product, stars=1, at=timezone.now())
    messages.success(request, _("You will not be shown this again."))
    return redirect("portal:home")
