"""The page of a case: its story in order, what the customer bought around it, what may be given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from customers.domain import customers
from customers.models import Purchase, Store, User
from loyalty_site.lib.admin import actor_label, named, own_stores
from loyalty_site.lib.numbers import points as points_text
from surveys.domain import case_mails, gestures, incoming_mail
from surveys.models import (
    WAITING,
    Answer,
    Case,
    CaseEvent,
    CaseEventKind,
    CaseGesture,
    CaseMail,
    CaseOutcome,
    CaseState,
    GestureBudget,
)

NEAR = timedelta(days=30)
PURCHASES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. `detail` says it in words; `text` is what somebody wrote, `quoted` what they repeated."""

    kind: str
    title: str
    happened_at: datetime
    who: str = ""
    detail: str = ""
    text: str = ""
    quoted: str = ""
    attachments: tuple[str, ...] = ()
    purchase: Purchase | None = None
    answers: tuple[Answer, ...] = ()
    mail: CaseMail | None = None


def show(request: HttpRequest, *, case: Case, at: datetime) -> dict[str, Any]:
    """The page's context; the number of queries does not grow with the story."""
    customer = customers.present(customer=case.customer) if case.customer else None
    return {
        "case": case,
        "customer": customer,
        "address": case_mails.address_of(case),
        "story": story(request, case=case),
        "is_overdue": case.state in WAITING and case.due_at < at,
        "is_waiting": case.state in WAITING,
        "gesture": gestures.standing_of(case),
        "budget": gestures.of_month(store=case.store, at=at) if case.store else None,
        "now": at,
    }


def story(request: HttpRequest, *, case: Case) -> list[Line]:
    """Everything that happened, the latest first."""
    events = list(case.events.annotate(named_actor=named("actor")).select_related("mail").order_by("pk"))
    names = _names(events)
    answers = _answers(case)
    lines = [_line(event, names, answers) for event in events]
    bought = [_bought(purchase) for purchase in _purchases(request, case)]
    return sorted([*bought, *lines], key=lambda line: line.happened_at)[::-1]


def _line(event: Any, names: Mapping[str, str], answers: tuple[Answer, ...]) -> Line:
    text, quoted = event.text, ""
    if event.kind == CaseEventKind.MAIL_IN:
        text, quoted = incoming_mail.split_quoted(event.text)
    is_opening = event.kind == CaseEventKind.OPENED
    return Line(
        kind=event.kind,
        title=event.get_kind_display(),
        happened_at=event.happened_at,
        who=actor_label(event.named_actor),
        detail=_detail(event, names),
        text="" if is_opening and answers else text,
        quoted=quoted,
        attachments=tuple(event.attachments),
        answers=answers if is_opening else (),
        mail=getattr(event, "mail", None),
    )


def _detail(event: CaseEvent, names: Mapping[str, str]) -> str:
    data = event.data
    match event.kind:
        case CaseEventKind.STATE:
            told = _("%(before)s → %(after)s") % {
                "before": CaseState(data["from"]).label,
                "after": CaseState(data["to"]).label,
            }
            return f"{told} · {CaseOutcome(data['outcome']).label}" if data.get("outcome") else told
        case CaseEventKind.ASSIGNMENT:
            store, owner = names.get(f"store:{data['store']}", ""), names.get(f"user:{data['owner']}", "")
            return " · ".join(text for text in (store, owner or _("nobody yet")) if text)
        case CaseEventKind.DUE if due_at := parse_datetime(str(data.get("due_at", ""))):
            return date_format(timezone.localtime(due_at), "DATETIME_FORMAT")
        case CaseEventKind.GESTURE | CaseEventKind.GESTURE_UNDONE:
            return points_text(data["points"]) if data["points"] else _("coupon")
        case CaseEventKind.MAIL_IN if data.get("automatic"):
            return _("automatic answer")
    return ""


def _names(events: list[Any]) -> dict[str, str]:
    """Of people and stores that the events name by id."""
    told = [event.data for event in events if event.kind == CaseEventKind.ASSIGNMENT]
    people = User.objects.filter(pk__in=[data["owner"] for data in told if data["owner"]])
    stores = Store.objects.filter(pk__in=[data["store"] for data in told if data["store"]])
    return {f"user:{user.pk}": user.email for user in people} | {f"store:{store.pk}": store.name for store in stores}


def _answers(case: Case) -> tuple[Answer, ...]:
    if case.response is None:
        return ()
    answers = case.response.answers.select_related("question").prefetch_related("choices__choice")
    return tuple(answers.order_by("question__position"))


def _purchases(request: HttpRequest, case: Case) -> list[Purchase]:
    """Around the case, as far as this person may see them."""
    if case.customer is None or not request.user.has_perm("customers.view_purchase"):
        return []
    family = customers.family(customer=customers.present(customer=case.customer))
    bought = Purchase.objects.filter(customer__in=family, purchased_at__gte=case.opened_at - NEAR)
    stores = own_stores(request)
    seen = (bought.filter(store__in=stores) if stores else bought).select_related("store")
    return list(seen.order_by("purchased_at")[:PURCHASES_SHOWN])


def _bought(purchase: Purchase) -> Line:
    return Line(kind="PURCHASE", title=_("purchase"), happened_at=purchase.purchased_at, purchase=purchase)


def budget_words(budget: GestureBudget | None) -> str:
    """What is left of it this month."""
    if budget is None:
        return _("No budget for gestures has been written for this store.")
    left = {"points": gestures.left_points(budget), "money": gestures.left_money(budget)}
    return _("Left this month: %(points)s and %(money)s.") % left


def gesture_words(gesture: CaseGesture) -> str:
    return points_text(gesture.points) if gesture.points else str(gesture.coupon and gesture.coupon.offer)
