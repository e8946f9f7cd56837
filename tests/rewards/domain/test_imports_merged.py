"""Files that name customers by a card from before a merge."""

from datetime import timedelta

import pytest

from customers.models import Purchase
from loyalty_site.lib import actors
from rewards.domain import imports, merges
from tests.factories.customers import CardFactory, CustomerFactory
from tests.import_files import row, write
from tests.rewards.domain.steps import account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
STAFF = actors.user(7)


@pytest.fixture
def people():
    """Three, of whom the first is merged into the second and that one into the third."""
    return [CardFactory(number=f"card-{n}", customer=CustomerFactory()).customer for n in range(3)]


@pytest.fixture
def load(tmp_path, store, now):
    def load(*told):
        rows = [
            row(store=store.code, receipt_number=number, customer=card, purchased_at=at.isoformat(), **goods)
            for number, card, at, goods in told
        ]
        return imports.run(path=write(tmp_path / "told.csv", *rows), by=actors.SYSTEM, at=now)

    return load


def merge_all(people, at):
    for source, target in zip(people, people[1:], strict=False):
        merges.merge(source=source, target=target, reason="", by=STAFF, at=at)


def test_every_old_card_books_for_who_they_are_now(people, load, now):
    merge_all(people, now - 5 * DAY)
    result = load(*[(f"R-{n}", f"card-{n}", now - DAY, {}) for n in range(3)], ("R-4", people[0].number, now - DAY, {}))
    assert (result.purchases, result.customers, result.rejected) == (4, 0, 0)
    assert set(Purchase.objects.values_list("customer", flat=True)) == {people[2].pk}
    assert [account(customer)[0] for customer in people] == [0, 0, 40]


def test_the_same_file_after_a_merge_is_known(people, load, now):
    told = [("R-1", "card-0", now - 3 * DAY, {}), ("R-2", "card-1", now - 3 * DAY, {})]
    load(*told)
    merge_all(people, now - 2 * DAY)
    result = load(*told)
    assert (result.purchases, result.duplicates, result.rejected) == (0, 2, 0)
    assert [account(customer)[0] for customer in people] == [0, 0, 20]


def test_goods_brought_back_after_a_merge_take_from_who_they_are_now(people, load, now):
    load(("R-1", "card-0", now - 3 * DAY, {"amount": "30.00"}))
    merge_all(people, now - 2 * DAY)
    result = load(("B-1", "card-0", now - DAY, {"quantity": "-1", "amount": "-30.00"}))
    assert (result.returns, result.rejected) == (1, 0)
    assert [account(customer)[:2] for customer in people] == [(0, 0)] * 3
    assert account(people[2])[2] == 2  # what came over, and what was taken back


@pytest.mark.parametrize("told_first", ["before the merge", "while merged"])
def test_the_same_file_after_an_undone_merge_is_known(people, load, now, told_first):
    old, kept, _other = people
    told = [
        ("R-1", "card-0", now - 9 * DAY, {"amount": "30.00"}),
        ("B-1", "card-0", now - 8 * DAY, {"quantity": "-1", "amount": "-30.00"}),
        ("R-2", "card-1", now - 9 * DAY, {}),
    ]
    if told_first == "before the merge":
        load(*told)
    record = merges.merge(source=old, target=kept, reason="", by=STAFF, at=now - 3 * DAY)
    if told_first == "while merged":
        load(*told)
    merges.undo(merge=record, by=STAFF, at=now - DAY)

    result = load(*told)

    assert (result.purchases, result.returns, result.duplicates, result.rejected) == (0, 0, 3, 0)


def test_another_customers_receipt_is_no_duplicate(people, load, now):
    record = merges.merge(source=people[0], target=people[1], reason="", by=STAFF, at=now - 3 * DAY)
    load(("R-1", "card-0", now - 9 * DAY, {}))
    merges.undo(merge=record, by=STAFF, at=now - DAY)

    assert load(("R-1", "card-2", now - 9 * DAY, {})).rejected == 1
