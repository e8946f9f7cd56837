"""What if: the programme as it is in a form, and what would have come of it had it been another."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer, Purchase
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.money import format_money
from loyalty_site.lib.numbers import grouped
from loyalty_site.lib.texts import joined
from rewards.admin.simulation_form import WhatIfForm
from rewards.domain import simulation
from rewards.domain.simulation import Draft, Outcome

PERMISSION = "rewards.view_earningrule"
# What a page may ask for while somebody waits; more is for the command.
PURCHASES_MAX, CUSTOMERS_MAX = 100_000, 50_000
BAR_ROOM, BAR_STEP = 500, 96  # of a drawing that is 660 wide


def page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    now = timezone.now()
    form = WhatIfForm(request.GET if "since" in request.GET else None, at=now)
    context: dict[str, Any] = {**site.each_context(request), "title": _("What if"), "form": form}
    if form.is_valid():
        context["command"] = form.command()
        context["is_too_much"] = _is_too_much(form)
        if not context["is_too_much"]:
            draft = form.draft()
            try:
                found = simulation.run(draft=draft, since=form.start, at=now)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                sentences = _sentences(found, draft)
                context |= {"found": found, "sentences": sentences, "more": joined(sentences[1:]), "rows": _rows(found)}
                context["bars"], context["bars_height"] = _bars(found), BAR_STEP * len(found.tiers)
    return TemplateResponse(request, "admin/rewards/simulation.html", context)


def _is_too_much(form: WhatIfForm) -> bool:
    """Counts no further than it must."""
    purchases = Purchase.objects.filter(purchased_at__gte=form.start)
    return (
        purchases[: PURCHASES_MAX + 1].count() > PURCHASES_MAX
        or Customer.objects.all()[: CUSTOMERS_MAX + 1].count() > CUSTOMERS_MAX
    )


def _sentences(found: Outcome, draft: Draft) -> list[str]:
    cost, owed = found.cost_minor, found.liability_change_minor
    values = {"day": date_format(timezone.localtime(found.since), "DATE_FORMAT")}
    values |= {"cost": format_money(abs(cost), found.currency), "owed": format_money(abs(owed), found.currency)}
    if draft == Draft():
        return [
            _("This is the programme as it is, since %(day)s: change something to see what would be different.")
            % values
        ]
    if cost:
        costs = _("This would have cost %(cost)s more since %(day)s.") if cost > 0 else _(
            "This would have cost %(cost)s less since %(day)s.")  # fmt: skip
    else:
        costs = _("This would have cost the same since %(day)s.")
    if owed:
        owes = _("What is owed would grow by %(owed)s.") if owed > 0 else _("What is owed would shrink by %(owed)s.")
    else:
        owes = _("What is owed would stay as it is.")
    more = ngettext(
        "%(more)s customer would have earned more points, %(fewer)s fewer.",
        "%(more)s customers would have earned more points, %(fewer)s fewer.",
        found.customers_more,
    ) % {"more": grouped(found.customers_more), "fewer": grouped(found.customers_fewer)}
    said = [costs % values, more, owes % values]
    if found.tiers_up or found.tiers_down:
        moved = {"up": grouped(found.tiers_up), "down": grouped(found.tiers_down)}
        said.append(_("Customers in a higher tier: %(up)s, in a lower one: %(down)s.") % moved)
    return said


def _rows(found: Outcome) -> list[tuple[str, int, int, int]]:
    """Title, as it was, as it would be, difference."""
    return [(title, was, would_be, would_be - was) for title, was, would_be in found.rows()]


def _bars(found: Outcome) -> list[dict[str, Any]]:
    """A name and two bars for each tier, the lowest first: what the drawing needs, in its own units."""
    most = max([1, *(max(one.was, one.would_be) for one in found.tiers)])
    return [
        {
            "name": str(one.tier) if one.tier else _("No tier"),
            "y": BAR_STEP * number + 22,
            "bars": [
                {"group": group, "count": count, "y": BAR_STEP * number + top, "width": width,
                 "text_x": width + 8, "text_y": BAR_STEP * number + top + 20}
                for group, count, top in (("was", one.was, 30), ("would-be", one.would_be, 60))
                for width in (max(2, round(BAR_ROOM * count / most)),)
            ],
        }
        for number, one in enumerate(found.tiers)
    ]  # fmt: skip
