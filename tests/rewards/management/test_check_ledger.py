import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from rewards.models import PointsAccount
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.steps import award

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    try:
        call_command("check_ledger", *arguments, stdout=out)
    except CommandError as refusal:
        return out.getvalue(), str(refusal)
    return out.getvalue(), None


@pytest.fixture
def customer(now):
    customer = CustomerFactory()
    award(customer, 40, now)
    return customer


@pytest.fixture
def corrupt_customer(customer):
    PointsAccount.objects.filter(pk=customer.pk).update(balance=41)
    return customer


def test_sound_books_are_told_in_one_line(customer):
    assert run() == ("The books balance: 1 accounts, 1 entries.\n", None)


def test_each_account_that_is_off_is_named(corrupt_customer):
    said, refusal = run()
    assert said == (
        f"{corrupt_customer.display_number}: the balance is 41, the entries sum to 40;"
        " the lots hold 40, balance and debt leave 41\n"
    )
    assert refusal == "The books do not balance: 1 of 1 accounts are off."


def test_json_tells_the_same(corrupt_customer):
    said, refusal = run("--json")
    result = json.loads(said)
    assert (result["accounts"], result["entries"]) == (1, 1)
    assert [(row["customer"], set(row["findings"])) for row in result["differences"]] == [
        (corrupt_customer.display_number, {"balance", "lots"})
    ]
    assert refusal is not None
