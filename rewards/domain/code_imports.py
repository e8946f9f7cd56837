"""Codes that an older system gave out, from its CSV: all of the file, or nothing and what is wrong with which line.

Codes are kept as they are: of any length and without our check symbol; capitals, spaces and dashes make no difference.
The same file again changes nothing.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Lower
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain import audit, customers
from customers.models import Card, Customer
from loyalty_site.lib import codes
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import offers
from rewards.models import BatchState, CodeBatch, Coupon, Offer, Program

ROWS_MAX = 100_000
BYTES_MAX = 10 * 1024 * 1024
USES_MAX = 1_000_000
COLUMNS = ("code", "customer", "expires_at", "uses")
_CODE = re.compile(r"[0-9A-Z]{4,40}")
_ENCODINGS = ("utf-8-sig", "gb18030")
Reason = str | Promise
Say = Callable[[str, Reason], None]  # the column and what is wrong with it


class CodeFileUnreadable(DomainError):
    code = "code_file_unreadable"
    message = gettext_lazy("The file cannot be read: %(why)s")


class CodesChangedMeanwhile(DomainError):
    code = "codes_changed_meanwhile"
    message = gettext_lazy("A code of this file was made at the same moment; nothing was done. Bring the file again.")


@dataclass(frozen=True, slots=True)
class Fault:
    """`line` as an editor counts; the header is line 1."""

    line: int
    column: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    code: str
    customer_id: int | None
    expires_at: datetime | None
    uses_max: int | None


@dataclass(slots=True)
class Report:
    """`known` rows are there already from an earlier import for this offer; `batch` is what was made, if anything."""

    rows: int = 0
    known: int = 0
    good: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    batch: CodeBatch | None = None

    @property
    def made(self) -> int:
        return self.batch.made_count if self.batch else 0


def bring(
    *, offer: Offer, name: str, content: bytes, leave_out_faults: bool = False, by: Actor, at: datetime
) -> Report:
    """Reads a file and makes a coupon of each row; where any row has a fault nothing is made, unless those may be left
    out. Raises CodeFileUnreadable, OfferWithdrawn, OfferNotLive, CodesChangedMeanwhile."""
    offers.refuse_unless_live(offer=offer, at=max(at, offer.valid_from))
    report = read(offer=offer, content=content, at=at)
    if report.good and (leave_out_faults or not report.faults):
        try:
            report.batch = _store(offer, name, report.good, by, at)
        except IntegrityError as error:
            raise CodesChangedMeanwhile from error
    return report


def read(*, offer: Offer, content: bytes, at: datetime) -> Report:
    """What is in a file, with nothing written. Raises CodeFileUnreadable."""
    report, lines = Report(), list(_lines(content))
    report.rows = len(lines)
    reader = _Reader(offer, lines, at)
    for line, cells in lines:
        found = reader.row(line, cells)
        if isinstance(found, Row):
            report.good.append(found)
        elif found is None:
            report.known += 1
        else:
            report.faults += found
    return report


def _lines(content: bytes) -> Iterator[tuple[int, Mapping[str, str]]]:
    if len(content) > BYTES_MAX:
        raise CodeFileUnreadable(why=_("it is larger than %s MB.") % (BYTES_MAX // 1024 // 1024))
    text = _text(content)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _refuse_header(header)
        number = 0
        for cells in reader:
            if any(cell.strip() for cell in cells):
                number += 1
                if number > ROWS_MAX:
                    raise CodeFileUnreadable(why=_("it has more than %s codes.") % ROWS_MAX)
                told = dict(zip(header, (cell.strip() for cell in cells), strict=False))
                yield reader.line_num, {**told, "": "too many" if len(cells) > len(header) else ""}
    except csv.Error as error:
        raise CodeFileUnreadable(why=_("line %(line)s: %(why)s") % {"line": reader.line_num, "why": error}) from error


def _text(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
        break
    raise CodeFileUnreadable(why=_("save it as “CSV UTF-8”."))


def _refuse_header(header: list[str]) -> None:
    if "code" not in header:
        raise CodeFileUnreadable(why=_("its first line has no column “code”."))
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or len(set(header)) < len(header):
        names = ", ".join(unknown or header)
        raise CodeFileUnreadable(why=_("its columns are code, customer, expires_at, uses; not: %s") % names)


class _Reader:
    """Judges rows by what is known of all of them, read at once."""

    def __init__(self, offer: Offer, lines: list[tuple[int, Mapping[str, str]]], at: datetime) -> None:
        self._offer, self._at = offer, at
        self._zone = ZoneInfo(Program.objects.current().timezone)
        self._first_line: dict[str, int] = {}
        self._known = _known(codes.normalize(cells.get("code", "")) for _line, cells in lines)
        self._people = _people({cells["customer"] for _line, cells in lines if cells.get("customer")})

    def row(self, line: int, cells: Mapping[str, str]) -> Row | list[Fault] | None:
        """None for one that was imported before."""
        faults: list[Fault] = []

        def fault(column: str, reason: Reason) -> None:
            faults.append(Fault(line, column, reason))

        if cells[""]:
            fault("", _("more cells than the header has"))
        code = codes.normalize(cells.get("code", ""))
        known = self._judge_code(code, line, fault)
        customer = self._customer(cells.get("customer", ""), fault)
        expires_at = self._moment(cells.get("expires_at", ""), fault, may_be_over=known)
        uses = self._uses(cells.get("uses", ""), fault)
        if faults:
            return faults
        return None if known else Row(line, code, customer, expires_at, uses)

    def _judge_code(self, code: str, line: int, fault: Say) -> bool:
        """Whether it was imported before for this offer."""
        if not code:
            fault("code", _("is missing"))
        elif not _CODE.fullmatch(code):
            fault("code", _("has 4 to 40 letters A–Z and digits, beside spaces and dashes"))
        elif code in self._first_line:
            fault("code", _("stands in line %s already") % self._first_line[code])
        elif code in self._known:
            return self._judge_known(code, line, fault)
        self._first_line.setdefault(code, line)
        return False

    def _judge_known(self, code: str, line: int, fault: Say) -> bool:
        offer_id, is_public, is_imported = self._known[code]
        self._first_line[code] = line
        if is_public:
            fault("code", _("is a public code already"))
        elif offer_id != self._offer.pk:
            fault("code", _("is a coupon of another offer already"))
        elif not is_imported:
            fault("code", _("is a coupon that was made here"))
        return is_imported and offer_id == self._offer.pk and not is_public

    def _customer(self, text: str, fault: Say) -> int | None:
        if not text:
            return None
        found = self._people.get(text, [])
        if len(found) == 1:
            return found[0]
        fault("customer", _("is not known") if not found else _("fits several customers"))
        return None

    def _moment(self, text: str, fault: Say, *, may_be_over: bool) -> datetime | None:
        """A date is good until its end, on the programme's clock."""
        if not text:
            return offers.good_between(offer=self._offer, at=max(self._at, self._offer.valid_from))[1]
        try:
            day, moment = parse_date(text), parse_datetime(text)
            if day:
                moment = datetime.combine(day + timedelta(days=1), time.min)
            if moment and moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._zone)
        except (ValueError, OverflowError):
            moment = None
        if moment is None or not 2000 < moment.year < 9999:
            fault("expires_at", _("is no date like 2027-01-31"))
            return None
        if moment <= self._at and not may_be_over:
            fault("expires_at", _("is over already"))
        return moment

    def _uses(self, text: str, fault: Say) -> int | None:
        if not text:
            return self._offer.code_max
        if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= USES_MAX and len(text) < 9:
            return int(text)
        fault("uses", _("is no whole number from 1 to %s") % USES_MAX)
        return None


def _known(wanted: Iterable[str]) -> dict[str, tuple[int, bool, bool]]:
    """By code: its offer, whether it is public, whether it was imported."""
    found = Coupon.objects.filter(code__in=[code for code in set(wanted) if _CODE.fullmatch(code)])
    rows = found.values_list("code", "offer_id", "is_public", "body_length", "batch_id")
    return {code: (offer, public, batch is not None and length == 0) for code, offer, public, length, batch in rows}


def _people(texts: set[str]) -> dict[str, list[int]]:
    """Ids of those who are customers now, by number, card, phone or e-mail as the file has it; read at once."""
    by_number, by_email = defaultdict(list), defaultdict(list)
    for text in texts:
        by_number[codes.normalize(text)].append(text)
        by_email[text.lower()].append(text)
    people = Customer.objects.alias(address=Lower("email"))
    found: dict[str, dict[int, Customer]] = {text: {} for text in texts}
    for person in people.filter(number__in=by_number):
        for text in by_number[person.number]:
            found[text][person.pk] = person
    for person in people.filter(address__in=by_email).exclude(email=""):
        for text in by_email[person.email.lower()]:
            found[text][person.pk] = person
    for person in people.filter(phone__in=texts).exclude(phone=""):
        found[str(person.phone)][person.pk] = person
    for card in Card.objects.filter(number__in=texts).select_related("customer"):
        found[card.number][card.customer_id] = card.customer
    return {text: _present(rows.values()) for text, rows in found.items()}


def _present(rows: Iterable[Customer]) -> list[int]:
    people = [customers.present(customer=row) for row in rows]
    return sorted({person.pk for person in people if person.closed_at is None})


@transaction.atomic
def _store(offer: Offer, name: str, rows: list[Row], by: Actor, at: datetime) -> CodeBatch:
    starts_at = offers.good_between(offer=offer, at=max(at, offer.valid_from))[0]
    batch = CodeBatch.objects.create(
        offer=offer,
        count=len(rows),
        made_count=len(rows),
        body_length=0,
        origin=name[-200:] or "codes.csv",
        state=BatchState.DONE,
        requested_at=at,
        requested_by=str(by),
        finished_at=at,
    )
    _lock_holders(rows)
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            starts = starts_at if row.expires_at is None or starts_at is None or starts_at < row.expires_at else None
            told = (row.code, offer.pk, row.customer_id, row.uses_max, f"code:{row.code}", at, starts, row.expires_at)
            copy.write_row((*told, batch.pk, 0, False, "ISSUED", 0))
    data = {"offer": offer.pk, "codes": len(rows)}
    audit.record(actor=by, action="code_batch.imported", subject=f"codebatch:{batch.pk}", data=data, at=at)
    return batch


def _lock_holders(rows: list[Row]) -> None:
    """So that no merge leaves a coupon with who is gone. Raises CodesChangedMeanwhile."""
    wanted = {row.customer_id for row in rows if row.customer_id is not None}
    still = Customer.objects.filter(pk__in=wanted, merged_into__isnull=True, closed_at__isnull=True)
    if len(still.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)) < len(wanted):
        raise CodesChangedMeanwhile


_COPY = (
    "COPY rewards_coupon (code, offer_id, customer_id, uses_max, reference, issued_at, starts_at, expires_at, batch_id,"
    " body_length, is_public, state, uses_count) FROM STDIN"
)
