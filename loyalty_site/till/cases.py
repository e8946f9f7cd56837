"""What a customer says at the counter, written down for whoever answers for the store."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from loyalty_site.lib.errors import DomainError
from loyalty_site.till.access import Desk, desk_required
from loyalty_site.till.forms import CaseForm
from loyalty_site.till.lookups import customer_or_404
from surveys.domain import cases
from surveys.models import CaseChannel


@require_http_methods(["GET", "POST"])
@desk_required
def case(request: HttpRequest, desk: Desk, number: str) -> HttpResponse:
    """Of this store, and due when cases are."""
    if not request.user.has_perm("surveys.add_case"):
        raise PermissionDenied
    person = customer_or_404(number)
    form = CaseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            cases.begin(
                channel=CaseChannel.COUNTER,
                words=form.cleaned_data["words"],
                store=desk.store,
                customer=person,
                token=form.cleaned_data["token"],
                by=desk.by,
                at=timezone.now(),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect(f"{request.path}?noted")
    context = {"desk": desk, "customer": person, "form": form, "noted": "noted" in request.GET}
    return render(request, "till/case.html", context)
