"""The page where a segment is built of filters, and the drawing of how its size went."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.domain import built_segments, segment_terms
from customers.models import Customer, Segment
from loyalty_site.admin.segment_form import Builder, HeadForm, errors, menu
from loyalty_site.lib.admin import acting, list_url, row_url
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.numbers import grouped
from loyalty_site.segment_facts import FACTS

if TYPE_CHECKING:
    from loyalty_site.lib.admin import ModelAdmin

WIDTH, HEIGHT, FLOOR = 600, 140, 110
DAYS_DRAWN = 180
_PLACE = re.compile(r"[0-9]{1,4}")


def page(model_admin: "ModelAdmin", request: HttpRequest, segment: Segment | None) -> HttpResponse:
    """Buttons send the whole form: `act` says which was pressed."""
    act = request.POST.get("act", "")
    shown = {"name": segment.name, "description": segment.description} if segment and not act else request.POST
    head = HeadForm(request.POST if act == "save" else None, initial=shown)
    builder = _builder(request, segment)
    size = ""
    if act == "save":
        if saved := _saved(head, builder, segment, request):
            messages.success(request, _("“%s” is saved and filled.") % saved)
            return HttpResponseRedirect(row_url(model_admin, saved))
    elif act == "count":
        size = _size(builder)
    else:
        _change(builder, act, request)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "original": segment,
        "title": _("Filters of “%s”") % segment if segment else _("Build a segment of filters"),
        "head": head,
        "builder": builder,
        "menu": menu(FACTS),
        "size": size,
        "count_url": reverse("admin:customers_segment_count"),
        "back": row_url(model_admin, segment) if segment else list_url(Segment),
    }
    return TemplateResponse(request, "admin/customers/segment/build.html", context)


def _saved(head: HeadForm, builder: Builder, segment: Segment | None, request: HttpRequest) -> Segment | None:
    """None where something is wrong, which the form says then."""
    is_head_valid, is_valid = head.is_valid(), builder.is_valid()
    if not builder.groups:
        head.add_error(None, _("Add a filter first."))
    if not (is_head_valid and is_valid):
        return None
    try:
        return built_segments.save(
            segment=segment,
            **head.cleaned_data,
            terms=builder.terms(),
            facts=FACTS,
            by=acting(request),
            at=timezone.now(),
        )
    except DomainError as refusal:
        head.add_error(None, str(refusal))
        return None


def count(request: HttpRequest) -> HttpResponse:
    """How many customers the form as it stands is for: `{"size": …}` to be shown as it is."""
    if not (request.user.has_perm("customers.add_segment") or request.user.has_perm("customers.change_segment")):
        raise PermissionDenied
    return JsonResponse({"size": _size(_builder(request, None))})


def _builder(request: HttpRequest, segment: Segment | None) -> Builder:
    currency: str = request.program.currency  # type: ignore[attr-defined]
    if request.method == "POST":
        return Builder.posted(request.POST, facts=FACTS, currency=currency)
    terms = segment.terms if segment else None
    return Builder.of_terms(terms or [], facts=FACTS, currency=currency)


def _change(builder: Builder, act: str, request: HttpRequest) -> None:
    verb, _colon, what = act.partition(":")
    if verb == "drop":
        builder.drop(what)
    elif verb == "add":
        builder.add(request.POST.get(f"new-{what}", ""), int(what) if _PLACE.fullmatch(what) else None)


def _size(builder: Builder) -> str:
    """A sentence, whatever comes."""
    if not builder.groups:
        return _("Add a filter to see how many customers it is for.")
    if not builder.is_valid():
        return " ".join(errors(builder)) or _("Fill in the new filter to see how many customers it is for.")
    try:
        number = segment_terms.count(builder.terms(), facts=FACTS, at=timezone.now())
    except DomainError as refusal:
        return str(refusal)
    everybody = Customer.objects.filter(closed_at__isnull=True).count()
    said = ngettext("%(number)s customer", "%(number)s customers", number) % {"number": grouped(number)}
    if not everybody:
        return said
    share = number_format(round(100 * number / everybody, 1), 1)
    return _("%(customers)s now, %(share)s %% of all in the programme") % {"customers": said, "share": share}


def drawn(segment: Segment) -> str:
    """The sizes of the last half year as a line; each also as text for who cannot see it."""
    since = timezone.now().date() - timedelta(days=DAYS_DRAWN)
    sizes = list(segment.sizes.filter(day__gte=since).order_by("day").values_list("day", "customers"))
    if not sizes:
        return "–"
    most = max([1, *(customers for _day, customers in sizes)])
    first, span = sizes[0][0], max((sizes[-1][0] - sizes[0][0]).days, 1)
    points: list[dict[str, Any]] = [
        {
            "day": day,
            "customers": customers,
            "x": round(10 + (WIDTH - 20) * (day - first).days / span, 1),
            "y": round(FLOOR - (FLOOR - 25) * customers / most, 1),
        }
        for day, customers in sizes
    ]
    context = {"points": points, "width": WIDTH, "height": HEIGHT, "floor": FLOOR, "line": _line(points)}
    return render_to_string("admin/customers/segment/history.html", context)


def _line(points: list[dict[str, Any]]) -> str:
    return " ".join(f"{point['x']},{point['y']}" for point in points)
