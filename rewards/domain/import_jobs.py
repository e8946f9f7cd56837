"""Files that staff bring in through the back office. Rows of PurchaseImport are the queue; a worker takes one by a
conditional update, and shows by its heartbeat that it lives. The import of a killed one is taken up by the next: that
books nothing twice.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any

from django.core.files import File
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain import audit
from customers.domain.imports import reading
from customers.models import ImportState, PurchaseImport
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import imports

STALE_AFTER = timedelta(minutes=2)
BEAT_SECONDS = 3.0

Clock = Callable[[], datetime]

_log = logging.getLogger(__name__)


class ImportDecided(DomainError):
    code = "import_decided"
    message = gettext_lazy("This import is under way or done; look at it again.")


@transaction.atomic
def bring(
    *, file: "File[Any]", name: str, encoding: str, delimiter: str, award_points: bool, by: Actor, at: datetime
) -> PurchaseImport:
    """To be checked by a worker. A file that cannot be read at all is refused at once, by the errors of `reading` and
    `header`."""
    job = PurchaseImport(
        name=name[-200:],
        encoding=encoding,
        delimiter=delimiter,
        award_points=award_points,
        uploaded_at=at,
        uploaded_by=str(by),
    )
    job.file.save(Path(name).name, file, save=False)
    try:
        reading.open_source(path=Path(job.file.path), encoding=encoding or None, delimiter=delimiter or None)
        job.save(force_insert=True)
    except BaseException:
        job.file.delete(save=False)
        raise
    audit.record(actor=by, action="import.brought", subject=f"purchaseimport:{job.pk}", at=at)
    return job


def confirm(*, job: PurchaseImport, by: Actor, at: datetime) -> None:
    """The import is wanted, after a look at its preview or, where it failed, once more. Raises ImportDecided."""
    _decide(
        job,
        (ImportState.READY, ImportState.FAILED),
        state=ImportState.QUEUED,
        confirmed_at=at,
        heartbeat_at=None,
        error="",
    )
    audit.record(actor=by, action="import.confirmed", subject=f"purchaseimport:{job.pk}", at=at)


@transaction.atomic
def discard(*, job: PurchaseImport, by: Actor, at: datetime) -> None:
    """The import is not wanted: it goes with its files. Raises ImportDecided."""
    if not PurchaseImport.objects.filter(pk=job.pk, state__in=[ImportState.READY, ImportState.REFUSED]).delete()[0]:
        raise ImportDecided
    audit.record(actor=by, action="import.discarded", subject=f"purchaseimport:{job.pk}", at=at)
    transaction.on_commit(lambda: _delete_files(job))


def due(*, at: datetime) -> list[int]:
    """Imports that wait for a worker, or whose worker shows no sign of life; the oldest first."""
    waiting = Q(state=ImportState.QUEUED) | Q(state__in=[ImportState.CHECKING, ImportState.RUNNING]) & _unattended(at)
    return list(PurchaseImport.objects.filter(waiting).order_by("pk").values_list("pk", flat=True))


def work(*, import_id: int, clock: Clock) -> None:
    """Checks or imports it, whichever is next, unless another worker is at it."""
    job = _claim(import_id, clock())
    if job is None:
        return
    step = _check if job.state == ImportState.CHECKING else _import
    try:
        with _Heartbeat(job, clock) as heartbeat:
            step(job, heartbeat, clock)
    except DomainError as error:
        _finish(job, clock, state=_without_result(job), error=str(error))
    except Exception:
        _log.exception("Import %s failed", job.pk)
        _finish(job, clock, state=_without_result(job), error=_("Something unexpected happened; the log says what."))


def _claim(import_id: int, at: datetime) -> PurchaseImport | None:
    rows = PurchaseImport.objects.filter(pk=import_id)
    claimed = rows.filter(state=ImportState.QUEUED).update(state=ImportState.RUNNING, heartbeat_at=at) or rows.filter(
        _unattended(at), state__in=[ImportState.CHECKING, ImportState.RUNNING]
    ).update(heartbeat_at=at)
    return rows.get() if claimed else None


def _unattended(at: datetime) -> Q:
    return Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=at - STALE_AFTER)


def _check(job: PurchaseImport, heartbeat: "_Heartbeat", clock: Clock) -> None:
    preview, rejects = imports.preview(**_source(job), at=clock(), progress=heartbeat.tell)
    _finish(
        job, clock, state=ImportState.READY, preview=preview, rows_total=preview["rows"], rejects=_stored(job, rejects)
    )


def _import(job: PurchaseImport, heartbeat: "_Heartbeat", clock: Clock) -> None:
    """The file goes when it is booked, and with it what the preview showed of it."""
    result = imports.run(
        **_source(job),
        award_points=job.award_points,
        by=Actor("user", int(job.uploaded_by.partition(":")[2])),
        at=clock(),
        progress=heartbeat.tell,
    )
    preview = {name: value for name, value in job.preview.items() if name not in ("first", "findings")}
    _finish(
        job,
        clock,
        state=ImportState.DONE,
        result=result.counts(),
        preview=preview,
        rows_total=result.rows,
        rows_done=result.rows,
        rejects=_stored(job, result.rejects),
        file="",
    )
    job.file.delete(save=False)


def _source(job: PurchaseImport) -> dict[str, Any]:
    return {"path": Path(job.file.path), "encoding": job.encoding or None, "delimiter": job.delimiter or None}


def _stored(job: PurchaseImport, rejects: Path | None) -> str:
    """The name of a file beside the import's own, as the storage knows it."""
    return str(Path(str(job.file.name)).with_name(rejects.name)) if rejects else ""


def _without_result(job: PurchaseImport) -> ImportState:
    return ImportState.REFUSED if job.state == ImportState.CHECKING else ImportState.FAILED


def _finish(job: PurchaseImport, clock: Clock, **values: Any) -> None:
    PurchaseImport.objects.filter(pk=job.pk).update(**{"finished_at": clock(), "heartbeat_at": None, **values})


def _decide(job: PurchaseImport, states: tuple[ImportState, ...], **values: Any) -> None:
    if not PurchaseImport.objects.filter(pk=job.pk, state__in=states).update(**values):
        raise ImportDecided


def _delete_files(job: PurchaseImport) -> None:
    for file in (job.file, job.rejects):
        if file:
            file.delete(save=False)


class _Heartbeat:
    """Writes from a thread with a connection of its own: the import's own may be in a transaction for minutes."""

    def __init__(self, job: PurchaseImport, clock: Clock) -> None:
        self._job, self._clock, self._share = job, clock, 0.0
        self._over = Event()
        self._thread = Thread(target=self._beat, daemon=True)

    def tell(self, phase: str, done: int, total: int) -> None:
        self._share = imports.share_done(phase, done, total)

    def __enter__(self) -> "_Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                PurchaseImport.objects.filter(pk=self._job.pk).update(
                    heartbeat_at=self._clock(), rows_done=int(self._job.rows_total * self._share)
                )
        finally:
            connection.close()
