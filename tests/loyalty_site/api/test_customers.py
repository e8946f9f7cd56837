"""Customers over HTTP: joining, finding, what they have."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Consent, Customer, Preference, Recommendation, RecommendationKind
from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import CouponState, ExpiryPolicy
from tests.factories.customers import CardFactory, CategoryFactory, CustomerFactory, ProductFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, RewardFactory
from tests.loyalty_site.api.calling import caller, told

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOTHING = {"balance": 0, "available": 0, "pending": 0, "held": 0, "debt": 0, "expiring": []}


def award(customer, number, at, reference="gift"):
    return points.award(customer=customer, points=number, reference=reference, by=actors.SYSTEM, at=at)


# --- joining


def test_enroll_makes_a_customer_of_the_tills_store(till, now):
    fruit = CategoryFactory(code="FRUIT")
    joins = {
        "name": " Li Wei ",
        "email": "li.wei@example.org",
        "phone": "+86 138 1234 5678",
        "birthday": "1990-12-31",
        "language": "zh-hans",
        "consents": ["survey_email", "marketing_email"],
        "preferences": ["FRUIT"],
    }

    response = till.post("customers", joins)

    made = Customer.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {
            "number": made.display_number,
            "name": "Li Wei",
            "tier": None,
            "points": NOTHING,
            "rewards": [],
            "coupons": [],
        },
    )
    assert (made.email, str(made.phone), str(made.birthday)) == ("li.wei@example.org", "+8613812345678", "1990-12-31")
    assert (made.language, made.home_store, made.enrolled_at) == ("zh-hans", till.till.store, now)
    assert sorted(Consent.objects.values_list("purpose", "granted_by")) == [
        ("marketing_email", f"till:{till.till.pk}"),
        ("survey_email", f"till:{till.till.pk}"),
    ]
    assert Preference.objects.get().category == fruit


@pytest.mark.parametrize(
    "joins", [{"email": "LI@example.org"}, {"phone": "+8613812345678", "email": "new@example.org"}]
)
def test_enroll_tells_whose_an_address_is_already(till, joins):
    known = CustomerFactory(number="C7K294QX", email="li@example.org", phone="+8613812345678")

    response = till.post("customers", {"name": "Li"} | joins)

    assert told(response) == (409, "customer_exists")
    assert response.json()["number"] == "C7K2-94QX"
    assert Customer.objects.get() == known


@pytest.mark.parametrize(
    ("joins", "code", "at"),
    [
        ({}, "contact_missing", None),
        ({"email": None, "phone": None}, "contact_missing", None),
        ({"email": "no address"}, "invalid", "email"),
        ({"phone": "12"}, "invalid", "phone"),
        ({"phone": "+1" + "0" * 40}, "invalid", "phone"),
        ({"email": "a@example.org", "name": ""}, "invalid", "name"),
        ({"email": "a@example.org", "name": "   "}, "invalid", "name"),
        ({"email": "a@example.org", "name": "x" * 201}, "invalid", "name"),
        ({"email": "a@example.org", "name": "a\x00b"}, "invalid", "name"),
        ({"email": "a@example.org", "name": "\ud800"}, "invalid", "name"),
        ({"email": "a@example.org", "birthday": "31.12.1990"}, "invalid", "birthday"),
        ({"email": "a@example.org", "birthday": "1990-02-30"}, "invalid", "birthday"),
        ({"email": "a@example.org", "birthday": "2026-05-21"}, "invalid", "birthday"),
        ({"email": "a@example.org", "birthday": "1899-12-31"}, "invalid", "birthday"),
        ({"email": "a@example.org", "language": "xx"}, "invalid", "language"),
        ({"email": "a@example.org", "consents": ["all"]}, "invalid", "consents.0"),
        ({"email": "a@example.org", "preferences": "FRUIT"}, "invalid", "preferences"),
        ({"email": "a@example.org", "preferences": ["NONE"]}, "category_unknown", None),
        ({"email": "a@example.org", "admin": True}, "invalid", "admin"),
    ],
)
def test_enroll_refuses_what_does_not_fit(till, joins, code, at):
    response = till.post("customers", {"name": "Li"} | joins)

    assert told(response) == (422, code)
    assert [error["at"] for error in response.json().get("errors", [])] == ([at] if at else [])
    assert Customer.objects.count() == 0


# --- finding


@pytest.mark.parametrize("q", ["C7K2-94QX", "c7k294qx", "+8613812345678", "MIA@example.org", "card-17", " card-17 "])
def test_find_takes_whatever_was_typed_or_scanned(till, mia, q):
    CardFactory(customer=mia, number="card-17")
    CustomerFactory()

    found = till.get("customers", q=q)

    assert (found.status_code, found.json()) == (
        200,
        {"items": [till.get("customers/C7K2-94QX").json()], "next_cursor": None},
    )


@pytest.mark.parametrize("q", ["Mia", "mia", "C7K2", "example.org", "138", "%", "'"])
def test_find_takes_exact_matches_only(till, mia, q):
    assert till.get("customers", q=q).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": " "}, {"q": "x" * 201}, {"q": "a\nb"}])
def test_find_needs_something_to_look_for(till, query):
    assert told(till.get("customers", **query)) == (422, "invalid")


# --- one customer


def test_show_tells_points_rewards_and_coupons(till, mia, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(mia, 300, now - DAY)
    cup = RewardFactory(name={"en": "Cup"}, description={"en": "Blue"}, cost_points=300, stock=2)
    RewardFactory(cost_points=301), RewardFactory(cost_points=1, stock=0)
    offer = OfferFactory(title={"en": "5.00 off"}, description={"en": "On all"})
    coupon = CouponFactory(customer=mia, offer=offer, expires_at=now + DAY)
    CouponFactory(customer=mia, state=CouponState.VOID), CouponFactory(customer=mia, expires_at=now), CouponFactory()

    response = till.get("customers/c7k2-94qx")

    assert (response.status_code, response.json()) == (
        200,
        {
            "number": "C7K2-94QX",
            "name": "Mia",
            "tier": None,
            "points": NOTHING
            | {
                "balance": 300,
                "available": 300,
                "expiring": [{"points": 300, "expires_at": "2026-07-01T00:00:00Z"}],
            },
            "rewards": [
                {
                    "id": str(cup.pk),
                    "name": "Cup",
                    "description": "Blue",
                    "kind": "goods",
                    "cost_points": 300,
                    "stock": 2,
                    "picture": None,
                }
            ],
            "coupons": [
                {
                    "code": coupon.display_code,
                    "title": "5.00 off",
                    "description": "On all",
                    "kind": "amount",
                    "expires_at": "2026-05-21T10:30:00Z",
                }
            ],
        },
    )


def test_till_sees_customers_of_the_whole_chain(till, mia):
    assert caller().get("customers/C7K2-94QX").json() == till.get("customers/C7K2-94QX").json()


@pytest.mark.parametrize(
    "path", ["customers/{}", "customers/{}/entries", "customers/{}/recommendations"], ids=["show", "entries", "likes"]
)
@pytest.mark.parametrize("number", ["AAAA-AAAA", "C7K2", "Ü", "'", "%F0%9F%98%80", "C7K2-94QX "])
def test_unknown_customer_is_not_found(till, path, number):
    assert told(till.get(path.format(number))) == (404, "customer_unknown")


def test_customer_who_left_is_not_found(till, mia, now):
    Customer.objects.update(closed_at=now)

    assert told(till.get("customers/C7K2-94QX")) == (404, "customer_unknown")
    assert till.get("customers", q="C7K2-94QX").json()["items"] == []


def test_texts_are_in_the_customers_language_unless_the_till_asks_for_one(till, mia):
    Customer.objects.update(language="zh-hans")
    CouponFactory(customer=mia, offer__title={"en": "A coffee", "zh-hans": "一杯咖啡"})

    titles = []
    for headers in ({}, {"Accept-Language": "en"}, {"Accept-Language": "zh-CN,zh;q=0.9"}):
        till.headers = headers
        titles.append(till.get("customers/C7K2-94QX").json()["coupons"][0]["title"])

    assert titles == ["一杯咖啡", "A coffee", "一杯咖啡"]


# --- the ledger


def test_entries_are_told_page_by_page_newest_first(till, mia, now):
    awarded = [award(mia, number, now, f"gift:{number}") for number in (1, 2, 3)]

    first = till.get("customers/C7K2-94QX/entries", limit=2).json()
    second = till.get("customers/C7K2-94QX/entries", limit=2, cursor=first["next_cursor"]).json()

    assert first["items"][0] == {
        "id": str(awarded[2].pk),
        "kind": "award",
        "points": 3,
        "balance_after": 6,
        "happened_at": "2026-05-20T10:30:00Z",
        "reference": "gift:3",
        "explanation": "3 points as a thank-you.",
    }
    assert [entry["points"] for entry in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None


def test_entries_that_fill_the_page_have_no_next_one(till, mia, now):
    award(mia, 1, now)

    assert till.get("customers/C7K2-94QX/entries", limit=1).json()["next_cursor"] is None


def test_recommendations_are_told_with_their_reasons(till, mia, now):
    apple = ProductFactory(sku="1", name="Apple", category=CategoryFactory(name="Fruit"))
    pear = ProductFactory(sku="2", name="Pear")
    again = {"times": 3, "last_on": "2026-05-01"}
    for rank, product, kind, score, reason in (
        (2, pear, RecommendationKind.NEW, 0.25, {"because": apple.pk}),
        (1, apple, RecommendationKind.AGAIN, 0.5, again),
    ):
        Recommendation.objects.create(
            customer=mia, rank=rank, product=product, kind=kind, score=score, reason=reason, made_at=now
        )

    response = till.get("customers/C7K2-94QX/recommendations")

    assert (response.status_code, response.json()) == (
        200,
        {
            "items": [
                {
                    "sku": "1",
                    "name": "Apple",
                    "category": "Fruit",
                    "score": 0.5,
                    "kind": "again",
                    "reason": "You bought this on 3 days, last on May 1.",
                    "hint": "bought on 3 days, last on May 1",
                },
                {
                    "sku": "2",
                    "name": "Pear",
                    "category": "",
                    "score": 0.25,
                    "kind": "new",
                    "reason": "People who buy Apple often take this too.",
                    "hint": "goes with Apple",
                },
            ],
            "next_cursor": None,
        },
    )
    assert len(till.get("customers/C7K2-94QX/recommendations", limit=1).json()["items"]) == 1


def test_no_recommendations_for_who_switched_them_off(till, mia, now):
    product = ProductFactory()
    Recommendation.objects.create(
        customer=mia, rank=1, product=product, kind="new", score=1, reason={"everywhere": True}, made_at=now
    )
    Customer.objects.update(profiling_refused_at=now)

    response = till.get("customers/C7K2-94QX/recommendations")

    assert (response.status_code, response.json()) == (200, {"items": [], "next_cursor": None})


# --- cost


@pytest.mark.parametrize("path", ["entries", "recommendations"])
def test_lists_take_as_many_queries_for_three_as_for_one(till, mia, now, path):
    def fill(number):
        award(mia, number, now, f"gift:{number}")
        Recommendation.objects.create(
            customer=mia,
            rank=number,
            product=ProductFactory(category=CategoryFactory()),
            kind=RecommendationKind.AGAIN,
            score=1,
            reason={"times": 3, "last_on": "2026-05-01"},
            made_at=now,
        )

    def queries():
        with CaptureQueriesContext(connection) as done:
            assert till.get(f"customers/C7K2-94QX/{path}").status_code == 200
        return len(done)

    fill(1)
    queries()
    one = queries()
    fill(2), fill(3)
    assert queries() == one
