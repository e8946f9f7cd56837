"""`check_ledger` on ten million entries."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import rows as make
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.scenarios import books
from benchmarks.site import Site

CUSTOMERS = 1_000_000
BARE = "SELECT count(*), sum(points), max(seq) FROM rewards_pointsentry"


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    from django.core.management import call_command

    customers = scale.rows(CUSTOMERS)
    with site.database() as database:
        make.programme()
        books.fill(database, customers)
        said = StringIO()

        def bare(turn: int) -> float:
            began = time.perf_counter()
            database.execute(BARE)
            return time.perf_counter() - began

        def ours(turn: int) -> float:
            began = time.perf_counter()
            call_command("check_ledger", stdout=said)
            return time.perf_counter() - began

        before = _temporary_bytes(database)
        with _watched(database) as most:
            row = side_by_side(
                work=f"check_ledger on {customers * books.ENTRIES_EACH:,} entries",
                beside="one sequential aggregate over the same table",
                limit=bare,
                ours=ours,
                unit="s",
                target=5,
                scale=scale,
            )
        written = (_temporary_bytes(database) - before) / scale.rounds
        yield row.noted(
            f"the command's process grows to {_command_bytes() / 2**20:.0f} MiB, the server's processes together to"
            f" {most[0] / 2**20:.0f} MiB of their own; {written / 2**20:.0f} MiB of temporary files a run"
        )


def _command_bytes() -> int:
    """The largest resident size of `manage.py check_ledger`, with Python and Django themselves."""
    most = 0
    with subprocess.Popen([sys.executable, "manage.py", "check_ledger"], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, _bytes(Path(f"/proc/{process.pid}/status"), "VmHWM"))
            time.sleep(0.05)
    if process.returncode:
        raise RuntimeError("check_ledger found the books wrong")
    return most


def _bytes(path: Path, name: str, *, parent: str | None = None) -> int:
    """A size that the kernel tells of a process, of any one or of a child of `parent`; 0 when there is none."""
    try:
        said = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
    except OSError:
        return 0
    return int(said[name].split()[0]) * 1024 if name in said and parent in (None, said["PPid"]) else 0


def _temporary_bytes(database: psycopg.Connection[Any]) -> int:
    database.execute("SELECT pg_stat_force_next_flush(), pg_sleep(0.2)")
    row = database.execute("SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _watched(database: psycopg.Connection[Any]) -> Iterator[list[int]]:
    """Looks ten times a second at how much memory of their own the database's server processes have in all."""
    most, is_over = [0], threading.Event()
    parent = Path(f"/proc/{database.info.backend_pid}/stat").read_text().rpartition(")")[2].split()[1]

    def watch() -> None:
        while not is_over.wait(0.1):
            processes = Path("/proc").glob("[0-9]*/status")
            most[0] = max(most[0], sum(_bytes(path, "RssAnon", parent=parent) for path in processes))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        is_over.set()
        thread.join()
