from datetime import UTC, datetime
from decimal import Decimal

import pytest

from customers.domain.imports import facts
from customers.domain.imports.header import HeaderWrong
from customers.domain.imports.reading import FileEmpty
from customers.domain.imports.report import RejectsNotWritable
from customers.models import (
    AuditEvent,
    Card,
    Category,
    Customer,
    Product,
    Purchase,
    PurchaseLine,
    PurchaseReturn,
    PurchaseReturnLine,
    Store,
)
from loyalty_site.lib import actors
from rewards.domain import imports
from rewards.models import PointsEntry
from tests.factories.customers import CardFactory, CustomerFactory, ProductFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory
from tests.import_files import COLUMNS, row, text, write

pytestmark = pytest.mark.django_db
ALL_COLUMNS = (*COLUMNS, "name", "category", "currency")


@pytest.fixture
def bring(tmp_path, now):
    def bring(*rows, columns=COLUMNS, **options):
        path = write(tmp_path / "purchases.csv", *rows, columns=columns)
        return imports.run(path=path, by=actors.user(7), at=now, **options)

    return bring


def test_import_records_the_purchase_with_its_lines(bring, now):
    result = bring(
        row(quantity="1.250", amount="12.50", purchased_at="2026-05-01 10:05"),
        row(sku="BREAD", quantity="2", amount="3", purchased_at="2026-05-01 10:00"),
    )

    purchase = Purchase.objects.get()
    assert (purchase.store.code, purchase.receipt_number, purchase.source) == ("S1", "R-1", "IMPORT")
    assert purchase.purchased_at == datetime(2026, 5, 1, 10, 0, tzinfo=UTC)  # the earliest line's
    assert (purchase.recorded_at, purchase.recorded_by, purchase.currency) == (now, "user:7", "CNY")
    assert (purchase.total_minor, purchase.discount_minor, purchase.points_value_minor) == (1550, 0, 0)
    assert list(
        purchase.lines.order_by("position").values_list("position", "product__sku", "quantity", "amount_minor")
    ) == [
        (1, "MILK", Decimal("1.250"), 1250),
        (2, "BREAD", Decimal(2), 300),
    ]
    assert result.counts() == {
        "rows": 2,
        "purchases": 1,
        "lines": 2,
        "returns": 0,
        "customers": 1,
        "rejected": 0,
        "duplicates": 0,
        "points_awarded": 0,
        "amount_minor": {"CNY": 1550},
    }


def test_import_enrolls_whom_nobody_knows(bring, now):
    bring(row(customer="H-900"), row(customer="H-900", receipt_number="R-2", purchased_at="2026-04-01"))

    customer = Customer.objects.get()
    assert (customer.name, customer.email, customer.phone, customer.language) == ("", "", "", "en")
    assert customer.enrolled_at == datetime(2026, 4, 1, tzinfo=UTC)
    card = Card.objects.get()
    assert (card.customer, card.number, card.added_at) == (customer, "H-900", now)
    assert Purchase.objects.filter(customer=customer).count() == 2


@pytest.mark.parametrize("key", ["C-77", "{number}", "{grouped}", "someone@Example.org", "+8613812345678"])
def test_import_finds_the_customer_by(key, bring):
    customer = CustomerFactory(email="Someone@example.org", phone="+8613812345678")
    CardFactory(customer=customer, number="C-77")

    result = bring(row(customer=key.format(number=customer.number.lower(), grouped=customer.display_number)))

    assert Purchase.objects.get().customer == customer
    assert (result.customers, Customer.objects.count()) == (0, 1)


def test_import_takes_two_names_of_one_customer_for_one(bring):
    card = CardFactory(number="C-77")

    bring(row(customer="C-77"), row(customer=card.customer.number), row(customer=""))

    assert Purchase.objects.get().customer == card.customer
    assert PurchaseLine.objects.count() == 3


def test_import_keeps_anonymous_sales(bring):
    result = bring(row(customer=""), row(customer="", receipt_number="R-2"))

    assert list(Purchase.objects.values_list("customer", flat=True)) == [None, None]
    assert (result.purchases, result.customers) == (2, 0)


def test_import_makes_stores_products_and_categories(bring):
    ProgramFactory(timezone="Asia/Shanghai", currency="EUR")
    known = ProductFactory(sku="KNOWN", name="Known")

    bring(
        row(sku="KNOWN", name="Other name", category="DAIRY"),
        row(sku="MILK", name="", category=""),
        row(sku="MILK", name="Fresh milk", category="DAIRY"),
        row(sku="BARE"),
        columns=ALL_COLUMNS,
    )

    store = Store.objects.get()
    assert (store.code, store.name, store.timezone, store.currency) == ("S1", "S1", "Asia/Shanghai", "EUR")
    known.refresh_from_db()
    assert (known.name, known.category) == ("Known", None)
    made = Product.objects.exclude(pk=known.pk).order_by("sku").values_list("sku", "name", "category__code")
    assert list(made) == [("BARE", "BARE", None), ("MILK", "Fresh milk", "DAIRY")]
    assert list(Category.objects.values_list("code", "name")) == [("DAIRY", "DAIRY")]
    assert Purchase.objects.get().currency == "EUR"


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        ("2026-01-15T10:00:00", "2026-01-15T15:00:00+00:00"),
        ("2026-01-15 10:00", "2026-01-15T15:00:00+00:00"),
        ("2026/1/5 9:05", "2026-01-05T14:05:00+00:00"),
        ("2026-01-15", "2026-01-15T05:00:00+00:00"),
        ("2026-01-15T10:00:00.25", "2026-01-15T15:00:00.250000+00:00"),
        ("2026-01-15T10:00:00.123456789", "2026-01-15T15:00:00.123456+00:00"),
        ("2026-01-15T10:00:00Z", "2026-01-15T10:00:00+00:00"),
        ("2026-01-31 10:00Z", "2026-01-31T10:00:00+00:00"),
        ("2026-01-31T10:00:00.5Z", "2026-01-31T10:00:00.500000+00:00"),
        ("2026-01-15T10:00:00+05:30", "2026-01-15T04:30:00+00:00"),
        ("2026-01-15T10:00:00-03:30", "2026-01-15T13:30:00+00:00"),
        ("2026-01-15 10:00 +0800", "2026-01-15T02:00:00+00:00"),
        ("2026-01-15T10:00+08", "2026-01-15T02:00:00+00:00"),
        ("2024-02-29 00:00:00", "2024-02-29T05:00:00+00:00"),
        # New York's clocks: 02:30 does not exist on 8 March 2026 and moves forward; 01:30 comes twice on 2 November
        # 2025 and counts as the first.
        ("2026-03-08 02:30", "2026-03-08T07:30:00+00:00"),
        ("2026-03-08 03:30", "2026-03-08T07:30:00+00:00"),
        ("2025-11-02 00:59:59", "2025-11-02T04:59:59+00:00"),
        ("2025-11-02 01:30", "2025-11-02T05:30:00+00:00"),
        ("2025-11-02 02:00", "2025-11-02T07:00:00+00:00"),
        ("2025-11-02T01:30:00-05:00", "2025-11-02T06:30:00+00:00"),
    ],
)
def test_import_reads_the_time(told, instant, bring):
    StoreFactory(code="S1", timezone="America/New_York")

    bring(row(purchased_at=told))

    assert Purchase.objects.get().purchased_at == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("CNY", "12.5", 1250), ("JPY", "1200", 1200), ("jpy", "1200.00", 1200), ("KWD", "1.234", 1234), ("", "0.01", 1)],
)
def test_import_reads_the_amount(currency, amount, minor, bring):
    bring(row(currency=currency, amount=amount), columns=ALL_COLUMNS)

    purchase = Purchase.objects.get()
    assert (purchase.currency, purchase.total_minor) == (currency.upper() or "CNY", minor)


def test_import_reads_columns_in_any_order_and_case_and_leaves_out_others(tmp_path, now):
    path = tmp_path / "export.csv"
    path.write_text(
        "AMOUNT, Till ,sku,Store,RECEIPT_NUMBER,Customer,purchased_at,Quantity\n"
        "10.00,=3+4,MILK,S1,R-1,K-1,2026-05-01 10:00,2\n"
    )

    result = imports.run(path=path, by=actors.SYSTEM, at=now)

    assert (result.lines, result.rejected, result.ignored) == (1, 0, ("Till",))
    assert PurchaseLine.objects.get().quantity == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_import_detects_encoding_delimiter_and_line_ends(encoding, delimiter, line_end, tmp_path, now):
    path = tmp_path / "采购.csv"
    rows = [row(name="鲜牛奶 1L", category="乳制品"), row(sku="DOU", name="豆腐，嫩", category="豆类", amount="2.30")]
    told = text(*rows, columns=ALL_COLUMNS, delimiter=delimiter)
    path.write_bytes(told.replace("\n", line_end).encode(encoding))

    result = imports.run(path=path, by=actors.SYSTEM, at=now)

    assert (result.lines, result.rejected) == (2, 0)
    assert list(Product.objects.order_by("sku").values_list("name", "category__name")) == [
        ("豆腐，嫩", "豆类"),
        ("鲜牛奶 1L", "乳制品"),
    ]


def test_import_reads_quotes_spaces_and_blank_lines(tmp_path, now):
    path = tmp_path / "quotes.csv"
    path.write_text(
        f"{','.join(COLUMNS)},name\n"
        'S1,R-1,K-1,2026-05-01 10:00,A,1,1.00,"Milk, ""fresh"""\n'
        "\n"
        ' S1 ,R-1,K-1, 2026-05-01 10:00 ,B,1, 2.00 ,5" pipe\n'
        "S1,R-1,K-1,2026-05-01 10:00,C,1,3.00,last line without an end"
    )

    result = imports.run(path=path, by=actors.SYSTEM, at=now)

    assert (result.rows, result.rejected) == (3, 0)
    lines = PurchaseLine.objects.order_by("position").values_list("product__name", "amount_minor")
    assert list(lines) == [('Milk, "fresh"', 100), ('5" pipe', 200), ("last line without an end", 300)]


@pytest.mark.parametrize("chunk_receipts", [1, 2, 100])
def test_import_keeps_scattered_receipts_whole(chunk_receipts, bring):
    rows = [
        row(receipt_number=f"R-{receipt}", customer=f"K-{receipt % 3}", amount=f"{line + 1}.00", sku=f"P{line}")
        for line in range(4)
        for receipt in range(7)
    ]

    result = bring(*rows, chunk_receipts=chunk_receipts)

    assert (result.purchases, result.lines) == (7, 28)
    assert set(Purchase.objects.values_list("total_minor", flat=True)) == {1000}
    for purchase in Purchase.objects.all():
        lines = purchase.lines.order_by("position").values_list("position", "amount_minor")
        assert list(lines) == [(1, 100), (2, 200), (3, 300), (4, 400)]


def test_import_books_returns_of_the_latest_purchase_with_enough_left(bring):
    result = bring(
        row(receipt_number="R-1", purchased_at="2026-05-01", quantity="5", amount="50.00"),
        row(receipt_number="R-2", purchased_at="2026-05-02", quantity="2", amount="20.00"),
        row(receipt_number="R-9", purchased_at="2026-05-09", quantity="2", amount="20.00"),
        row(receipt_number="B-1", purchased_at="2026-05-05", quantity="-2", amount="-20.00"),
        row(receipt_number="B-1", purchased_at="2026-05-05", quantity="-1", amount="-10.00"),
        row(receipt_number="B-1", purchased_at="2026-05-05", sku="BREAD", quantity="1", amount="3.00"),
        row(receipt_number="B-2", purchased_at="2026-05-06", quantity="-4", amount="-39.00"),
        row(receipt_number="B-3", purchased_at="2026-05-06", quantity="-1", amount="-1.01"),
    )

    lines = PurchaseReturnLine.objects.order_by("purchase_return__return_number").values_list(
        "purchase_return__return_number", "line__purchase__receipt_number", "quantity", "amount_minor"
    )
    assert list(lines) == [("B-1", "R-2", 2, 2000), ("B-1/2", "R-1", 1, 1000), ("B-2", "R-1", 4, 3900)]
    assert Purchase.objects.get(receipt_number="B-1").total_minor == 300
    assert set(PurchaseReturn.objects.values_list("recorded_by", flat=True)) == {"user:7"}
    assert (result.purchases, result.lines, result.returns, result.rejected) == (4, 4, 3, 1)
    assert result.amount_minor == {"CNY": 5000 + 2000 + 2000 + 300 - 2000 - 1000 - 3900}


def test_import_knows_returns_when_they_are_told_again(bring):
    rows = [
        row(receipt_number="R-1", purchased_at="2026-05-01", quantity="5", amount="50.00"),
        row(receipt_number="R-2", purchased_at="2026-05-02", quantity="2", amount="20.00"),
        row(receipt_number="B-1", purchased_at="2026-05-05", quantity="-2", amount="-20.00"),
        row(receipt_number="B-1", purchased_at="2026-05-05", quantity="-1", amount="-10.00"),
    ]
    bring(*rows)

    again = bring(*rows)
    otherwise = bring(*rows[:3], rows[3] | {"amount": "-9.00"})

    assert (again.returns, again.rejected, again.duplicates) == (0, 0, 4)
    assert (otherwise.returns, otherwise.rejected, otherwise.duplicates) == (0, 2, 2)


def test_import_tells_a_sale_from_a_return_with_the_same_number(bring):
    bring(row(receipt_number="1"), row(receipt_number="7", purchased_at="2026-05-02", quantity="-1", amount="-10.00"))

    result = bring(row(receipt_number="7", customer="NEW", purchased_at="2026-05-03"))

    assert (result.purchases, result.customers) == (1, 1)
    assert Purchase.objects.get(receipt_number="7").customer.cards.get().number == "NEW"


def test_import_awards_points_at_the_purchases_dates(bring):
    ProgramFactory()
    BaseRuleFactory()

    result = bring(row(amount="12.99"), row(receipt_number="R-2", purchased_at="2026-04-01", amount="3.00"))

    entries = PointsEntry.objects.order_by("seq").values_list("points", "balance_after", "happened_at")
    assert list(entries) == [
        (3, 3, datetime(2026, 4, 1, tzinfo=UTC)),
        (12, 15, datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ]
    assert result.points_awarded == 15


def test_import_of_facts_only_awards_nothing(bring):
    ProgramFactory()
    BaseRuleFactory()

    assert bring(row(), award_points=False).points_awarded == 0
    assert not PointsEntry.objects.exists()


def test_import_tells_how_far_it_is(bring):
    told = []

    bring(row(), progress=lambda *step: told.append(step))

    size = len(text(row()))
    assert told == [("reading", size, size), ("checking", 0, 1), ("booking", 1, 1)]


def test_import_leaves_a_trace(bring, now):
    bring(row())

    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.happened_at) == ("user:7", "purchases.imported", now)
    assert (event.data["file"], event.data["purchases"]) == ("purchases.csv", 1)


def test_import_removes_the_rejects_of_an_earlier_run(bring, tmp_path):
    first = bring(row(amount="x"))
    assert first.rejects == tmp_path / "purchases.csv.rejects.csv"
    assert first.rejects.exists()

    result = bring(row(amount="1"))

    assert result.rejects is None
    assert not first.rejects.exists()


def test_import_of_a_header_alone_changes_nothing(bring):
    assert bring().counts()["rows"] == 0
    assert not Purchase.objects.exists()


def test_import_of_a_wrong_header_names_missing_and_found_columns(tmp_path, now):
    path = tmp_path / "wrong.csv"
    path.write_text("Store;Customer;Betrag\nS1;K-1;1\n")

    with pytest.raises(HeaderWrong) as refusal:
        imports.run(path=path, by=actors.SYSTEM, at=now)

    assert str(refusal.value) == (
        "Columns missing: receipt_number, purchased_at, sku, quantity, amount. Columns found: Store, Customer, Betrag."
    )


def test_import_of_an_empty_file_is_refused(tmp_path, now):
    (tmp_path / "empty.csv").touch()

    with pytest.raises(FileEmpty):
        imports.run(path=tmp_path / "empty.csv", by=actors.SYSTEM, at=now)


def test_import_is_refused_where_rejects_cannot_be_written(bring, tmp_path):
    (tmp_path / "purchases.csv.rejects.csv").mkdir()

    with pytest.raises(RejectsNotWritable):
        bring(row())
    assert not Purchase.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_chunk_is_refused_when_what_it_names_was_deleted_meanwhile(bring, monkeypatch):
    make = facts.make_what_is_named

    def make_and_lose(*args, **options):
        made = make(*args, **options)
        Product.objects.all().delete()
        return made

    monkeypatch.setattr(facts, "make_what_is_named", make_and_lose)
    with pytest.raises(facts.DeletedMeanwhile):
        bring(row(), chunk_receipts=1)
    assert not Purchase.objects.exists()
