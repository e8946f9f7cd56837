from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from customers.domain.imports import header, reading
from customers.domain.recommendations import files

HEAD = "store,receipt_number,customer,purchased_at,sku,quantity,amount,category\n"


def read(tmp_path: Path, *lines, head=HEAD, encoding="utf-8"):
    path = tmp_path / "purchases.csv"
    path.write_bytes((head + "".join(f"{line}\n" for line in lines)).encode(encoding))
    return files.read(path)


def test_read_gives_receipts_lines_and_categories(tmp_path):
    found = read(
        tmp_path,
        "S,1,mia,2026-01-02T10:00:00+08:00,milk,1,1.00,DAIRY",
        "S,1,mia,2026-01-02T09:59:00+08:00,bread,2,1.00,",
        "T,1,leo,2026/1/3 8:05,milk,0.5,1.50,",
        "S,2,mia,2026-01-04,bread,-1,-1.00,BAKERY",
        "S,3,,2026-01-04,milk,1,1.00,DAIRY",
    )
    assert len(found.customer) == 3
    assert found.moment[0] == 1767319140
    assert (found.day - found.day[0]).tolist() in ([0, 2, 1], [0, 1, 2])
    assert sorted(zip(found.product.tolist(), found.amount.tolist(), strict=True)) == [(0, 1), (1, 1), (1, 1.5)]
    assert sorted(found.product.tolist()) == [0, 1, 1]  # no returns, nobody's purchases
    assert len({*found.customer.tolist()}) == 2
    assert found.category[0] >= 0
    assert found.category[1] >= 0
    assert found.category[0] != found.category[1]


def test_the_order_of_lines_changes_nothing(tmp_path):
    lines = [f"S{n % 2},{n % 9},c{n % 3},2026-01-{1 + n % 9:02},p{n * 7 % 5},1,{n % 9},C{n % 5}" for n in range(20)]
    found, other = read(tmp_path, *lines), read(tmp_path, *reversed(lines))
    for name in ("customer", "moment", "day", "category"):
        assert getattr(found, name).tolist() == getattr(other, name).tolist()
    told = [sorted(zip(one.line_receipt, one.product, one.amount, strict=True)) for one in (found, other)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("S,2,leo,yesterday,milk,1,1.00,", ["Line 3", "purchased_at", "yesterday", "date and time"]),
        ("S,2,leo,2026-02-30,milk,1,1.00,", ["Line 3", "purchased_at"]),
        ("S,2,leo,2026-02-03,milk,many,1.00,", ["Line 3", "quantity", "many", "number"]),
        ("S,2,leo,2026-02-03,milk,1,free,", ["Line 3", "amount", "free", "number"]),
        ("S,2,leo,2026-02-03,,1,1.00,", ["Line 3", "sku", "missing"]),
        ("S,2,leo,2026-02-03,milk", ["Line 3", "fewer cells"]),
        ("S,1,leo,2026-02-03,milk,1,1.00,", ["Line 3", "customer", "two customers"]),
        ('S,2,leo,2026-02-03,"milk,1,1.00,', ["Line 3", "quote"]),
    ],
)
def test_read_names_the_line_that_is_wrong(tmp_path, line, words):
    with pytest.raises(files.LineWrong) as refused:
        read(tmp_path, "S,1,mia,2026-01-02,milk,1,1.00,DAIRY", line)
    for word in words:
        assert word in str(refused.value)


def test_read_refuses_what_is_no_table_of_purchases(tmp_path):
    with pytest.raises(header.HeaderWrong):
        read(tmp_path, "1,2", head="a,b\n")
    with pytest.raises(reading.FileEmpty):
        read(tmp_path)
    with pytest.raises(reading.FileEmpty):
        read(tmp_path, head="")
    with pytest.raises(reading.FileUnreadable):
        files.read(tmp_path / "nowhere.csv")


def test_read_takes_chinese_files_and_parquet(tmp_path):
    csv = read(tmp_path, "店,1,小明,2026-01-02,牛奶,1,1.00,乳品", encoding="gb18030")
    columns = {"store": [1], "receipt_number": [2], "customer": [3], "sku": [4], "quantity": [1.0], "amount": [2.5]}
    columns["purchased_at"] = pyarrow.array([1767319140], pyarrow.timestamp("s"))
    parquet.write_table(pyarrow.table(columns), tmp_path / "purchases.parquet")
    table = files.read(tmp_path / "purchases.parquet")
    for found in (csv, table):
        assert (len(found.customer), found.product.tolist()) == (1, [0])
    assert csv.category.tolist() == [0]
    assert table.category.tolist() == [-1]
