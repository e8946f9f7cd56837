"""The API's description is complete, and a client made from it works."""

import inspect
import re
from pathlib import Path

import pytest

from loyalty_site.api import api
from loyalty_site.lib.api.problems import STATUS
from loyalty_site.lib.errors import DomainError
from rewards.domain import points
from rewards.domain.coupons import CouponRefused
from tests.factories.rewards import CouponFactory, RewardFactory
from tests.loyalty_site.api.calling import basket
from tests.loyalty_site.api.generated import Refused, client

ROOT = Path(__file__).resolve().parents[3]
MODULES = {
    *(f"customers.domain.{name}" for name in ("customers", "enrollment", "idempotency", "purchases")),
    *(f"rewards.domain.{name}" for name in ("coupon_holds", "coupons")),
    *(f"rewards.domain.{name}" for name in ("catalogue", "holds", "offers", "points", "redemptions")),
    "rewards.domain.checkout.refusals",
    "rewards.api.customers",
}
IN_THE_OFFICE = {"limit_below_used", "offer_cost_missing", "offer_not_published", "offer_published_meanwhile"}
SPEC = api.get_openapi_schema()
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in SPEC["paths"].items()
    for method, operation in methods.items()
}
CALLS = {
    "enroll_customer": "post /customers",
    "find_customers": "get /customers",
    "show_customer": "get /customers/{number}",
    "list_entries": "get /customers/{number}/entries",
    "list_recommendations": "get /customers/{number}/recommendations",
    "quote_basket": "post /quotes",
    "book_purchase": "post /purchases",
    "show_purchase": "get /purchases/{id}",
    "take_back": "post /purchases/{id}/returns",
    "check_coupon": "post /coupons/{code}/check",
    "redeem_coupon": "post /coupons/{code}/redeem",
    "hold_coupon": "post /coupons/{code}/hold",
    "release_coupon_hold": "post /coupon-holds/{id}/release",
    "roll_back_redemption": "post /coupon-redemptions/{id}/rollback",
    "hold_points": "post /customers/{number}/holds",
    "capture_hold": "post /holds/{id}/capture",
    "release_hold": "post /holds/{id}/release",
    "redeem_reward": "post /customers/{number}/redemptions",
    "fulfil_redemption": "post /redemptions/{id}/fulfil",
    "cancel_redemption": "post /redemptions/{id}/cancel",
    "list_rewards": "get /rewards",
}


def test_description_names_every_call():
    found = {name: f"{method} {path.removeprefix('/api/v1')}" for name, (method, path, _) in OPERATIONS.items()}
    assert found == CALLS


@pytest.mark.parametrize("name", CALLS)
def test_operation_tells_its_key_its_refusals_and_what_it_does(name):
    method, _path, operation = OPERATIONS[name]
    problems = {
        status
        for status, answer in operation["responses"].items()
        if answer.get("content", {}).get("application/problem+json")
        == {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    headers = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"]
    always = {"401", "403", "404", "422", "429", "503"}
    assert problems == (always | {"400", "409", "413"} if method == "post" else always)
    assert headers == (["Idempotency-Key"] if method == "post" else [])
    assert operation["security"] == [{"TillKey": []}]
    assert operation["description"]
    assert operation["tags"]


def test_security_is_a_bearer_key():
    scheme = SPEC["components"]["securitySchemes"]["TillKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_everything_told_refuses_unknown_fields():
    bodies = {name for name, schema in SPEC["components"]["schemas"].items() if "additionalProperties" in schema}
    assert bodies == {
        "BasketTold",
        "CouponCheckIn",
        "CouponHoldIn",
        "CouponRedeemIn",
        "EnrollIn",
        "HoldIn",
        "LineTold",
        "Nothing",
        "PurchaseTold",
        "RedemptionIn",
        "ReturnLineTold",
        "ReturnTold",
        "RollBackIn",
    }
    assert {SPEC["components"]["schemas"][name]["additionalProperties"] for name in bodies} == {False}


def described_codes():
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    return {code: status for codes, status in rows for code in re.findall(r"`(\w+)`", codes)}


def codes_of(error):
    """Of all refusals below it that a call can meet; elsewhere the back office and customers' pages meet theirs."""
    found = {error.code} if error.__module__ in MODULES and error.__doc__ != CouponRefused.__doc__ else set()
    return found.union(*(codes_of(below) for below in error.__subclasses__()))


def test_docs_tell_every_code_with_its_status():
    met = {code: str(STATUS.get(code, 409)) for code in codes_of(DomainError) - IN_THE_OFFICE}
    sources = [
        ROOT / "customers/api",
        ROOT / "rewards/api",
        ROOT / "loyalty_site/api.py",
        ROOT / "loyalty_site/lib/api",
    ]
    files = [path for source in sources for path in ([source] if source.is_file() else source.rglob("*.py"))]
    for path in files:
        met |= {code: status for status, code in re.findall(r'Problem\(\s*(\d{3}), "(\w+)"', path.read_text())}
    met |= {"internal_error": "500", "bad_request": "400", "unreadable": "400"}
    met |= dict.fromkeys(["coupon_unknown", "coupon_mistyped"], "409, or 404 where the coupon is the address")
    described = described_codes()
    assert {code: described.get(code) for code in met} == met


@pytest.mark.django_db
def test_description_is_served_as_json(client):
    response = client.get("/api/v1/openapi.json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json; charset=utf-8") or (
        response["Content-Type"] == "application/json"
    )
    assert set(response.json()["paths"]) == set(SPEC["paths"])


@pytest.mark.django_db(transaction=True)
class TestGeneratedClient:
    @pytest.fixture
    def clock(self):
        """The server's calls are made by real time."""

    @pytest.fixture
    def calls(self, live_server, till):
        return client(live_server.url, till.secret)

    def test_makes_a_purchase_and_all_that_follows(self, calls, mia):
        reward = RewardFactory(cost_points=5)
        coupon = CouponFactory(customer=mia)
        joined = calls.enroll_customer(name="Li Wei", email="li@example.org")
        told = {name: value for name, value in basket().items() if name != "customer"}

        quoted = calls.quote_basket(customer="C7K2-94QX", currency="CNY", lines=told["lines"])
        bought = calls.book_purchase(**told, customer="C7K2-94QX", coupons=[coupon.display_code])
        held = calls.hold_points(number="C7K2-94QX", points=1, seconds=60)
        taken = calls.redeem_reward(number="C7K2-94QX", reward=str(reward.pk))
        back = calls.take_back(
            id=bought["id"],
            return_number="B-1",
            returned_at="2026-05-20T18:20:00+08:00",
            lines=[{"line": 1, "quantity": "1.250", "amount_minor": 1250}],
        )

        assert quoted["points"]["earned"] == 12
        assert bought["points"] == {"earned": 7, "pending": 0, "redeemed": 0, "balance": 7}
        assert calls.release_hold(id=held["id"])["state"] == "released"
        assert calls.cancel_redemption(id=taken["id"])["state"] == "cancelled"
        assert back["points"]["clawed_back"] == 7
        assert calls.check_coupon(code=coupon.display_code, customer="C7K2-94QX")["usable"]
        assert calls.find_customers(q="li@example.org")["items"] == [joined]
        kinds = [entry["kind"] for entry in calls.list_entries(number="C7K2-94QX", limit=2)["items"]]
        assert kinds == ["reimburse", "claw_back"]
        assert calls.show_purchase(id=bought["id"])["returns"][0]["return_number"] == "B-1"
        assert [one["id"] for one in calls.list_rewards()["items"]] == [str(reward.pk)]
        assert points.summary(customer=mia, at=mia.enrolled_at).balance == 0

    def test_is_told_of_refusals(self, calls):
        with pytest.raises(Refused) as refusal:
            calls.redeem_coupon(code="2222-2222-2222")
        assert (refusal.value.status, refusal.value.problem["code"]) == (404, "coupon_unknown")

    def test_has_the_arguments_that_are_described(self, calls):
        needed = {
            name
            for name, parameter in inspect.signature(calls.book_purchase).parameters.items()
            if parameter.default is inspect.Parameter.empty
        }
        assert needed == {"receipt_number", "customer", "purchased_at", "currency", "lines"}
