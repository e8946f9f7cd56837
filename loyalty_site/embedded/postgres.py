"""PostgreSQL from the wheel's binaries: a direct child, reached through a socket only."""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from loyalty_site.embedded.home import data_home, socket_base
from loyalty_site.embedded.server import Server
from loyalty_site.processes import CannotRun, Child, identity

NAME = USER = "loyalty"
MAJOR = "18"
GIB = 1024**3
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}  # without PG* variables of the person's shell

# Nothing personal in the log: no statements, no DETAIL lines with the values of a broken constraint.
OPTIONS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "work_mem": "16MB",
    "client_connection_check_interval": "10s",  # a killed import's statement ends, and with it its locks
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
}
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10min",
    "max_connections": "300",  # two test processes may each have a crowd at once
}


def connection(var: Path) -> dict[str, str]:
    """NAME, USER, PASSWORD and HOST for Django. Starts nothing; the password is empty while there is no data."""
    password = data_home(var) / "postgres" / "password"
    return {
        "NAME": NAME,
        "USER": USER,
        "PASSWORD": password.read_text().strip() if password.exists() else "",
        "HOST": str(socket_base(var) / "postgres"),
    }


def sizes() -> dict[str, str]:
    """Memory settings: modest, because the site's own processes share the machine."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    large = memory >= 4 * GIB
    chosen = {"shared_buffers": "256MB" if large else "128MB", "effective_cache_size": "1GB" if large else "384MB"}
    shared = os.statvfs("/dev/shm") if os.path.isdir("/dev/shm") else None  # noqa: S108 - only looked at
    if shared and shared.f_bavail * shared.f_frsize < GIB // 4:
        chosen["dynamic_shared_memory_type"] = "mmap"  # containers often have 64 MB there
    return chosen


class Postgres(Server):
    name = "postgres"

    @property
    def base(self) -> Path:
        return self.home.data / "postgres"

    @property
    def data(self) -> Path:
        return self.base / "data"

    def make_child(self) -> Child:
        options = OPTIONS | sizes() | ({} if self.durable else THROW_AWAY)
        argv = [str(self.home.postgres_programs() / "postgres"), "-D", str(self.data)]
        argv += ["-k", str(self.home.give(self.home.socket_directory() / "postgres"))]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return Child(
            self.name,
            argv,
            log=self.log,
            pid_file=self.pid_file,
            env=ENVIRONMENT,
            cwd=self.home.give(self.base),
            account=self.home.account,
            stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for clients
            stop_seconds=60,
        )

    def prepare(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._initialize()
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise CannotRun(
                f"The data in {self.data} was written by PostgreSQL {found}; this release brings {MAJOR}. "
                f"Write a dump with the earlier release's pg_dump, move {self.base} away, and load the dump here."
            )
        self._disown_stale_pid()

    def _initialize(self) -> None:
        """Makes the cluster beside its place and moves it there when whole, so that a half-made one is never used."""
        unfinished = self.base / "data.tmp"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        for name in ("password", "password.tmp"):
            path = self.base / name
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_text(f"{password}\n")
        account = self.home.account
        if account:
            os.chown(self.base / "password.tmp", account.uid, account.gid)
        command = [str(self.home.postgres_programs() / "initdb"), "-D", str(unfinished), "-U", USER]
        command += ["--pwfile", str(self.base / "password.tmp"), "--auth=scram-sha-256", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        made = subprocess.run(  # noqa: S603
            command if self.durable else [*command, "--no-sync"],
            env=ENVIRONMENT,
            cwd=self.base,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.base / "password.tmp").unlink()
        if made.returncode:
            raise CannotRun(f"PostgreSQL could not make its data directory {self.data}:\n{made.stderr.strip()}")
        unfinished.rename(self.data)

    def _disown_stale_pid(self) -> None:
        """After a crash postmaster.pid may name a number that some other process has now; PostgreSQL would not start.

        The first line gets our own number: PostgreSQL takes its parent for no rival, and still uses the file to
        look for survivors of the crash in the shared memory that it names.
        """
        path = self.data / "postmaster.pid"
        lines = path.read_text().splitlines() if path.exists() else []
        if not lines or not lines[0].strip().isdigit():
            return
        holder = identity(int(lines[0]))
        if holder is None:
            return
        if str(self.data) in holder and not self._is_leftover(int(lines[0]), holder):
            raise CannotRun(f"Another PostgreSQL (process {lines[0]}) runs on {self.data}. Stop it, then start again.")
        if str(self.data) not in holder:
            path.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))

    def _is_leftover(self, pid: int, holder: str) -> bool:
        """Whether it is the one that our pid file names; starting the child ends it."""
        return self.pid_file.exists() and self.pid_file.read_text().strip() == f"{pid}\n{holder}"

    def is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        pid = self._child.pid if self._child else None
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def may_try_again(self, words: str) -> bool:
        return "shared memory block" in words  # backends of a killed postmaster are still on their way out

    def finish(self) -> None:
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(f"CREATE DATABASE {NAME}")

    def answers(self) -> bool:
        try:
            self._connect(NAME).close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        found = connection(self.home.var)
        return psycopg.connect(
            dbname=database, user=USER, password=found["PASSWORD"], host=found["HOST"], port=5432, autocommit=True
        )
