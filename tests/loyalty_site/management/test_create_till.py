from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from customers.domain import tills
from customers.models import Store, Till
from tests.factories.customers import StoreFactory
from tests.factories.rewards import ProgramFactory

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command("create_till", *arguments, stdout=out)
    return out.getvalue()


def test_create_till_prints_its_key_alone_on_the_last_line():
    store = StoreFactory(code="7", name="Main Street")

    said = run("7", "Till 1")

    till = tills.authenticate(key=said.splitlines()[-1])
    assert (till.store, till.name, till.scopes) == (store, "Till 1", ["read", "sell", "enroll"])
    assert said.splitlines()[0] == "Main Street · Till 1 may read, sell, enroll. Its key:"


def test_create_till_gives_the_scopes_that_are_named():
    StoreFactory(code="7")

    run("7", "Till 1", "--scopes", "sell, read")

    assert Till.objects.get().scopes == ["read", "sell"]


def test_create_till_makes_the_store_when_told():
    run("7", "Till 1", "--create-store", "--currency", "eur", "--time-zone", "Europe/Berlin")

    store = Store.objects.get()
    assert (store.code, store.name, store.currency, store.timezone) == ("7", "7", "EUR", "Europe/Berlin")
    run("7", "Till 2", "--create-store")
    assert (Store.objects.count(), Till.objects.count()) == (1, 2)


def test_store_that_is_made_is_as_the_programme_says():
    ProgramFactory(currency="EUR", timezone="Europe/Berlin")

    run("7", "Till 1", "--create-store")

    assert Store.objects.values_list("currency", "timezone").get() == ("EUR", "Europe/Berlin")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["8", "Till 1"], "There is no store 8; --create-store makes it."),
        (["7", "Till 1"], "already has a till named Till 1."),
        (["7", "Till 2", "--scopes", "read,steal"], "Scopes are read, sell, enroll, with commas between."),
        (["7", "Till 2", "--scopes", ""], "Scopes are"),
        (["7", "x" * 101], "at most 100 characters"),
        (["7", ""], "cannot be blank"),
        (["8", "Till 1", "--create-store", "--currency", "yuan"], "currency: .*Three capitals."),
        (["8", "Till 1", "--create-store", "--timezone", "Mars"], "timezone: .*is not a time zone"),
        (["x" * 65, "Till 1", "--create-store"], "at most 64 characters"),
    ],
)
def test_create_till_says_what_is_wrong_and_makes_nothing(arguments, said):
    StoreFactory(code="7")
    run("7", "Till 1")

    with pytest.raises(CommandError, match=said):
        run(*arguments)

    assert (Store.objects.count(), Till.objects.count()) == (1, 1)
