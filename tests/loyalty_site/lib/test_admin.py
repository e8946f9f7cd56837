"""The back office's own kinds of pages."""

import pytest
from django.db import connection

from customers.models import Category, Store
from loyalty_site.lib.admin import actor_label, named
from loyalty_site.lib.admin.paginator import EstimatingPaginator
from tests.factories.customers import CategoryFactory, StoreFactory, UserFactory


@pytest.mark.parametrize(
    ("actor", "label"),
    [
        ("system", "the system"),
        ("till:3", "till 3"),
        ("customer:9", "the customer"),
        ("rosa@example.org", "rosa@example.org"),
        ("", ""),
        (None, ""),
    ],
)
def test_actor_label_reads_like_words(actor, label):
    assert actor_label(actor) == label


@pytest.mark.django_db
def test_named_tells_staff_by_their_address():
    user = UserFactory(password=None)
    for code in (f"user:{user.pk}", "user:999999", "system"):
        StoreFactory(code=code)
    shown = dict(Store.objects.annotate(who=named("code")).values_list("code", "who"))
    assert shown == {f"user:{user.pk}": user.email, "user:999999": None, "system": "system"}


@pytest.fixture
def categories():
    Category.objects.bulk_create(Category(code=f"C{n}", name="even" if n % 2 == 0 else "odd") for n in range(60))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_category")


@pytest.fixture
def paginator(monkeypatch):
    monkeypatch.setattr(EstimatingPaginator, "EXACT_ROWS", 50)
    monkeypatch.setattr(EstimatingPaginator, "EXACT_MATCHES", 20)
    return lambda rows: EstimatingPaginator(rows, 10)


@pytest.mark.django_db
def test_whole_table_is_counted_by_the_statistics(paginator, categories, django_assert_num_queries):
    CategoryFactory()
    with django_assert_num_queries(1):
        assert paginator(Category.objects.order_by("pk")).count == 60


@pytest.mark.django_db
def test_small_table_is_counted_exactly(categories):
    CategoryFactory()
    assert EstimatingPaginator(Category.objects.order_by("pk"), 10).count == 61


@pytest.mark.django_db
def test_few_matches_are_counted_exactly(paginator, categories):
    assert paginator(Category.objects.filter(code__in=["C1", "C2", "C3"]).order_by("pk")).count == 3


@pytest.mark.django_db
def test_many_matches_are_as_many_as_the_planner_thinks(paginator, categories):
    pages = paginator(Category.objects.filter(name="even").order_by("pk"))
    assert pages.count == 30
    assert [row.name for row in pages.page(3)] == ["even"] * 10
