"""Files for the importer, with one sound row unless a test says otherwise."""

from pathlib import Path

COLUMNS = ("store", "receipt_number", "customer", "purchased_at", "sku", "quantity", "amount")
SOUND = {
    "store": "S1",
    "receipt_number": "R-1",
    "customer": "K-1",
    "purchased_at": "2026-05-01T10:00:00",
    "sku": "MILK",
    "quantity": "1",
    "amount": "10.00",
}


def row(**cells: str) -> dict[str, str]:
    return SOUND | cells


def line(cells: dict[str, str], columns: tuple[str, ...] = COLUMNS, delimiter: str = ",") -> str:
    return delimiter.join(cells.get(column, "") for column in columns)


def text(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, delimiter: str = ",") -> str:
    lines = [delimiter.join(columns), *(line(cells, columns, delimiter) for cells in rows)]
    return "\n".join(lines) + "\n"


def write(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    path.write_text(text(*rows, columns=columns), encoding="utf-8")
    return path
