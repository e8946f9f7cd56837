"""Every kind of corruption is found and named. Whoever corrupts has switched off the triggers, as a superuser can."""

from datetime import timedelta

import pytest
from django.db import connection

from rewards.domain import ledger
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.steps import adjust, award, claw_back, redeem, reimburse

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def customer(customer, now):
    """With some of everything in the books; a second customer's books stay right."""
    for owner in (customer, CustomerFactory()):
        returned = award(owner, 100, now, "a")
        award(owner, 50, now, "b")
        reimburse(redeem(owner, 30, now), now)
        redeem(owner, 120, now, "spent")
        claw_back(returned, 100, now)
        adjust(owner, 100, now)
    return customer


def corrupt(sql, customer):
    tamper(sql, customer=customer.pk)


def tamper(*statements, **values):
    """Each changes one row."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        for sql in statements:
            cursor.execute(sql, values)
            assert cursor.rowcount == 1
        cursor.execute("SET session_replication_role = origin")


def test_sound_books_have_no_differences(customer):
    assert list(ledger.differences()) == []
    assert ledger.size() == (2, 14)


ENTRY = "WHERE customer_id = %(customer)s AND seq"
LOT = "WHERE customer_id = %(customer)s AND entry_id = (SELECT id FROM rewards_pointsentry " + ENTRY


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (
            "UPDATE rewards_pointsaccount SET balance = 101 WHERE customer_id = %(customer)s",
            {"balance", "lots"},
        ),
        ("UPDATE rewards_pointsaccount SET last_seq = 8 WHERE customer_id = %(customer)s", {"numbering"}),
        (
            "UPDATE rewards_pointsaccount SET balance = -1, debt = 1 WHERE customer_id = %(customer)s",
            {"balance", "lots"},
        ),
        (
            f"UPDATE rewards_pointsentry SET points = 101 {ENTRY} = 1",
            {"balance", "running_balance"},
        ),
        (f"UPDATE rewards_pointsentry SET balance_after = 151 {ENTRY} = 2", {"running_balance"}),
        (f"UPDATE rewards_pointsentry SET seq = 9 {ENTRY} = 7", {"numbering"}),
        (f"UPDATE rewards_pointsentry SET seq = -1 {ENTRY} = 1", {"numbering"}),
        (
            f"DELETE FROM rewards_pointsentry {ENTRY} = 4",
            {"balance", "numbering", "running_balance"},
        ),
        (f"UPDATE rewards_pointslot SET remaining = remaining - 1 {LOT} = 7)", {"lots", "lot_allocations"}),
        (
            f"UPDATE rewards_pointslot SET points = 101, remaining = remaining + 1 {LOT} = 7)",
            {"lots", "entry_allocations"},
        ),
        (f"DELETE FROM rewards_pointslot {LOT} = 2)", {"entry_allocations"}),
        (
            "UPDATE rewards_pointsallocation SET points = points + 1 WHERE points = 20 AND customer_id = %(customer)s",
            {"lot_allocations", "entry_allocations"},
        ),
        (
            "DELETE FROM rewards_pointsallocation WHERE points = 20 AND customer_id = %(customer)s",
            {"lot_allocations", "entry_allocations"},
        ),
        (
            "UPDATE rewards_pointsallocation SET customer_id = %(customer)s"
            " WHERE points = 20 AND customer_id <> %(customer)s",
            {"owner"},
        ),
    ],
)
def test_corruption_is_found_and_named(customer, sql, found):
    corrupt(sql, customer)
    (difference,) = ledger.differences()
    assert difference.customer_number == customer.display_number
    assert set(difference.findings) == found


def test_sound_books_are_read_once_and_no_account_is_computed(customer, django_assert_num_queries):
    with django_assert_num_queries(7):
        assert list(ledger.differences()) == []


def test_sound_books_of_huge_amounts_are_sound(customer, now):
    adjust(customer, 2**40, now, "huge")
    redeem(customer, 2**39, now, "huge")
    assert list(ledger.differences()) == []


def test_huge_amounts_that_are_off_are_named(customer, now):
    adjust(customer, 2**40, now, "huge")
    corrupt(f"UPDATE rewards_pointslot SET remaining = remaining - 1 {LOT} = 8)", customer)
    (difference,) = ledger.differences()
    assert set(difference.findings) == {"lots", "lot_allocations"}


def test_lot_used_up_by_its_own_entry_is_found_under_another_customer(customer, now):
    """What moved comes to nothing by itself: the lot's points and what repaid a debt from them."""
    taken_back = award(customer, 100, now, "c")
    redeem(customer, 130, now, "all")
    claw_back(taken_back, 100, now, "c")
    repaying = award(customer, 40, now, "repays")
    other = CustomerFactory.create()
    award(other, 1, now, "one")
    tamper(
        "UPDATE rewards_pointslot SET customer_id = %(other)s WHERE entry_id = %(entry)s",
        "UPDATE rewards_pointsallocation SET customer_id = %(other)s WHERE entry_id = %(entry)s",
        other=other.pk,
        entry=repaying.pk,
    )
    (difference,) = ledger.differences()
    assert difference.customer_id == other.pk
    assert set(difference.findings) == {"owner"}


def test_points_given_back_to_a_strange_lot_are_found(customer, now):
    """Taken from another customer's lot and given back to it: in sum nothing."""
    other = CustomerFactory.create()
    strange = award(other, 30, now, "theirs").lots.get()
    spent = redeem(customer, 5, now, "spent again")
    back = reimburse(spent, now)
    for entry in (spent, back):
        tamper(
            "UPDATE rewards_pointsallocation SET lot_id = %(lot)s WHERE entry_id = %(entry)s",
            lot=strange.pk,
            entry=entry.pk,
        )
    (difference,) = ledger.differences()
    assert difference.customer_id == customer.pk
    assert set(difference.findings) == {"owner"}


def test_lot_under_another_customer_is_found_and_named(customer):
    other = CustomerFactory.create()
    corrupt(
        f"UPDATE rewards_pointslot SET customer_id = (SELECT min(customer_id) FROM rewards_pointsaccount"
        f" WHERE customer_id <> %(customer)s) {LOT} = 7)",
        customer,
    )
    found = {difference.customer_id: set(difference.findings) for difference in ledger.differences()}
    assert other.pk not in found
    assert found.pop(customer.pk) == {"lots", "owner"}
    assert list(found.values()) == [{"lots", "owner"}]


def test_findings_are_sentences_with_numbers(customer):
    corrupt("UPDATE rewards_pointsaccount SET balance = 101 WHERE customer_id = %(customer)s", customer)
    (difference,) = ledger.differences()
    assert dict(difference.findings) == {
        "balance": "the balance is 101, the entries sum to 30",
        "lots": "the lots hold 30, balance and debt leave 101",
    }
