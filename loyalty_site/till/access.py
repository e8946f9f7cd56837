"""Who stands at the till page, and in which store."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect

from customers.models import Store, User
from loyalty_site.lib import actors

P = ParamSpec("P")
PERMISSION = "customers.add_purchase"
STORE_KEY = "till_store"


@dataclass(frozen=True, slots=True)
class Desk:
    """A member of staff in a store."""

    user: User
    store: Store

    @property
    def by(self) -> actors.Actor:
        return actors.user(self.user.pk)


def desk_required(
    view: Callable[Concatenate[HttpRequest, Desk, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Gives the view its Desk: signed-in staff with the permission, in one of their stores. Browsers keep nothing."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        refused = refuse_unless_staff(request)
        if refused:
            return refused
        store = chosen_store(request)
        if store is None:
            return _lead(request, resolve_url("till:store"))
        response = view(request, Desk(request.user, store), *args, **kwargs)  # type: ignore[arg-type]
        add_never_cache_headers(response)
        return response

    return wrapper


def refuse_unless_staff(request: HttpRequest) -> HttpResponse | None:
    """None, or the way to the sign-in page; staff without the permission are refused for good."""
    if not request.user.is_authenticated:
        here = request.get_full_path() if request.method == "GET" else resolve_url("till:home")
        return _lead(request, redirect_to_login(here).url)
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    return None


def own_stores(user: User) -> QuerySet[Store]:
    """The open stores where they work: none named means every one."""
    anywhere = ~Exists(User.stores.through.objects.filter(user=user.pk))
    mine = Store.objects.filter(anywhere | Q(pk__in=user.stores.values("pk")), closed_at__isnull=True)
    return mine.order_by("name", "pk")


def chosen_store(request: HttpRequest) -> Store | None:
    """The one kept in the session while it is still theirs, else their only one."""
    stores = own_stores(request.user)  # type: ignore[arg-type]
    if STORE_KEY in request.session:
        return stores.filter(pk=request.session[STORE_KEY]).first()
    first_two = list(stores[:2])
    return first_two[0] if len(first_two) == 1 else None


def _lead(request: HttpRequest, url: str) -> HttpResponse:
    """A part of a page that is asked for by script must not be answered with another page."""
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)  # type: ignore[attr-defined]
