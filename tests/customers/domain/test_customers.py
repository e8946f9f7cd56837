import pytest
from django.db import connection

from customers.domain import customers
from tests.factories.customers import CardFactory, CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return CustomerFactory(name="Ada Lovelace", number="C7K294QX", email="Ada@example.org", phone="+12025550123")


@pytest.mark.parametrize(
    "text", ["C7K294QX", " c7k2-94qx ", "ada@EXAMPLE.org", "+12025550123", "+1 (202) 555-0123", "household-17"]
)
def test_find_knows_every_way_to_name_a_customer(ada, text):
    CardFactory(customer=ada, number="household-17")
    CustomerFactory()

    assert customers.find(text=text) == [ada]


@pytest.mark.parametrize("text", ["", "  ", "Ada", "Ada Lovelace", "example.org", "household", "%", "a\0b"])
def test_find_needs_the_whole(ada, text):
    CardFactory(customer=ada, number="household-17")
    CustomerFactory(email="", phone="+12025550124")

    assert customers.find(text=text) == []


def test_find_leaves_out_who_left(ada, now):
    ada.closed_at = now
    ada.save(update_fields=["closed_at"])

    assert customers.find(text="C7K294QX") == []
    assert list(customers.search(text="C7K294QX", limit=10)) == [ada]
    assert list(customers.search(text="C7K294QX", limit=10, with_closed=False)) == []


def test_find_answers_all_whom_a_text_names(ada):
    other = CardFactory(number="C7K294QX").customer

    assert customers.find(text="C7K294QX") == [ada, other]


def test_search_finds_the_start_of_a_name_in_any_case(ada):
    CustomerFactory(name="Grace Adair")

    assert list(customers.search(text="ada", limit=10)) == [ada]


def test_search_stops_at_its_limit_in_order_of_names():
    found = [CustomerFactory(name=name) for name in ("Ann C", "Ann A", "Ann B")]

    assert list(customers.search(text="Ann", limit=2)) == [found[1], found[2]]


@pytest.mark.parametrize("text", ["", "a\0b", "%", "_"])
def test_search_finds_nobody_by_nothing(ada, text):
    assert list(customers.search(text=text, limit=10)) == []


def test_search_uses_an_index_for_each_way(ada):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = customers.search(text="ada@example.org", limit=10).explain()

    assert "Seq Scan" not in plan
    for index in ("customer_email_is_unique", "customer_phone_is_unique", "customer_by_name_start"):
        assert index in plan
