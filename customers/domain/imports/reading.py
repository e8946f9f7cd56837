"""Opens a file of purchases as blocks of rows.

A row is one line of the file, so that the row number is what an editor shows; the header is row 1. No cell can hold a
line break: control characters are refused anyway. Most blocks go to PostgreSQL as they are; a block with anything odd
in it is taken apart row by row (`cells`).
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from django.utils.translation import gettext_lazy as _

from customers.domain.imports import cells, header, parquet
from customers.domain.imports.header import Header
from loyalty_site.lib.errors import DomainError

UTF_8, GB18030 = "utf-8", "gb18030"
ENCODINGS = {
    **dict.fromkeys(["utf-8", "utf8", "utf-8-sig"], UTF_8),
    **dict.fromkeys(["gb18030", "gbk", "gb2312", "cp936"], GB18030),
}
BLOCK_BYTES = 4 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_UTF_16_AND_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_C1_CONTROLS = re.compile(rb"\xc2[\x80-\x9f]")
_NO_CONTROLS = bytes(byte for byte in range(256) if byte >= 0x20 and byte != 0x7F)


class FileUnreadable(DomainError):
    code = "file_unreadable"
    message = _("The file cannot be read: %(why)s")


class FileEmpty(DomainError):
    code = "file_empty"
    message = _("The file is empty.")


class EncodingRefused(DomainError):
    code = "encoding_refused"
    message = _("The file is in UTF-16 or UTF-32. Save it as “CSV UTF-8” and bring it again.")


class EncodingUnknown(DomainError):
    code = "encoding_unknown"
    message = _("The encoding “%(name)s” is not known; choose utf-8 or gb18030.")


class DelimiterUnknown(DomainError):
    code = "delimiter_unknown"
    message = _("The delimiter “%(name)s” is not known; choose comma, semicolon or tab.")


class Block(NamedTuple):
    """Whole lines in the file's own bytes; `end` is how many bytes of the file are read with it."""

    first_row: int
    lines: bytes
    end: int


class Source(Protocol):
    """An opened file. `plain` gives a block as UTF-8 CSV for COPY, or None when it must be taken apart by `rows`."""

    header: Header
    delimiter: str
    size: int

    def blocks(self) -> Iterator[Block]: ...
    def plain(self, block: Block) -> bytes | None: ...
    def rows(self, block: Block) -> Iterator[cells.Row]: ...


def open_source(*, path: Path, encoding: str | None = None, delimiter: str | None = None) -> Source:
    """Raises the errors of this module and of `header`."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
            if not start:
                raise FileEmpty
            if start.startswith(parquet.MAGIC):
                return _Parquet(path)
            return _Csv(path, file, _known_encoding(encoding), _known_delimiter(delimiter))
    except OSError as error:
        raise FileUnreadable(why=error.strerror or str(error)) from error


class _Csv:
    def __init__(self, path: Path, file: BinaryIO, encoding: str | None, delimiter: str | None) -> None:
        file.seek(0)
        first = file.readline(BLOCK_BYTES)
        if first.startswith(_UTF_16_AND_32) or b"\0" in first:
            raise EncodingRefused
        self._path, self._start = path, len(first)
        self._encoding = encoding or _detect_encoding(path)
        self.size = path.stat().st_size
        text = first.removeprefix(_BOM).decode(self._encoding, errors="replace").rstrip("\r\n")
        self.delimiter = delimiter or _detect_delimiter(text)
        self.header = header.parse(cells.split(text, self.delimiter) or [text])
        self._plain = _PlainText(self.delimiter)

    def blocks(self) -> Iterator[Block]:
        row = 2
        with self._path.open("rb") as file:
            file.seek(self._start)
            rest = b""
            while data := file.read(BLOCK_BYTES):
                lines, rest = _cut_after_last_line(rest + data)
                rest = rest[: cells.LONGEST_LINE + 1]  # a longer one is refused, and must not fill the memory
                if lines:
                    yield Block(row, lines, file.tell())
                    row += lines.count(b"\n")
            if rest:
                yield Block(row, rest + b"\n", self.size)

    def plain(self, block: Block) -> bytes | None:
        try:
            if self._encoding != UTF_8:
                return self._plain.if_regular(block.lines.decode(self._encoding).encode())
            if not block.lines.isascii():
                block.lines.decode()
        except UnicodeError:
            return None
        return self._plain.if_regular(block.lines)

    def rows(self, block: Block) -> Iterator[cells.Row]:
        lines = block.lines.split(b"\n")
        return cells.take_apart(lines, block.first_row, self._encoding, self.delimiter, len(self.header.names))


class _Parquet:
    delimiter = ","

    def __init__(self, path: Path) -> None:
        self._table = parquet.Table(path)
        self.header = header.parse(self._table.names)
        self.size = path.stat().st_size
        self._plain = _PlainText(self.delimiter)

    def blocks(self) -> Iterator[Block]:
        row = 2
        for lines, share in self._table.csv():
            yield Block(row, lines, int(share * self.size))
            row += lines.count(b"\n")

    def plain(self, block: Block) -> bytes | None:
        return self._plain.if_regular(block.lines)

    def rows(self, block: Block) -> Iterator[cells.Row]:
        return cells.take_apart(
            block.lines.split(b"\n"), block.first_row, UTF_8, self.delimiter, len(self.header.names)
        )


class _PlainText:
    """Knows whether COPY reads UTF-8 text the way `cells` does."""

    def __init__(self, delimiter: str) -> None:
        d = delimiter.encode()
        self._harmless = _NO_CONTROLS + b"\n" + d
        self._spaces_to_trim = [b" \n", b"\n ", b" " + d, d + b" "]
        cell = rb'(?:"(?! )[^"\n]*+(?:""[^"\n]*+)*+(?<! )"|(?! )[^"\n%b]*+(?<! ))' % d
        self._regular_quotes = re.compile(rb"(?:%b(?:%b%b)*+\n)*+" % (cell, d, cell))

    def if_regular(self, text: bytes) -> bytes | None:
        """The text with plain line ends; None when it holds control characters, spaces to trim or odd quotes."""
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        if text.translate(None, self._harmless) or (not text.isascii() and _C1_CONTROLS.search(text)):
            return None
        if text.startswith((b" ", b"\n")) or b"\n\n" in text or b"\\." in text:  # COPY takes \. for the end
            return None
        if b'"' in text:
            return text if self._regular_quotes.fullmatch(text) else None
        return None if any(spaces in text for spaces in self._spaces_to_trim) else text


def _cut_after_last_line(data: bytes) -> tuple[bytes, bytes]:
    end = data.rfind(b"\n") + 1
    return data[:end], data[end:]


def _known_encoding(name: str | None) -> str | None:
    if not name:
        return None
    if name.lower().replace("_", "-").startswith(("utf-16", "utf16", "utf-32", "utf32")):
        raise EncodingRefused
    if name.lower() not in ENCODINGS:
        raise EncodingUnknown(name=name)
    return ENCODINGS[name.lower()]


def _known_delimiter(name: str | None) -> str | None:
    if not name:
        return None
    found = header.DELIMITERS.get(name.lower(), name.replace("\\t", "\t"))
    if found not in header.DELIMITERS.values():
        raise DelimiterUnknown(name=name)
    return found


def _detect_delimiter(first_line: str) -> str:
    """The one that makes the most known column names of the header."""

    def names_known(delimiter: str) -> int:
        names = [name.strip().lower() for name in cells.split(first_line, delimiter) or []]
        return sum(name in header.REQUIRED + header.OPTIONAL for name in names)

    return max(header.DELIMITERS.values(), key=names_known)


def _detect_encoding(path: Path) -> str:
    """UTF-8 when every byte fits; else what most lines with other letters than ASCII's are.

    A file in UTF-8 with a damaged line stays UTF-8: almost any bytes can be read as GB18030, to wrong letters.
    """
    decoder = codecs.getincrementaldecoder(UTF_8)()
    with path.open("rb") as file:
        try:
            while data := file.read(BLOCK_BYTES):
                if not data.isascii() or decoder.getstate()[0]:
                    decoder.decode(data)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return _encoding_of_most_lines(file)
    return UTF_8


def _encoding_of_most_lines(file: BinaryIO) -> str:
    fits, damaged = 0, 0
    file.seek(0)
    rest = b""
    while data := file.read(BLOCK_BYTES):
        lines, rest = _cut_after_last_line(rest + data)
        more_fits, more_damaged = _count_lines_in_utf_8(lines)
        fits, damaged = fits + more_fits, damaged + more_damaged
    more_fits, more_damaged = _count_lines_in_utf_8(rest)
    return UTF_8 if fits + more_fits >= damaged + more_damaged else GB18030


def _count_lines_in_utf_8(lines: bytes) -> tuple[int, int]:
    """Of the lines that are not ASCII alone: those that are UTF-8 and those that are not."""
    if lines.isascii():
        return 0, 0
    foreign = [line for line in lines.split(b"\n") if not line.isascii()]
    damaged = sum(not _is_utf_8(line) for line in foreign)
    return len(foreign) - damaged, damaged


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeError:
        return False
    return True
