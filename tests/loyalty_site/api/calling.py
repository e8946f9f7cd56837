"""A till that calls the API through Django's own handler."""

import itertools
import json
from dataclasses import dataclass, field

from django.test import Client

from customers.domain import tills
from customers.models import Till, TillScope
from loyalty_site.lib import actors
from tests.factories.customers import AT, StoreFactory

_keys = itertools.count()


@dataclass
class Caller:
    """`post` makes a new Idempotency-Key unless told one; `key=None` sends none."""

    till: Till
    secret: str
    client: Client = field(default_factory=Client)
    headers: dict = field(default_factory=dict)

    def get(self, path, **query):
        return self.client.get(f"/api/v1/{path}", query, headers=self._headers())

    def post(self, path, body=None, *, key="", **headers):
        """`body` is JSON's object, or the text itself."""
        sent = body if isinstance(body, str | bytes) else "" if body is None else json.dumps(body)
        if key is not None:
            headers["Idempotency-Key"] = key or f"key-{next(_keys)}"
        return self.client.post(
            f"/api/v1/{path}", sent, content_type="application/json", headers=self._headers() | headers
        )

    def _headers(self):
        return {"Authorization": f"Bearer {self.secret}"} | self.headers


def caller(*, store=None, scopes=tuple(TillScope), name="Till 1"):
    till, secret = tills.create(store=store or StoreFactory(), name=name, scopes=scopes, by=actors.SYSTEM, at=AT)
    return Caller(till, secret)


def basket(**changes):
    """One line of 12.50 for nobody in particular."""
    return {
        "receipt_number": "R-1",
        "customer": None,
        "purchased_at": "2026-05-20T18:15:00+08:00",
        "currency": "CNY",
        "lines": [{"sku": "4011", "name": "Bananas", "category": "FRUIT", "quantity": "1.250", "amount_minor": 1250}],
    } | changes


def told(response):
    """Status and code of a refusal, which must look like one."""
    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:loyalty-site:problem:{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    return response.status_code, problem["code"]
