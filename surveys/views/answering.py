"""The pages behind the links of a survey mail.

Whoever has a link may use it: no session stands behind it that another site could abuse, and a mail program that
unsubscribes with one click (RFC 8058) brings no CSRF token. GET never answers and never unsubscribes, because scanners
open links; what they open is noted apart.
"""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from customers.domain import consents
from customers.models import Purpose
from loyalty_site.lib import actors
from rewards.domain import letters
from surveys.domain import intents, partials, responses
from surveys.forms import ResponseForm, chosen_score
from surveys.models import Delivery


def with_link(view: Callable[[HttpRequest, Delivery], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Hands the view the delivery that the link names; speaks the customer's language unless another was chosen."""

    @wraps(view)
    def page(request: HttpRequest, token: str) -> HttpResponse:
        try:
            delivery = responses.read_token(token)
        except responses.LinkUnknown:
            return render(request, "surveys/link_unknown.html", status=404)
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        language = chosen if chosen in dict(settings.LANGUAGES) else delivery.customer.language
        with translation.override(language):
            response = view(request, delivery)
        response.headers["Content-Language"] = language
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return never_cache(csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(page)))


@with_link
def respond(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    survey = delivery.campaign.survey
    given = responses.of(delivery)
    if given or delivery.answered_on:
        page = {"survey": survey, "entry": responses.thanks_of(delivery), "is_customer": True}
        return redirect(request.path) if request.method == "POST" else render(request, "surveys/thanks.html", page)
    if not responses.is_open(delivery):
        return render(request, "surveys/closed.html", {"survey": survey}, status=410)
    partial = partials.of(delivery)
    is_sent = request.method == "POST"
    kept = partials.answers(partial)
    form = ResponseForm(survey, data=request.POST if is_sent else None, kept=kept, score=_score(request))
    if is_sent and "keep" in request.POST:
        return _keep(request, form, delivery)
    if form.is_valid() and _submit(form, delivery):
        return redirect(request.path)
    if not is_sent:
        _note_hit(request, delivery)
    context = {"survey": survey, "form": form, "delivery": delivery, "partial": partial}
    context["token"] = responses.token_for(delivery)
    return render(request, "surveys/respond.html", context)


@with_link
def trap(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    """No person sees this link; whoever finds it all the same is led to the survey."""
    intents.note(delivery=delivery, is_head=request.method == "HEAD", is_trap=True, at=timezone.now())
    return redirect("survey", responses.token_for(delivery))


@with_link
def unsubscribe(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    """POST answers with the page itself: who unsubscribes with one click follows no redirects."""
    customer = delivery.customer
    if request.method == "POST":
        by = actors.customer(customer.pk)
        consents.withdraw(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=by, at=timezone.now())
    allowed = consents.allows(customer=customer, purpose=Purpose.SURVEY_EMAIL)
    context = {"allowed": allowed, "token": letters.token_for(customer)}
    return render(request, "surveys/unsubscribe.html", context)


def _note_hit(request: HttpRequest, delivery: Delivery) -> None:
    is_head, at = request.method == "HEAD", timezone.now()
    intents.note(delivery=delivery, score=_score(request), is_head=is_head, at=at)
    if not is_head:
        responses.note_opened(delivery=delivery, at=at)


def _score(request: HttpRequest) -> int | None:
    return chosen_score(request.GET.get("score", ""))


def _keep(request: HttpRequest, form: ResponseForm, delivery: Delivery) -> HttpResponse:
    """What fits of an unfinished form. A script that keeps while people type says so and wants no page."""
    form.full_clean()
    try:
        partials.keep(delivery=delivery, answers=form.answers(), at=timezone.now())
    except responses.SurveyClosed:
        return redirect(request.path)
    return HttpResponse(status=204) if request.POST["keep"] == "quietly" else redirect(request.path)


def _submit(form: ResponseForm, delivery: Delivery) -> bool:
    """False when the domain refuses; the form then says why."""
    try:
        responses.submit(
            delivery=delivery,
            answers=form.answers(),
            language=translation.get_language() or delivery.customer.language,
            by=actors.customer(delivery.customer_id),
            at=timezone.now(),
        )
    except (responses.NothingAnswered, responses.SurveyClosed) as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
