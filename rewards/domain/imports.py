"""Importing a file of purchases with everything that follows from them: facts, then points, chunk by chunk."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction

from customers.domain import audit
from customers.domain.imports import checking, facts, reading, report, scratch, staging
from customers.domain.imports.checking import Chunk
from customers.domain.imports.facts import Booked
from customers.domain.imports.scratch import Scratch
from loyalty_site.lib.actors import Actor
from rewards.domain import backfill, import_lock
from rewards.domain.checkout import returns
from rewards.models import Program

CHUNK_RECEIPTS = 20_000
LANES = 2
_ATTEMPTS = 3

# What is going on (a key of PHASES), how much of it is done, and of how much (bytes, receipts).
Progress = Callable[[str, int, int], None]
# From where to where of the whole each goes, by the time it takes.
PHASES = {"reading": (0.0, 0.2), "checking": (0.2, 0.5), "booking": (0.5, 1.0)}


@dataclass(slots=True)
class ImportResult:
    """`rows` = `lines` + `returns` + `rejected` + `duplicates`, all rows of the file. `amount_minor` by currency: what
    was bought minus what came back. `rejects` lists the rejected rows; `ignored` the columns that were not read."""

    rows: int = 0
    purchases: int = 0
    lines: int = 0
    returns: int = 0
    customers: int = 0
    rejected: int = 0
    duplicates: int = 0
    points_awarded: int = 0
    amount_minor: Counter[str] = field(default_factory=Counter)
    rejects: Path | None = None
    ignored: tuple[str, ...] = ()

    def counts(self) -> dict[str, object]:
        """The numbers alone, ready for JSON."""
        numbers = ("rows", "purchases", "lines", "returns", "customers", "rejected", "duplicates", "points_awarded")
        return {**{name: getattr(self, name) for name in numbers}, "amount_minor": dict(self.amount_minor)}


def run(
    *,
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    award_points: bool = True,
    by: Actor,
    at: datetime,
    progress: Progress | None = None,
    chunk_receipts: int = CHUNK_RECEIPTS,
) -> ImportResult:
    """Every chunk of receipts is one transaction, with its points: an import that was cut off has booked whole
    receipts, and the same file again books the rest. Rows that are rejected are listed in `<file>.rejects.csv`.

    Inside a caller's transaction it is one with it. Raises the errors of `reading`, `header` and `report`.
    """
    tell = progress or (lambda phase, done, total: None)
    source = reading.open_source(path=path, encoding=encoding, delimiter=delimiter)
    rejects = report.rejects_path(path)
    report.refuse_unwritable(rejects)
    result = ImportResult(ignored=source.header.ignored)
    with import_lock.one_at_a_time(), scratch.opened() as own, scratch.tuned():
        staging.load(own, source, progress=lambda read: tell("reading", read, source.size))
        tell("checking", 0, 1)
        _check(own, chunk_receipts=chunk_receipts, at=at)
        result.customers = facts.make_what_is_named(own, at=at)
        _book_chunks(own, result, award_points=award_points, by=by, at=at, tell=tell)
        result.rows = own.number_of("staged")
        result.rejected = own.number_of("findings")
        result.duplicates = result.rows - result.rejected - result.lines - result.returns
        result.rejects = report.write_rejects(own, source.header, rejects)
    _record(result, path, by=by, at=at)
    return result


def preview(
    *,
    path: Path,
    encoding: str | None = None,
    delimiter: str | None = None,
    at: datetime,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], Path | None]:
    """What `run` would find, ready for JSON (see `report.preview`), and the file of rejected rows. Books nothing."""
    tell = progress or (lambda phase, done, total: None)
    source = reading.open_source(path=path, encoding=encoding, delimiter=delimiter)
    with scratch.opened() as own, scratch.tuned():
        staging.load(own, source, progress=lambda read: tell("reading", read, source.size))
        tell("checking", 0, 1)
        _check(own, chunk_receipts=CHUNK_RECEIPTS, at=at)
        rejects = report.write_rejects(own, source.header, report.rejects_path(path))
        return report.preview(own, source.header), rejects


def share_done(phase: str, done: int, total: int) -> float:
    """From 0 to 1."""
    first, last = PHASES[phase]
    return first + (last - first) * (done / total if total else 1)


def _check(own: Scratch, *, chunk_receipts: int, at: datetime) -> None:
    program = Program.objects.current()
    new_stores = checking.NewStores(timezone=program.timezone, currency=program.currency)
    checking.check(own, new_stores=new_stores, at=at)
    checking.form_receipts(own, chunk_receipts=chunk_receipts, lanes=LANES)


def _book_chunks(
    own: Scratch, result: ImportResult, *, award_points: bool, by: Actor, at: datetime, tell: Progress
) -> None:
    chunks = checking.chunks(own)
    book = partial(_book_chunk, own, award_points=award_points, by=by, at=at)
    lanes = 0 if connection.in_atomic_block else min(LANES, len(chunks))
    for chunk, (booked, points) in zip(chunks, _in_lanes(book, chunks, lanes), strict=True):
        result.purchases += booked.purchases_number
        result.lines += booked.lines
        result.returns += booked.returned_lines
        result.amount_minor.update(booked.amount_minor)
        result.points_awarded += points
        tell("booking", chunk.last, chunks[-1].last)


def _in_lanes(
    book: Callable[[Chunk], tuple[Booked, int]], chunks: list[Chunk], lanes: int
) -> Iterator[tuple[Booked, int]]:
    """Chunks have no customer in common, so several connections book them side by side; without lanes the caller's
    transaction does it all."""
    if not lanes:
        yield from map(book, chunks)
        return

    def book_apart(chunk: Chunk) -> tuple[Booked, int]:
        try:
            return book(chunk)
        finally:
            connection.close()

    with ThreadPoolExecutor(lanes) as pool:
        yield from pool.map(book_apart, chunks)


def _book_chunk(own: Scratch, chunk: Chunk, *, award_points: bool, by: Actor, at: datetime) -> tuple[Booked, int]:
    """Again when a till told one of the receipts at this moment, or a deadlock was broken up."""
    for attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic(), scratch.tuned():
                booked = facts.book(own, chunk, again=attempt > 0, by=by, at=at)
                points = 0
                if award_points:
                    points = backfill.award_purchases(purchases=booked.purchases, returns=booked.returns, by=by, at=at)
                    returns.follow(returns=booked.returns, by=by, at=at)
                return booked, points
        except (IntegrityError, OperationalError):
            if attempt + 1 == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _record(result: ImportResult, path: Path, *, by: Actor, at: datetime) -> None:
    data = {**result.counts(), "file": path.name}
    audit.record(actor=by, action="purchases.imported", subject="file", data=data, at=at)
