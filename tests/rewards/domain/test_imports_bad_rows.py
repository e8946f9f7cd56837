"""A file with every kind of bad row: each is named, and the good rows between them land."""

import csv
from datetime import UTC, datetime

import pytest

from customers.domain.imports.report import REASONS
from customers.models import Category, Customer, Product, Purchase, Store
from loyalty_site.lib import actors
from rewards.domain import imports
from tests.factories.customers import (
    CardFactory,
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    StoreFactory,
)
from tests.import_files import SOUND

COLUMNS = (*SOUND, "name", "category", "currency")

# What is wrong, the cells that are, the column and the code by which it is named.
BAD_CELLS = [
    ("no store", {"store": ""}, "store", "missing"),
    ("no receipt number", {"receipt_number": ""}, "receipt_number", "missing"),
    ("no time", {"purchased_at": ""}, "purchased_at", "missing"),
    ("no sku", {"sku": ""}, "sku", "missing"),
    ("no quantity", {"quantity": ""}, "quantity", "missing"),
    ("no amount", {"amount": ""}, "amount", "missing"),
    ("blanks for a store", {"store": "   "}, "store", "missing"),
    ("overlong store", {"store": "S" * 65}, "store", "too_long"),
    ("overlong receipt number", {"receipt_number": "R" * 101}, "receipt_number", "too_long"),
    ("overlong customer", {"customer": "K" * 65}, "customer", "too_long"),
    ("overlong sku", {"sku": "4" * 65}, "sku", "too_long"),
    ("overlong name", {"name": "牛" * 201}, "name", "too_long"),
    ("overlong category", {"category": "C" * 101}, "category", "too_long"),
    ("formula for a store", {"store": "=1+1"}, "store", "formula"),
    ("formula for a receipt number", {"receipt_number": "+R"}, "receipt_number", "formula"),
    ("formula for a customer", {"customer": "@SUM(A1)"}, "customer", "formula"),
    ("minus before a customer", {"customer": "-2+3"}, "customer", "formula"),
    ("plus before a customer that is no phone", {"customer": "+49 x"}, "customer", "formula"),
    ("formula for a sku", {"sku": "=A1"}, "sku", "formula"),
    ("formula for a name", {"name": '=cmd|" /C calc"!A0'}, "name", "formula"),
    ("plus before a name", {"name": "+1"}, "name", "formula"),
    ("minus before a name", {"name": "-1"}, "name", "formula"),
    ("at before a name", {"name": "@x"}, "name", "formula"),
    ("formula for a category", {"category": "=1"}, "category", "formula"),
    ("customer who left", {"customer": "LEFT-1"}, "customer", "customer_closed"),
    ("words for a time", {"purchased_at": "yesterday"}, "purchased_at", "time_unreadable"),
    ("thirteenth month", {"purchased_at": "2026-13-01T10:00:00"}, "purchased_at", "time_unreadable"),
    ("30 February", {"purchased_at": "2026-02-30T10:00:00"}, "purchased_at", "time_unreadable"),
    ("29 February in a common year", {"purchased_at": "2025/02/29 10:00"}, "purchased_at", "time_unreadable"),
    ("day zero", {"purchased_at": "2026-05-00T10:00:00"}, "purchased_at", "time_unreadable"),
    ("hour 24", {"purchased_at": "2026-05-01 24:00"}, "purchased_at", "time_unreadable"),
    ("minute 60", {"purchased_at": "2026-05-01 10:60"}, "purchased_at", "time_unreadable"),
    ("second 60", {"purchased_at": "2026-05-01 10:00:60"}, "purchased_at", "time_unreadable"),
    ("day first", {"purchased_at": "31/12/2025 10:00"}, "purchased_at", "time_unreadable"),
    ("month as a name", {"purchased_at": "1 May 2026 10:00"}, "purchased_at", "time_unreadable"),
    ("seconds since 1970", {"purchased_at": "1777629600"}, "purchased_at", "time_unreadable"),
    ("spreadsheet's number for a time", {"purchased_at": "46143.4166"}, "purchased_at", "time_unreadable"),
    ("year 1", {"purchased_at": "0001-01-01T00:00:00"}, "purchased_at", "time_unreadable"),
    ("offset of four days", {"purchased_at": "2026-05-01T10:00:00+99:00"}, "purchased_at", "time_unreadable"),
    ("offset of 60 minutes", {"purchased_at": "2026-05-01T10:00:00+01:60"}, "purchased_at", "time_unreadable"),
    ("a zone in the middle", {"purchased_at": "2026-01Z-01 10:00"}, "purchased_at", "time_unreadable"),
    ("two zones", {"purchased_at": "2026-01-01 10:00ZZ"}, "purchased_at", "time_unreadable"),
    ("time of day only", {"purchased_at": "10:00"}, "purchased_at", "time_unreadable"),
    ("Arabic digits in a time", {"purchased_at": "٢٠٢٦-05-01 10:00"}, "purchased_at", "time_unreadable"),
    ("tomorrow", {"purchased_at": "2026-05-21T10:00:00"}, "purchased_at", "time_in_future"),
    ("a second from now elsewhere", {"purchased_at": "2026-05-20T18:30:01+08:00"}, "purchased_at", "time_in_future"),
    ("number for a currency", {"currency": "156"}, "currency", "currency_unknown"),
    ("name for a currency", {"currency": "YUAN"}, "currency", "currency_unknown"),
    ("words for a quantity", {"quantity": "two"}, "quantity", "not_a_number"),
    ("NaN for a quantity", {"quantity": "NaN"}, "quantity", "not_a_number"),
    ("infinite quantity", {"quantity": "Infinity"}, "quantity", "not_a_number"),
    ("quantity with an exponent", {"quantity": "1e3"}, "quantity", "not_a_number"),
    ("quantity with thousands separators", {"quantity": "1,000"}, "quantity", "not_a_number"),
    ("two minus signs", {"quantity": "--1"}, "quantity", "not_a_number"),
    ("full-width digits", {"quantity": "１"}, "quantity", "not_a_number"),
    ("four decimals of a quantity", {"quantity": "1.0005"}, "quantity", "quantity_too_fine"),
    ("too many pieces", {"quantity": "1000000000"}, "quantity", "too_large"),
    ("words for an amount", {"amount": "ten"}, "amount", "not_a_number"),
    ("NaN for an amount", {"amount": "nan"}, "amount", "not_a_number"),
    ("infinite amount", {"amount": "-inf"}, "amount", "not_a_number"),
    ("amount with an exponent", {"amount": "1E2"}, "amount", "not_a_number"),
    ("amount with thousands separators", {"amount": "1,234.50"}, "amount", "not_a_number"),
    ("amount with a comma for the point", {"amount": "12,50"}, "amount", "not_a_number"),
    ("amount with a currency sign", {"amount": "¥12.50"}, "amount", "not_a_number"),
    ("hexadecimal amount", {"amount": "0x1F"}, "amount", "not_a_number"),
    ("plus before an amount", {"amount": "+5"}, "amount", "not_a_number"),
    ("no digit before the point", {"amount": ".5"}, "amount", "not_a_number"),
    ("a thousandth of a yuan", {"amount": "12.505"}, "amount", "amount_too_fine"),
    ("a part of a yen", {"amount": "12.5", "currency": "JPY"}, "amount", "amount_too_fine"),
    ("too much money", {"amount": "10000000000.00"}, "amount", "too_large"),
    ("far too much money", {"amount": "9" * 40}, "amount", "not_a_number"),
    ("paid out for goods", {"quantity": "1", "amount": "-1.00"}, "quantity", "signs_differ"),
    ("paid for a return", {"quantity": "-1", "amount": "1.00"}, "amount", "signs_differ"),
    ("return by nobody", {"customer": "", "quantity": "-1", "amount": "-1.00"}, "quantity", "return_without_customer"),
    ("return of what was never bought", {"quantity": "-1", "amount": "-1.00"}, "quantity", "return_without_purchase"),
    (
        "return of more than was bought",
        {"customer": "BACK-1", "sku": "bought", "quantity": "-3", "amount": "-1.00"},
        "quantity",
        "return_without_purchase",
    ),
    (
        "return of more money than was paid",
        {"customer": "BACK-1", "sku": "bought", "quantity": "-1", "amount": "-4.01"},
        "quantity",
        "return_without_purchase",
    ),
    (
        "return before it was bought",
        {"customer": "BACK-1", "sku": "bought", "quantity": "-1", "amount": "-1.00", "purchased_at": "2026-01-01"},
        "quantity",
        "return_without_purchase",
    ),
]

# Whole lines in their bytes; %s is the receipt number.
BAD_LINES = [
    ("control character", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,a\x01b,,", "name", "control_character"),
    ("escape sequence", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,\x1b[31mred,,", "name", "control_character"),
    ("NUL", b"S1,%s,K\x00,2026-05-01 10:00,MILK,1,1.00,,,", "customer", "control_character"),
    ("tab", b"S1,%s,K-1,2026-05-01 10:00,MI\tLK,1,1.00,,,", "sku", "control_character"),
    ("DEL", b"\x7fS1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,,,", "store", "control_character"),
    ("C1 control", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,,a\xc2\x85b,", "category", "control_character"),
    ("carriage return inside", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,a\rb,,", "name", "control_character"),
    ("stray byte", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,caf\xe9,,", "name", "bytes_invalid"),
    ("lone surrogate", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,\xed\xa0\x80,,", "name", "bytes_invalid"),
    ("overlong form of a slash", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,\xc0\xaf,,", "name", "bytes_invalid"),
    ("quote never closed", b'S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,"milk,,', "", "quotes_unbalanced"),
    ("text after a quote", b'S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,"milk"y,,', "", "quotes_unbalanced"),
    ("cells missing", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00", "", "cells_missing"),
    ("one cell", b"%s", "", "cells_missing"),
    ("a cell too many", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00,milk, fresh,,", "", "cells_extra"),
    ("endless row", b"S1,%s,K-1,2026-05-01 10:00,MILK,1,1.00," + b"x" * 100_001 + b",,", "", "row_too_long"),
]

# Receipts whose rows contradict each other or what is known: the rows' cells, and how each row is named.
BAD_RECEIPTS = [
    (
        "two customers",
        [{}, {"customer": "K-2"}],
        [("customer", "two_customers"), ("customer", "two_customers")],
    ),
    (
        "two currencies",
        [{"currency": "CNY"}, {"currency": "EUR"}],
        [("currency", "two_currencies"), ("currency", "two_currencies")],
    ),
    (
        "one bad line of three",
        [{}, {"quantity": "x"}, {}],
        [("receipt_number", "other_line_wrong"), ("quantity", "not_a_number"), ("receipt_number", "other_line_wrong")],
    ),
    (
        "one return of two that fits nothing",
        [
            {"customer": "BACK-1", "sku": "bought", "quantity": "-1", "amount": "-1.00"},
            {"customer": "BACK-1", "sku": "other", "quantity": "-1", "amount": "-1.00"},
        ],
        [("receipt_number", "other_line_wrong"), ("quantity", "return_without_purchase")],
    ),
]
KNOWN = {"store": "KNOWN", "customer": "BACK-1", "purchased_at": "2026-04-01T08:00:00Z", "sku": "bought"}
TOLD_OTHERWISE = [
    ("another total", KNOWN | {"amount": "9.99"}),
    ("another customer", KNOWN | {"customer": "K-1"}),
    ("no customer", KNOWN | {"customer": ""}),
    ("another time", KNOWN | {"purchased_at": "2026-04-01T08:00:01Z"}),
    ("another currency", KNOWN | {"currency": "EUR"}),
]


@pytest.fixture
def known():
    """A customer who left, and one with a purchase of two pieces for 8.00 and receipts in the store KNOWN."""
    gone = CustomerFactory(closed_at=datetime(2026, 1, 2, tzinfo=UTC))
    CardFactory(number="LEFT-1", customer=gone)
    customer = CardFactory(number="BACK-1").customer
    product = ProductFactory(sku="bought")
    bought = PurchaseFactory(
        store=StoreFactory(code="S1"), customer=customer, total_minor=800, purchased_at=datetime(2026, 2, 1, tzinfo=UTC)
    )
    PurchaseLineFactory(purchase=bought, product=product, quantity=2, amount_minor=400)
    PurchaseLineFactory(purchase=bought, product=product, quantity=2, amount_minor=400)
    store = StoreFactory(code="KNOWN")
    for name, _ in [*TOLD_OTHERWISE, ("two lines told for one", {})]:
        told = PurchaseFactory(
            store=store,
            customer=customer,
            receipt_number=f"told {name}",
            total_minor=1000,
            purchased_at=datetime(2026, 4, 1, 8, tzinfo=UTC),
        )
        PurchaseLineFactory(purchase=told, amount_minor=1000)


def quoted(cells):
    return ",".join('"' + cells.get(column, "").replace('"', '""') + '"' for column in COLUMNS).encode()


class File:
    """A good row follows every bad one."""

    def __init__(self):
        self.lines = [",".join(COLUMNS).encode()]
        self.named = []

    def add_bad(self, line, column, code):
        self.lines.append(line)
        self.named.append((len(self.lines), column, str(REASONS[code])))

    def add_good(self):
        number = len(self.lines) + 1
        self.lines.append(quoted(SOUND | {"receipt_number": f"good {number}", "customer": "GOOD", "sku": "good"}))

    def write(self, path):
        path.write_bytes(b"\n".join(self.lines) + b"\n")
        return path


@pytest.fixture
def file():
    file = File()
    for name, cells, column, code in BAD_CELLS:
        file.add_bad(quoted(SOUND | {"receipt_number": f"bad {name}"} | cells), column, code)
        file.add_good()
    for name, line, column, code in BAD_LINES:
        file.add_bad(line.replace(b"%s", f"bad {name}".encode()), column, code)
        file.add_good()
    for name, rows, names in BAD_RECEIPTS:
        for cells, (column, code) in zip(rows, names, strict=True):
            file.add_bad(quoted(SOUND | {"receipt_number": f"bad {name}"} | cells), column, code)
            file.add_good()
    for name, cells in TOLD_OTHERWISE:
        file.add_bad(quoted(SOUND | {"receipt_number": f"told {name}"} | cells), "receipt_number", "told_otherwise")
        file.add_good()
    for amount in ("4.00", "6.00"):
        cells = SOUND | KNOWN | {"receipt_number": "told two lines told for one", "amount": amount}
        file.add_bad(quoted(cells), "receipt_number", "told_otherwise")
        file.add_good()
    return file


@pytest.mark.django_db
def test_import_names_every_bad_row_and_lands_the_good_ones(file, known, tmp_path, now):
    before = set(Purchase.objects.values_list("pk", flat=True))

    result = imports.run(path=file.write(tmp_path / "bad.csv"), by=actors.SYSTEM, at=now)

    with result.rejects.open(encoding="utf-8-sig", newline="") as rejects:
        header, *rejected = csv.reader(rejects)
    assert header == ["row", "column", "reason", *COLUMNS]
    assert [(int(row), column, reason) for row, column, reason, *_ in rejected] == file.named
    landed = Purchase.objects.exclude(pk__in=before)
    assert {purchase.receipt_number[:5] for purchase in landed} == {"good "}
    assert (result.purchases, result.lines, result.rejected) == (len(file.named),) * 3
    assert result.rows == 2 * len(file.named)


@pytest.mark.django_db
def test_import_makes_nothing_that_only_bad_rows_name(file, known, tmp_path, now):
    imports.run(path=file.write(tmp_path / "bad.csv"), by=actors.SYSTEM, at=now)

    assert set(Store.objects.values_list("code", flat=True)) == {"S1", "KNOWN"}
    assert not Product.objects.filter(sku__in=["MILK", "other"]).exists()
    assert not Category.objects.exists()
    assert list(Customer.objects.filter(name="").values_list("cards__number")) == [("GOOD",)]


def test_there_are_at_least_fifty_kinds_of_bad_rows():
    names = [kind[0] for kind in [*BAD_CELLS, *BAD_LINES, *BAD_RECEIPTS, *TOLD_OTHERWISE]]

    assert len(set(names)) == len(names) >= 50


@pytest.mark.django_db
def test_rejects_file_can_be_opened_in_a_spreadsheet(file, known, tmp_path, now):
    result = imports.run(path=file.write(tmp_path / "bad.csv"), by=actors.SYSTEM, at=now)

    with result.rejects.open(encoding="utf-8-sig", newline="") as rejects:
        cells = [cell for row in csv.reader(rejects) for cell in row]
    dangerous = {cell for cell in cells if cell.startswith(("=", "+", "-", "@"))}
    assert dangerous == {"-1", "-1.00", "-3", "-4.01"}
    assert "'=1+1" in cells
