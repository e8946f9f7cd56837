"""Files that people open in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

# Full-width signs begin a formula where Chinese or Japanese is written.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")
# By this Excel knows UTF-8; without it Chinese is not to be read.
_MARK = "\ufeff"
_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")


def harmless(cell: str) -> str:
    """A spreadsheet must not run what strangers wrote; numbers stay as they are."""
    if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def answer(*, name: str, headings: Sequence[str], lines: Iterable[Sequence[Any]]) -> HttpResponse:
    """A CSV file to download: numbers plain and headings stable, for other programs. `name` is plain ASCII."""
    file = HttpResponse(content_type="text/csv; charset=utf-8")
    file["Content-Disposition"] = f'attachment; filename="{name}"'
    written = csv.writer(file)
    written.writerow(headings)
    written.writerows([harmless("" if cell is None else str(cell)) for cell in line] for line in lines)
    return file


def stream(*, name: str, headings: Sequence[str], lines: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """The same, written while it is read: memory does not grow with the lines. Begins with the mark of UTF-8, since
    people open it who read what customers wrote."""
    file = StreamingHttpResponse(_written(headings, lines), content_type="text/csv; charset=utf-8")
    file["Content-Disposition"] = f'attachment; filename="{name}"'
    return file


def _written(headings: Sequence[str], lines: Iterable[Sequence[Any]]) -> Iterator[str]:
    written = csv.writer(_Echo())
    yield _MARK
    yield written.writerow([harmless(heading) for heading in headings])
    for line in lines:
        yield written.writerow([harmless("" if cell is None else str(cell)) for cell in line])


class _Echo:
    """A file whose writing gives back what was to be written."""

    def write(self, text: str) -> str:
        return text
