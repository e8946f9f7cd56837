"""Customers at the till: who they are and what they have."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Router

from customers.api import calls
from customers.api.calls import TillRequest
from customers.domain import customers, enrollment
from customers.models import Category, Purpose, TillScope
from customers.schemas import EnrollIn
from loyalty_site.lib import actors
from loyalty_site.lib.api import cursors
from loyalty_site.lib.api.fields import Code, Limit, Text
from loyalty_site.lib.errors import DomainError
from rewards.api import shapes
from rewards.domain import queries
from rewards.schemas.shown import CustomerList, CustomerOut, EntryList

router = Router(tags=["customers"])


class CategoryUnknown(DomainError):
    code = "category_unknown"
    message = _("There is no category %(category)s.")


@calls.post(router, "/customers", gives=CustomerOut, status=201, scope=TillScope.ENROLL)
def enroll_customer(request: TillRequest, told: EnrollIn) -> CustomerOut:
    """Somebody joins. A known e-mail address or phone number is refused with the `number` of whose it is."""
    now = timezone.now()
    made = enrollment.enroll(
        name=told.name,
        email=told.email or "",
        phone=told.phone or "",
        birthday=told.birthday,
        language=told.language,
        home_store=request.auth.store,
        consents=[Purpose(purpose) for purpose in told.consents],
        preferences=_categories(told.preferences),
        by=actors.till(request.auth.pk),
        at=now,
    )
    with calls.texts_for(request, made):
        return shapes.customer(made, at=now)


@calls.get(router, "/customers", gives=CustomerList)
def find_customers(request: TillRequest, q: Text) -> CustomerList:
    """By phone number, e-mail address, number or card, whatever was typed or scanned; only exact matches."""
    now = timezone.now()
    items = []
    for found in customers.find(text=q):
        with calls.texts_for(request, found):
            items.append(shapes.customer(found, at=now))
    return CustomerList(items=items)


@calls.get(router, "/customers/{number}", gives=CustomerOut)
def show_customer(request: TillRequest, number: Code) -> CustomerOut:
    """With points, the rewards they suffice for, and the coupons that a till would take now."""
    found = customers.by_number(number=number)
    with calls.texts_for(request, found):
        return shapes.customer(found, at=timezone.now())


@calls.get(router, "/customers/{number}/entries", gives=EntryList)
def list_entries(
    request: TillRequest, number: Code, limit: Limit = 20, cursor: cursors.Cursor | None = None
) -> EntryList:
    """The points ledger, newest first, each entry explained in words."""
    owner = customers.by_number(number=number)
    found = queries.ledger_page(customer=owner, before_seq=cursor, limit=limit + 1)
    page = found[:limit]
    with calls.texts_for(request, owner):
        items = shapes.entries(page)
    return EntryList(items=items, next_cursor=cursors.written(page[-1].seq) if len(found) > limit else None)


def _categories(codes: list[str]) -> list[Category]:
    known = Category.objects.in_bulk(codes, field_name="code") if codes else {}
    for code in codes:
        if code not in known:
            raise CategoryUnknown(category=code)
    return list(known.values())
