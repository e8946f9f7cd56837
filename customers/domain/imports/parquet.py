"""Parquet files as lines of CSV. pyarrow is loaded with the first one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.errors import DomainError

if TYPE_CHECKING:
    import pyarrow

MAGIC = b"PAR1"
BATCH_ROWS = 50_000


class ParquetDamaged(DomainError):
    code = "parquet_damaged"
    message = _("The Parquet file is damaged: %(why)s")


class ColumnTypeRefused(DomainError):
    code = "column_type_refused"
    message = _("Column %(column)s has the type %(type)s; only text, numbers, dates and times are read.")


class Table:
    """Raises ParquetDamaged, ColumnTypeRefused."""

    def __init__(self, path: Path) -> None:
        import pyarrow  # noqa: PLC0415 - heavy
        from pyarrow import parquet  # noqa: PLC0415

        try:
            self._file = parquet.ParquetFile(path)
        except (pyarrow.ArrowException, OSError) as error:
            raise ParquetDamaged(why=str(error).splitlines()[0]) from error
        schema = self._file.schema_arrow
        self.names: list[str] = schema.names
        for field in schema:
            if pyarrow.types.is_nested(field.type) or pyarrow.types.is_duration(field.type):
                raise ColumnTypeRefused(column=field.name, type=str(field.type))

    def csv(self) -> Iterator[tuple[bytes, float]]:
        """Lines of UTF-8 CSV and which share of the file is read with them."""
        import pyarrow  # noqa: PLC0415
        from pyarrow import csv  # noqa: PLC0415

        options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        rows = 0
        for batch in self._file.iter_batches(batch_size=BATCH_ROWS):
            texts = [_as_text(column, name.lower()) for name, column in zip(self.names, batch.columns, strict=True)]
            written = pyarrow.BufferOutputStream()
            csv.write_csv(pyarrow.table(texts, names=self.names), written, options)
            rows += batch.num_rows
            yield written.getvalue().to_pybytes(), rows / (self._file.metadata.num_rows or 1)


_IDENTIFIERS = {"store", "receipt_number", "customer", "sku"}


def _as_text(column: pyarrow.Array, name: str) -> Any:
    """Empty where null. A line break becomes another control character: it is refused, and the line stays one line."""
    import pyarrow  # noqa: PLC0415
    from pyarrow import compute, types  # noqa: PLC0415

    kind = column.type
    if types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if types.is_floating(kind):
        column = _float_as_text(column.cast(pyarrow.float64()), is_identifier=name in _IDENTIFIERS)
    elif types.is_timestamp(kind):
        column = _time_as_text(column)
    elif types.is_binary(kind) or types.is_large_binary(kind):
        column = column.cast(pyarrow.large_binary())
        column = compute.if_else(compute.is_null(column), b"", column)
    text = column.cast(pyarrow.string(), safe=False) if not types.is_string(column.type) else column
    return compute.replace_substring_regex(compute.fill_null(text, ""), "[\r\n]", "\x0b")


def _float_as_text(column: pyarrow.Array, *, is_identifier: bool) -> Any:
    """A household 900.0 is 900 (pandas makes floats where some are missing); 0.30000000000000004 is 0.3."""
    import pyarrow  # noqa: PLC0415
    from pyarrow import compute  # noqa: PLC0415

    rounded = compute.round(column, 6)
    fits = compute.less(compute.abs(rounded), 1e15)
    decimal = compute.if_else(fits, rounded, None).cast(pyarrow.decimal128(23, 6)).cast(pyarrow.string())
    text = compute.replace_substring_regex(decimal, r"\.?0+$", "") if is_identifier else decimal
    return compute.if_else(fits, text, column.cast(pyarrow.string()))


def _time_as_text(column: pyarrow.Array) -> Any:
    import pyarrow  # noqa: PLC0415
    from pyarrow import compute  # noqa: PLC0415

    zone = column.type.tz
    local = column.cast(pyarrow.timestamp("us", tz=zone), safe=False).cast(pyarrow.timestamp("us"))
    text = compute.replace_substring_regex(local.cast(pyarrow.string()), r"\.0+$", "")
    return compute.binary_join_element_wise(text, "Z", "") if zone else text
