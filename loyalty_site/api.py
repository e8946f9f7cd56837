"""The till API, composed of what the apps bring, with its problems and its description."""

import json
import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.parser import Parser

from customers.api import recommendations
from loyalty_site import api_description
from loyalty_site.lib.api.problems import Problem
from loyalty_site.lib.errors import DomainError
from rewards.api import coupons, customers, holds, purchases, returns, rewards

logger = logging.getLogger(__name__)


class StrictParser(Parser):
    """JSON as RFC 8259 has it: no NaN, no Infinity."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, parse_constant=_refuse_constant)


class DocsPage(Swagger):
    """Loads nothing from elsewhere and runs no inline script."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        settings = {**self.settings, "url": self.get_openapi_url(api, kwargs)}
        return render(request, self.template, {"api": api, "page_settings": settings})


class TillAPI(NinjaAPI):
    def get_openapi_schema(self, **kwargs: Any) -> Any:
        return api_description.completed(super().get_openapi_schema(**kwargs))


api = TillAPI(
    title="Loyalty Site: till API",
    version="1",
    description=api_description.INTRODUCTION,
    urls_namespace="api",
    parser=StrictParser(),
    docs=DocsPage({"tryItOutEnabled": True, "validatorUrl": None, "defaultModelsExpandDepth": 0}),
)
for part in (customers, recommendations, purchases, returns, coupons, holds, rewards):
    api.add_router("", part.router)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.response()


@api.exception_handler(DomainError)
def _refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    return Problem.of(error).response()


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"at": _place(one["loc"]), "message": one["msg"].removeprefix("Value error, ")} for one in error.errors]
    return Problem(422, "invalid", _("What was sent does not fit."), errors=errors).response()


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 401:
        detail = _("A valid till key is needed: Authorization: Bearer …")
        return Problem(401, "key_invalid", detail, headers={"WWW-Authenticate": "Bearer"}).response()
    return Problem(error.status_code, "unreadable", _("The body is no readable JSON.")).response()


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return Problem(413, "body_too_large", _("A body may have 1 MiB at most.")).response()


@api.exception_handler(UnreadablePostError)
def _cut_off(request: HttpRequest, error: UnreadablePostError) -> HttpResponse:
    return Problem(400, "unreadable", _("The body did not arrive whole.")).response()


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return Problem(404, "not_found", _("There is nothing at this address.")).response()


@api.exception_handler(DataError)
def _out_of_range(request: HttpRequest, error: DataError) -> HttpResponse:
    return Problem(422, "out_of_range", _("A number is larger than the books can hold.")).response()


@api.exception_handler(InterfaceError)
@api.exception_handler(OperationalError)
def _unavailable(request: HttpRequest, error: Error) -> HttpResponse:
    """The database is away, or another call was in the way (a deadlock). Nothing was done."""
    logger.error("A till's call was given up: %s", type(error.__cause__ or error).__name__, exc_info=error)
    return Problem(503, "unavailable", _("This did not work just now. Please try again.")).response()


@api.exception_handler(Exception)
def _unforeseen(request: HttpRequest, error: Exception) -> HttpResponse:
    """Django logs it and answers 500."""
    raise error


def _place(place: tuple[object, ...]) -> str:
    """("body", "payload", "lines", 0, "quantity") → `lines.0.quantity`; ("query", "limit") → `limit`."""
    return ".".join(str(part) for part in place[2 if place[0] == "body" else 1 :])
