"""A receipt that is told again, by either card, whatever became of its customer since."""

from datetime import timedelta

import pytest

from loyalty_site.lib import actors
from rewards.domain import merges
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.baskets import basket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
STAFF = actors.user(7)


@pytest.fixture
def old():
    return CustomerFactory()


@pytest.fixture
def kept():
    return CustomerFactory()


def merge(source, target, at):
    return merges.merge(source=source, target=target, reason="one person", by=STAFF, at=at)


@pytest.mark.parametrize("told_first", ["before", "while"])
@pytest.mark.parametrize("first", ["old", "kept"])
@pytest.mark.parametrize("retry", ["old", "kept"])
def test_receipt_told_again_after_an_undone_merge_is_the_first(settle, old, kept, now, told_first, first, retry, rows):
    people = {"old": old, "kept": kept}
    if told_first == "before":
        one = settle(basket(10_000, customer=people[first], now=now, receipt="R-1"))
    record = merge(old, kept, now + DAY)
    if told_first == "while":
        one = settle(basket(10_000, customer=kept, now=now, receipt="R-1"), at=now + DAY)
    merges.undo(merge=record, by=STAFF, at=now + 2 * DAY)
    before = rows()
    people[retry].refresh_from_db()
    again = settle(basket(10_000, customer=people[retry], now=now, receipt="R-1"), at=now + 3 * DAY)
    assert (again.created, again.purchase, again.entry) == (False, one.purchase, one.entry)
    assert rows() == before
