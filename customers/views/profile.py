"""The page "Me": each card is a form of its own."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from customers.domain import consents, preferences, profiles, profiling
from customers.forms import ConsentsForm, DetailsForm, PreferencesForm, RecommendationsForm
from customers.models import Customer
from customers.views.session import customer_required, speak
from loyalty_site.lib import actors


@require_http_methods(["GET", "POST"])
@customer_required
def profile(request: HttpRequest, customer: Customer) -> HttpResponse:
    part = request.POST.get("part")
    details = DetailsForm(request.POST if part == "details" else None, customer=customer)
    liked = PreferencesForm(request.POST if part == "preferences" else None, customer=customer)
    allowed = ConsentsForm(request.POST if part == "consents" else None, customer=customer)
    recommended = RecommendationsForm(request.POST if part == "recommendations" else None, customer=customer)
    if details.is_valid() and _change(customer, details):
        return _saved(request, details.cleaned_data["language"])
    if liked.is_valid():
        preferences.state(customer=customer, categories=liked.cleaned_data["categories"], at=timezone.now())
        return _saved(request, customer.language)
    if allowed.is_valid():
        by = actors.customer(customer.pk)
        consents.choose(customer=customer, wishes=allowed.purposes(), by=by, at=timezone.now())
        return _saved(request, customer.language)
    if recommended.is_valid():
        wanted, by = recommended.cleaned_data["recommendations"], actors.customer(customer.pk)
        profiling.choose(customer=customer, wanted=wanted, by=by, at=timezone.now())
        return _saved(request, customer.language)
    context = {"details": details, "liked": liked, "allowed": allowed, "recommended": recommended}
    return render(request, "customers/profile.html", context)


def _change(customer: Customer, form: DetailsForm) -> bool:
    """False with an error beside the field when the domain refuses."""
    try:
        profiles.change(customer=customer, by=actors.customer(customer.pk), at=timezone.now(), **form.cleaned_data)
    except profiles.PhoneTaken as refusal:
        form.add_error("phone", str(refusal))
        return False
    except profiles.BirthdayFixed as refusal:
        form.add_error("birthday", str(refusal))
        return False
    return True


def _saved(request: HttpRequest, language: str) -> HttpResponse:
    with translation.override(language):
        messages.success(request, _("Saved. Thank you!"))
    response = redirect("portal:profile")
    speak(response, language)
    return response
