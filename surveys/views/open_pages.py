"""The pages behind an open link: for whoever scans the code of a poster, in the language of their browser.

Unlike the links of mails it goes with the session of who is signed in, so a POST needs its CSRF token.
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID, uuid4

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from customers.domain import attempts
from customers.models import Customer
from customers.views.session import current_customer
from loyalty_site.lib import actors
from surveys.domain import open_links, responses
from surveys.forms import ResponseForm
from surveys.models import OpenLink


def with_code(view: Callable[[HttpRequest, OpenLink], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Hands the view the link that the address names."""

    @wraps(view)
    def page(request: HttpRequest, code: str) -> HttpResponse:
        try:
            link = open_links.read_code(code)
        except responses.LinkUnknown:
            return render(request, "surveys/link_unknown.html", {"is_open": True}, status=404)
        response = view(request, link)
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return never_cache(require_http_methods(["GET", "HEAD", "POST"])(page))


@with_code
def respond(request: HttpRequest, link: OpenLink) -> HttpResponse:
    customer = current_customer(request)
    if open_links.of_customer(link=link, customer=customer):
        return redirect("survey-open-thanks", link.code)
    if not open_links.is_open(link):
        return render(request, "surveys/closed.html", {"survey": link.survey}, status=410)
    form = ResponseForm(link.survey, data=request.POST if request.method == "POST" else None)
    wait = 0
    if form.is_valid():
        try:
            if _submit(form, request, link, customer):
                return redirect("survey-open-thanks", link.code)
        except attempts.TooManyAttempts as refusal:
            told = translation.gettext("Many answers came from your network just now. Please try again later.")
            form.add_error(None, told)
            wait = refusal.seconds
    context = {
        "survey": link.survey,
        "form": form,
        "points": open_links.thanks(link),
        "page_key": _page_key(request) or uuid4(),
    }
    page = render(request, "surveys/open.html", context, status=429 if wait else 200)
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page


@with_code
def thanks(request: HttpRequest, link: OpenLink) -> HttpResponse:
    given = open_links.of_customer(link=link, customer=current_customer(request))
    page = {"survey": link.survey, "entry": given and given.points_entry, "is_customer": given is not None}
    return render(request, "surveys/thanks.html", page)


def _submit(form: ResponseForm, request: HttpRequest, link: OpenLink, customer: Customer | None) -> bool:
    """False when the domain refuses; the form then says why. Raises TooManyAttempts."""
    at = timezone.now()
    if customer is None or link.survey.is_anonymous:
        attempts.take(limits=attempts.of_answers(address=get_adapter().get_client_ip(request)), at=at)
    try:
        open_links.submit(
            link=link,
            answers=form.answers(),
            customer=customer,
            page_key=_page_key(request) or uuid4(),
            language=translation.get_language() or settings.LANGUAGE_CODE,
            by=actors.customer(customer.pk) if customer else actors.SYSTEM,
            at=at,
        )
    except (responses.NothingAnswered, responses.SurveyClosed) as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


def _page_key(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("page_key", ""))
    except ValueError:
        return None
