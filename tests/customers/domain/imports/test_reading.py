from decimal import Decimal

import pyarrow
import pytest
from pyarrow import parquet as files

from customers.domain.imports import cells, reading
from customers.domain.imports.header import ColumnNamedTwice, HeaderWrong, TooManyColumns
from customers.domain.imports.parquet import ColumnTypeRefused, ParquetDamaged
from customers.domain.imports.reading import EncodingRefused, FileUnreadable
from tests.import_files import COLUMNS, row, text

HEADER = ",".join(COLUMNS)
WIDTH = len(COLUMNS)


@pytest.fixture
def opened(tmp_path):
    def opened(content, **options):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return reading.open_source(path=path, **options)

    return opened


@pytest.fixture
def opened_parquet(tmp_path):
    def opened(**columns):
        sound = {name: [value] for name, value in row().items()}
        files.write_table(pyarrow.table(sound | columns), tmp_path / "file.parquet")
        return reading.open_source(path=tmp_path / "file.parquet")

    return opened


def plain(source):
    """The blocks as COPY gets them, None for those taken apart."""
    return [source.plain(block) for block in source.blocks()]


def apart(source):
    return [row for block in source.blocks() for row in source.rows(block)]


def test_plain_text_goes_to_copy_as_it_is(opened):
    line = 'S,"R, ""1"" ""2""",é,2026,"",1 000,\n'

    source = opened(f"{HEADER}\n{line}")

    assert plain(source) == [line.encode()]
    assert source.delimiter == ","


def test_line_ends_of_windows_become_plain(opened):
    assert plain(opened(f"{HEADER}\r\na,b\r\n")) == [b"a,b\n"]


@pytest.mark.parametrize(
    "line",
    [
        "S ,R,K,2026,A,1,2",
        "S, R,K,2026,A,1,2",
        " S,R,K,2026,A,1,2",
        'S,R,K,2026,A,1,"2 "',
        'S,R,K,2026,A,1," 2"',
        'S,R,K,2026,"A",1 ,2',
        'S,R,K,2026, "A",1,2',
        'S,R,K,2026,5" pipe,1,2',
        'S,R,K,2026,"A"x,1,2',
        'S,R,K,2026,"A,1,2',
        "S,R,K,2026,A\x00,1,2",
        "S,R,K,2026,A\x85,1,2",
        "S,R,K,20\r26,A,1,2",
        "\\.",
        "",
    ],
)
def test_anything_odd_is_taken_apart(line, opened):
    assert plain(opened(f"{HEADER}\n{line}\nS,R,K,2026,A,1,2\n")) == [None]


def test_gb18030_becomes_utf_8(opened):
    assert plain(opened(f"{HEADER}\n店,R,K,2026,A,1,2\n".encode("gb18030"))) == ["店,R,K,2026,A,1,2\n".encode()]


def test_a_damaged_line_does_not_make_utf_8_another_encoding(opened):
    good = "店,R,K,2026,牛奶,1,2\n".encode()

    found = apart(opened(f"{HEADER}\n".encode() + good + b"\xb5\xea" + good[3:] + good))

    assert [(row.number, row.fault, row.column) for row in found] == [
        (2, "", None),
        (3, "bytes_invalid", 0),
        (4, "", None),
    ]
    assert found[2].cells[0] == "店"


def test_a_damaged_line_of_gb18030_is_named(opened):
    good = "店,R,K,2026,牛奶,1,2\n".encode("gb18030")

    found = apart(opened(f"{HEADER}\n".encode() + good + b"\xff," + good[3:]))

    assert [(row.number, row.fault) for row in found] == [(2, ""), (3, "bytes_invalid")]
    assert found[0].cells[4] == "牛奶"


def test_rows_keep_their_numbers_over_blank_lines_and_blocks(opened, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK_BYTES", 64)
    lines = [f"S,R-{n},K,2026,A,1,2" if n % 5 else "" for n in range(40)]

    source = opened("\n".join([HEADER, *lines]))
    blocks = list(source.blocks())

    assert len(blocks) > 5
    assert blocks[-1].end == source.size
    assert [row.number for row in apart(source)] == [n + 2 for n in range(40) if n % 5]
    assert {row.cells[1] for row in apart(source)} == {f"R-{n}" for n in range(40) if n % 5}


def test_an_endless_line_does_not_fill_the_memory(opened, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK_BYTES", 200_000)

    source = opened(f"{HEADER}\nS,R,K,2026,A,1,2\n{'x' * 3_000_000}\nS,R,K,2026,A,1,2\n")

    assert max(len(block.lines) for block in source.blocks()) < 600_000
    assert [(row.number, row.fault) for row in apart(source)] == [(2, ""), (3, "row_too_long"), (4, "")]


def test_cells_beyond_the_last_column_stand_in_the_last_cell():
    (row,) = cells.take_apart([b"a,b,c,d"], 7, "utf-8", ",", 3)

    assert row == (7, ["a", "b", "c,d"], "cells_extra", None)


def test_control_characters_are_shown_by_a_sign():
    (row,) = cells.take_apart([b"a;b\x00;c\t"], 2, "utf-8", ";", 3)

    assert row == (2, ["a", "b␀", "c␀"], "control_character", 1)


@pytest.mark.parametrize("start", ["\ufeff".encode("utf-16-le"), "\ufeff".encode("utf-16-be"), b""])
def test_utf_16_is_refused(start, opened):
    told = HEADER.encode("utf-16-be" if start == b"\xfe\xff" else "utf-16-le")

    with pytest.raises(EncodingRefused):
        opened(start + told)
    with pytest.raises(EncodingRefused):
        opened(HEADER, encoding="UTF-16")


@pytest.mark.parametrize(("named", "found"), [("tab", "\t"), ("\\t", "\t"), (";", ";"), ("Comma", ",")])
def test_the_delimiter_can_be_named(named, found, opened):
    assert opened(text(row(), delimiter=found), delimiter=named).delimiter == found


def test_a_delimiter_named_wrongly_shows_what_was_found(opened):
    with pytest.raises(HeaderWrong) as refusal:
        opened(HEADER, delimiter=";")

    assert refusal.value.details["found"] == HEADER[:60]


def test_a_header_may_be_quoted_and_say_more(opened):
    source = opened('"Store";"RECEIPT_NUMBER";customer;purchased_at;sku;quantity;amount;" Clerk "')

    assert source.header.columns == (*COLUMNS, "extra_8")
    assert source.header.ignored == ("Clerk",)


def test_a_column_named_twice_is_refused(opened):
    with pytest.raises(ColumnNamedTwice, match="sku"):
        opened(f"{HEADER},SKU")


def test_too_many_columns_are_refused(opened):
    with pytest.raises(TooManyColumns, match="more than 200"):
        opened(HEADER + "," * 300)


def test_a_binary_file_does_not_reach_the_terminal(opened):
    with pytest.raises(HeaderWrong) as refusal:
        opened(b"\x89PNG\x1b[31m,\xff\x07\n")

    assert refusal.value.details["found"].isprintable()


def test_an_unreadable_file_is_refused(tmp_path):
    with pytest.raises(FileUnreadable, match="No such file"):
        reading.open_source(path=tmp_path / "nothing.csv")


def test_parquet_columns_become_text(opened_parquet):
    source = opened_parquet(
        store=pyarrow.array(["S1"]).dictionary_encode(),
        customer=pyarrow.array([900.0]),
        sku=pyarrow.array([4011]),
        quantity=pyarrow.array([Decimal("1.250")]),
        amount=pyarrow.array([0.1 + 0.2]),
        purchased_at=pyarrow.array([1_777_629_600_000], pyarrow.timestamp("ms", "Asia/Shanghai")),
        receipt_number=pyarrow.array([b"R-1"]),
    )

    ((line,),) = [block.decode().splitlines() for block in plain(source)]
    cells_by_name = dict(zip(source.header.columns, line.strip('"').split('","'), strict=True))
    assert cells_by_name == {
        "store": "S1",
        "receipt_number": "R-1",
        "customer": "900",
        "purchased_at": "2026-05-01 10:00:00Z",
        "sku": "4011",
        "quantity": "1.250",
        "amount": "0.300000",
    }


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (pyarrow.array([12], pyarrow.int16()), "12"),
        (pyarrow.array([12.5], pyarrow.float32()), "12.500000"),
        (pyarrow.array([float("nan")]), "nan"),
        (pyarrow.array([float("-inf")]), "-inf"),
        (pyarrow.array([1e300]), "1e+300"),
        (pyarrow.array([None], pyarrow.float64()), ""),
        (pyarrow.array([None], pyarrow.null()), ""),
    ],
)
def test_parquet_amounts_become_text(amount, written, opened_parquet):
    (row,) = apart(opened_parquet(amount=amount))

    assert row.cells[-1] == written


def test_parquet_times_without_a_zone_stay_local(opened_parquet):
    seconds = pyarrow.array([1_777_629_600], pyarrow.timestamp("s"))
    nanoseconds = pyarrow.array([1_777_629_600_250_000_001], pyarrow.timestamp("ns"))

    (whole,), (part,) = apart(opened_parquet(purchased_at=seconds)), apart(opened_parquet(purchased_at=nanoseconds))

    assert (whole.cells[3], part.cells[3]) == ("2026-05-01 10:00:00", "2026-05-01 10:00:00.250000")


def test_parquet_text_keeps_one_line_a_row(opened_parquet):
    (row,) = apart(opened_parquet(sku=["a\nb"]))

    assert (row.number, row.fault, row.column) == (2, "control_character", 4)


def test_parquet_of_a_list_column_is_refused(opened_parquet):
    with pytest.raises(ColumnTypeRefused, match="Column sku has the type list"):
        opened_parquet(sku=[["a"]])


def test_damaged_parquet_is_refused(opened):
    with pytest.raises(ParquetDamaged):
        opened(b"PAR1 and then nothing of the kind")
