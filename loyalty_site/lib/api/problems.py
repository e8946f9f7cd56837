"""Refusals as RFC 9457 tells them: `application/problem+json` with a stable `code`."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from django.http import HttpResponse
from django.utils.translation import gettext as _

from loyalty_site.lib.errors import DomainError

CONTENT_TYPE = "application/problem+json"

# What a refusal of the domain is to HTTP; every code that is not here is a conflict.
STATUS: Mapping[str, int] = {
    "customer_unknown": 404,
    "coupon_hold_unknown": 404,
    "coupon_redemption_unknown": 404,
    "hold_unknown": 404,
    "purchase_unknown": 404,
    "redemption_unknown": 404,
    "reward_unknown": 404,
    "category_unknown": 422,
    "contact_missing": 422,
    "nothing_returned": 422,
    "gift_card_exceeds_amount": 422,
    "idempotency_key_reused": 422,
    "points_without_customer": 422,
    "purchased_in_future": 422,
    "return_line_unknown": 422,
    "returned_before_purchase": 422,
    "returned_in_future": 422,
    "tax_exceeds_amount": 422,
}
RETRY_AFTER: Mapping[str, int] = {"still_running": 1, "unavailable": 2}


class Problem(Exception):
    """A refusal. `members` stand beside its code; `errors` are [{"at": "lines.0.quantity", "message": …}]."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.members = errors, members or {}
        self.headers = dict(headers or {})
        if code in RETRY_AFTER:
            self.headers.setdefault("Retry-After", str(RETRY_AFTER[code]))

    @classmethod
    def of(cls, error: DomainError, *, status: int | None = None) -> "Problem":
        """The refusal in the active language; numbers and words of its details become members."""
        members = {name: value for name, value in error.details.items() if isinstance(value, int | str)}
        return cls(status or STATUS.get(error.code, 409), error.code, str(error), members=members)

    @property
    def body(self) -> str:
        told = {
            **self.members,
            "type": f"urn:loyalty-site:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            told["errors"] = list(self.errors)
        return json.dumps(told, ensure_ascii=False)

    def response(self) -> HttpResponse:
        return HttpResponse(self.body, status=self.status, content_type=CONTENT_TYPE, headers=self.headers)


def for_status(status: int) -> Problem:
    """What the server itself refuses, before any call is reached."""
    if status == 404:
        return Problem(404, "not_found", _("There is nothing at this address."))
    if status == 405:
        return Problem(405, "method_not_allowed", _("This address does not take this method."))
    if status == 411:
        return Problem(411, "length_required", _("Send the body with its Content-Length, not in chunks."))
    if status >= 500:
        return Problem(status, "internal_error", _("Something went wrong here. Please try again under the same key."))
    return Problem(status, "bad_request", _("This request cannot be read."))
