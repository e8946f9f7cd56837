"""The customer's coupons, rewards and ledger, and the pictures of rewards."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition, require_http_methods, require_safe

from customers.domain import attempts, consents, customers, profiling
from customers.forms import ConsentsForm, RecommendationsForm
from customers.models import Customer, Purpose
from customers.views.session import customer_required
from loyalty_site.lib import actors, colors
from loyalty_site.lib.errors import DomainError
from rewards.domain import catalogue, coupon_mails, explanations, letters, points, queries, redemptions, wallets
from rewards.forms import CodeForm, RedeemForm
from rewards.models import Program, Reward, RewardPicture, RewardRedemption

SOON = timedelta(days=7)
PAST_SHOWN = 20
SURPRISES_SHOWN = timedelta(days=30)
PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@customer_required
def coupons(request: HttpRequest, customer: Customer) -> HttpResponse:
    """What the customer has, and a form for a code that belongs to whoever bears it."""
    now = timezone.now()
    form, headers, status = CodeForm(request.POST or None), {}, 200
    if form.is_valid():
        limits = attempts.of_stranger(customer_id=customer.pk, address=get_adapter().get_client_ip(request))
        try:
            with attempts.judged(limits=limits, at=now) as attempt:
                taken = wallets.take(customer=customer, text=form.cleaned_data["code"], at=now)
                attempt.succeed()
        except attempts.TooManyAttempts as refusal:
            form.add_error("code", str(refusal))
            headers, status = {"Retry-After": str(refusal.seconds)}, 429
        except customers.CustomerMerged:
            raise
        except DomainError as refusal:
            form.add_error("code", str(refusal))
        else:
            messages.success(request, _("“%s” is yours now.") % taken.offer)
            return redirect("portal:coupons")
    context = {
        "usable": queries.available_coupons(customer=customer, at=now),
        "coming": queries.coming_coupons(customer=customer, at=now),
        "past": queries.past_coupons(customer=customer, at=now, limit=PAST_SHOWN),
        "surprises": queries.points_surprises(customer=customer, since=now - SURPRISES_SHOWN),
        "soon_until": now + SOON,
        "form": form,
    }
    page = render(request, "rewards/coupons.html", context, status=status)
    for name, value in headers.items():
        page.headers[name] = value
    return page


@require_safe
@customer_required
def coupon(request: HttpRequest, customer: Customer, coupon_id: int) -> HttpResponse:
    """One of their own, as mails lead to it; large, and good to print."""
    now = timezone.now()
    own = get_object_or_404(queries.own_coupons(customer=customer), pk=coupon_id)
    usable = coupon_mails.is_good(coupon=own, at=now)
    context = {"coupon": own, "usable": usable, "coming": own.good_from > now, "soon_until": now + SOON}
    return render(request, "rewards/coupon_page.html", context)


@require_safe
@customer_required
def rewards(request: HttpRequest, customer: Customer) -> HttpResponse:
    now = timezone.now()
    summary = points.summary(customer=customer, at=now)
    context = {
        "shelf": _shelf(request, customer, summary.available, now),
        "summary": summary,
        "pickups": queries.pending_redemptions(customer=customer),
    }
    return render(request, "rewards/rewards.html", context)


@require_http_methods(["GET", "POST"])
@customer_required
def redeem(request: HttpRequest, customer: Customer, reward_id: int) -> HttpResponse:
    """Asks, and on a yes takes the points that were shown. The form's token makes a second yes the same one."""
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
                reference=form.reference(),
                cost_points=form.cleaned_data["cost"],
                by=actors.customer(customer.pk),
                at=now,
            )
        except customers.CustomerMerged:
            raise
        except DomainError as error:
            refusal = str(error)
        else:
            return redirect("portal:redemption", taken.pk)
    summary = points.summary(customer=customer, at=now)
    shelf = _shelf(request, customer, summary.available, now)
    context = {
        "reward": reward,
        "form": RedeemForm(initial={"cost": reward.cost_points}),
        "refusal": refusal,
        "summary": summary,
        "shown": next((shown for shown in shelf if shown.reward == reward), None),
    }
    return render(request, "rewards/redeem.html", context)


@require_safe
@customer_required
def redemption(request: HttpRequest, customer: Customer, redemption_id: int) -> HttpResponse:
    own = _own_redemption(customer, redemption_id)
    context = {"redemption": own, "cancel_until": redemptions.own_until(redemption=own), "now": timezone.now()}
    return render(request, "rewards/redemption.html", context)


@require_http_methods(["GET", "POST"])
@customer_required
def cancel(request: HttpRequest, customer: Customer, redemption_id: int) -> HttpResponse:
    """Asks, and on a yes gives the points back; a second yes finds them given back."""
    own, refusal = _own_redemption(customer, redemption_id), ""
    if request.method == "POST":
        try:
            redemptions.cancel_own(redemption=own, by=actors.customer(customer.pk), at=timezone.now())
        except DomainError as error:
            refusal = str(error)
        else:
            return redirect("portal:redemption", own.pk)
    return render(request, "rewards/cancel.html", {"redemption": own, "refusal": refusal})


@require_safe
@condition(etag_func=lambda request, sha256: f'"{sha256}"')
def picture(request: HttpRequest, sha256: str) -> HttpResponse:
    """For anybody, pages and mails alike. The address names the bytes, so whoever has them need never ask again."""
    content = bytes(get_object_or_404(RewardPicture, pk=sha256).content)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "default-src 'none'"}
    return HttpResponse(content, content_type="image/webp", headers=headers)


@require_safe
def brand(request: HttpRequest, color: str) -> HttpResponse:
    """The stylesheet of a brand's color, `b00020`. The address says all that is in it."""
    try:
        palette = colors.palette(f"#{color}")
    except ValueError as error:
        raise Http404 from error
    page = render(request, "rewards/brand.css", {"palette": palette}, content_type="text/css; charset=utf-8")
    page.headers["Cache-Control"] = "public, max-age=86400"
    return page


def with_token(view: Callable[[HttpRequest, Customer], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Hands the view the customer whom a mail's link names, in their language unless another was chosen. Whoever has
    the link may use it, and one click of a mail program (RFC 8058) brings no CSRF token and follows no redirect. GET
    changes nothing, because scanners open links."""

    @wraps(view)
    def page(request: HttpRequest, token: str) -> HttpResponse:
        try:
            customer = letters.read_token(token)
        except letters.NewsLinkUnknown:
            return render(request, "surveys/link_unknown.html", status=404)
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        language = chosen if chosen in dict(settings.LANGUAGES) else customer.language
        with translation.override(language):
            response = view(request, customer)
        response.headers["Content-Language"], response.headers["X-Robots-Tag"] = language, "noindex"
        return response

    return never_cache(csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(page)))


@with_token
def unsubscribe(request: HttpRequest, customer: Customer) -> HttpResponse:
    news = Purpose.MARKETING_EMAIL
    if request.method == "POST":
        consents.withdraw(customer=customer, purpose=news, by=actors.customer(customer.pk), at=timezone.now())
    context = {"allowed": consents.allows(customer=customer, purpose=news), "token": letters.token_for(customer)}
    return render(request, "rewards/unsubscribe.html", context)


@with_token
def mail_preferences(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Which mails they get, and whether they are recommended things, for who came by a mail and need not sign in. Who
    has left gets none."""
    person = customers.present(customer=customer)
    if person.closed_at is not None:
        return render(request, "surveys/link_unknown.html", status=404)
    is_saved = request.method == "POST"
    if is_saved:
        _note_choice(request.POST, person)
        person.refresh_from_db()
    context = {
        "form": ConsentsForm(customer=person),
        "recommended": RecommendationsForm(customer=person),
        "person": person,
        "is_saved": is_saved,
    }
    return render(request, "rewards/mail_preferences.html", context)


def _note_choice(posted: QueryDict, person: Customer) -> None:
    """Of one of the page's two forms. Ticks cannot be wrong."""
    by, now = actors.customer(person.pk), timezone.now()
    if posted.get("part") == "recommendations":
        profiling.choose(customer=person, wanted="recommendations" in posted, by=by, at=now)
        return
    wishes = {purpose: purpose.value in posted and "none" not in posted for purpose in Purpose}
    consents.choose(customer=person, wishes=wishes, by=by, at=now)


def _shelf(request: HttpRequest, customer: Customer, spendable: int, now: datetime) -> list[catalogue.Shown]:
    program: Program = request.program  # type: ignore[attr-defined]
    return catalogue.shelf(customer=customer, spendable=spendable, program=program, at=now)


def _own_redemption(customer: Customer, redemption_id: int) -> RewardRedemption:
    return get_object_or_404(RewardRedemption.objects.select_related("reward"), customer=customer, pk=redemption_id)


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
