"""A newcomer joins at the counter."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from customers.domain import enrollment
from loyalty_site.lib import codes
from loyalty_site.till.access import Desk, desk_required
from loyalty_site.till.forms import EnrollForm
from loyalty_site.till.lookups import TEXT_MAX


@require_http_methods(["GET", "POST"])
@desk_required
def enroll(request: HttpRequest, desk: Desk) -> HttpResponse:
    guess = request.GET.get("q", "")[:TEXT_MAX]
    form = EnrollForm(request.POST if request.method == "POST" else None, guess=guess)
    known = ""
    if form.is_valid():
        filled = form.cleaned_data
        try:
            newcomer = enrollment.enroll(
                name=filled["name"],
                email=filled["email"],
                phone=str(filled["phone"] or ""),
                language=filled["language"],
                home_store=desk.store,
                consents=form.purposes(),
                by=desk.by,
                at=timezone.now(),
            )
        except enrollment.CustomerExists as refusal:
            known = codes.normalize(str(refusal.details["number"]))
            form.add_error(None, str(refusal))
        else:
            return redirect("till:customer", newcomer.number)
    return render(request, "till/enroll.html", {"desk": desk, "form": form, "known": known, "customer": None})
