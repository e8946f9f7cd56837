"""The same file again, cut off in the middle, or twice at the same moment."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum

from customers.domain import purchases
from customers.domain.purchases import LineIn
from customers.models import Customer, Purchase, PurchaseSource
from loyalty_site import environment
from loyalty_site.lib import actors
from rewards.domain import imports, ledger, points
from rewards.models import PointsAccount, PointsEntry
from tests.factories.customers import CardFactory, CustomerFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory
from tests.import_files import row, write
from tests.races import at_once

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def program(db):
    ProgramFactory()
    BaseRuleFactory(points=7)


def receipts(*customers, number=10):
    """`number` receipts of two lines for each customer; the last brings a piece of the first back."""
    rows = []
    for customer in customers:
        for receipt in range(number):
            cells = row(
                customer=customer, receipt_number=f"R-{customer}-{receipt}", purchased_at=f"2026-04-{receipt + 1:02}"
            )
            if receipt == number - 1:
                rows.append(cells | {"quantity": "-1", "amount": "-10.00"})
            else:
                rows += [cells, cells | {"sku": "BREAD", "amount": f"{receipt}.50"}]
    return rows


def checksums():
    """Of every table of facts and points."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename ~ '^(customers|rewards)_' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall() if name != "customers_auditevent"]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            found[table] = cursor.fetchone()
    return found


def schemas():
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'import%'")
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("chunk_receipts", [3, 1000])
def test_import_again_changes_nothing(chunk_receipts, program, tmp_path, now):
    path = write(tmp_path / "a.csv", *receipts("K-1", "K-2", "", number=6), row(amount="x"))
    run = partial(imports.run, path=path, by=actors.SYSTEM, at=now)
    first = run()
    before = checksums()

    again = run(chunk_receipts=chunk_receipts)

    assert checksums() == before
    assert (first.purchases, first.returns, first.rejected) == (15, 2, 2)  # nobody's return, and the x
    assert (again.purchases, again.lines, again.returns, again.customers, again.points_awarded) == (0, 0, 0, 0, 0)
    assert (again.rejected, again.duplicates) == (first.rejected, first.rows - first.rejected)
    assert schemas() == []


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_a_file_at_once_book_it_once(program, tmp_path, now):
    path = write(tmp_path / "a.csv", *receipts("K-1", "K-2", "K-3"))
    run = partial(imports.run, path=path, by=actors.SYSTEM, at=now, chunk_receipts=4)

    results = at_once(run, run)

    assert sorted((result.purchases, result.duplicates) for result in results) == [(0, 57), (27, 0)]
    assert Purchase.objects.count() == 27
    assert Customer.objects.count() == 3
    assert list(ledger.differences()) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("amount_minor", "outcome"), [(1000, (0, 1)), (900, (1, 0))])
def test_import_of_a_receipt_that_a_till_is_just_telling(amount_minor, outcome, program, tmp_path, now):
    store, card = StoreFactory(code="S1"), CardFactory(number="K-1")
    path = write(tmp_path / "a.csv", row(receipt_number="R-1"), row(receipt_number="R-2"))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            purchases.record(
                store=store,
                till=None,
                customer=card.customer,
                receipt_number="R-1",
                purchased_at=datetime(2026, 5, 1, 10, tzinfo=UTC),
                currency="CNY",
                lines=[LineIn("MILK", "", "", 1, amount_minor)],
                source=PurchaseSource.TILL,
                fingerprint=b"told",
                by=actors.till(1),
                at=now,
            )
            importing = pool.submit(run_apart, path=path, by=actors.SYSTEM, at=now)
            wait_until(somebody_waits_for_a_lock)
        result = importing.result()

    assert (result.purchases, (result.rejected, result.duplicates)) == (1, outcome)
    assert set(Purchase.objects.values_list("receipt_number", "source")) == {("R-1", "TILL"), ("R-2", "IMPORT")}
    assert PointsEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_import_killed_in_the_middle_leaves_whole_receipts_and_goes_on(program, tmp_path, now):
    last = CardFactory(number="LAST", customer=CustomerFactory()).customer
    points.award(customer=last, points=1, reference="survey-response:1", by=actors.SYSTEM, at=now)
    path = write(tmp_path / "a.csv", *receipts("K-1", "K-2", "K-3", "LAST"))
    with transaction.atomic():
        PointsAccount.objects.select_for_update().get(customer=last)
        killed = command(path)
        wait_until(lambda: Purchase.objects.count() == 27 and somebody_waits_for_a_lock())
        killed.send_signal(signal.SIGKILL)
        killed.wait(10)
    assert_receipts_are_whole()
    assert not Purchase.objects.filter(customer=last).exists()

    result = imports.run(path=path, by=actors.SYSTEM, at=now)

    assert (result.purchases, result.duplicates, result.customers) == (9, 57, 0)
    assert Purchase.objects.count() == 36
    assert_receipts_are_whole()
    assert schemas() == []


def assert_receipts_are_whole():
    sums = Purchase.objects.annotate(lines_total=Sum("lines__amount_minor"))
    assert not sums.exclude(total_minor=F("lines_total")).exists()
    awarded = {entry.reference for entry in PointsEntry.objects.filter(kind="AWARD", reference__startswith="purchase:")}
    assert awarded == {f"purchase:{pk}" for pk in Purchase.objects.values_list("pk", flat=True)}
    assert list(ledger.differences()) == []


def command(path):
    """`import_purchases` as a process of its own on this test's database."""
    database = connection.settings_dict
    address = f"postgres://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?host={database['HOST']}"
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_purchases", path, "--chunk-receipts", "5", "--quiet"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": address, "LOYALTY_VAR": str(environment.VAR_DIR)},
    )


def run_apart(**values):
    try:
        return imports.run(**values)
    finally:
        connection.close()


def somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
