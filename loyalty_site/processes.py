"""Child processes that do not outlive us, whatever happens to us.

Each child leads a process group, has a log and a pid file below the data directory, and is told by the kernel to end
when its parent dies (Linux). What a dead parent left behind all the same is recognized by its pid file and ended
before the next start.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

LOG_BYTES = 20_000_000
LONGEST_PAUSE = 30.0  # seconds between two attempts to start a child that keeps dying
STEADY_AFTER = 20.0  # a child that lived this long is started again at once
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1
PROC = Path("/proc/self/stat")

_prctl: Callable[[int, int], int] | None = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Interrupted(Exception):
    """Somebody asked us to stop."""


class CannotRun(Exception):
    """A process of the site cannot run; the text says why and what to do."""


class StopRequest:
    """SIGINT, SIGTERM and SIGHUP as a count that every wait looks at, so that no statement is cut in two."""

    def __init__(self) -> None:
        self.count = 0

    def install(self) -> None:
        for number in STOP_SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1

    def sleep(self, seconds: float) -> None:
        """Raises Interrupted when a signal has come."""
        if not self.count:
            time.sleep(seconds)
        if self.count:
            raise Interrupted


@dataclass(frozen=True)
class Account:
    """A system account a child runs as; only root can choose one."""

    name: str
    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> "Account":
        entry = pwd.getpwnam(name)
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @classmethod
    def of(cls, uid: int) -> "Account":
        return cls.named(pwd.getpwuid(uid).pw_name)

    def can(self, argv: Sequence[str | Path]) -> bool:
        """Whether a command succeeds as this account: modes, ACLs and mounts all count, so it is tried."""
        try:
            done = subprocess.run(  # noqa: S603 - our own words
                argv, user=self.uid, group=self.gid, extra_groups=[], cwd="/", capture_output=True, check=False
            )
        except OSError:
            return False
        return done.returncode == 0


class Lock:
    """A file lock that the kernel gives back when its owner dies. The file tells others about the owner."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self) -> bool:
        if self.held:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def note(self, text: str) -> None:
        if self._descriptor is not None:
            os.truncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)

    def read(self) -> str:
        return self.path.read_text() if self.path.exists() else ""

    def release(self) -> None:
        if self._descriptor is not None:
            self.note("")
            os.close(self._descriptor)
            self._descriptor = None


def make_places(var: Path) -> None:
    """Makes the data directory with `run` (pid files, locks) and `log`; only root lets others pass through it.

    Raises CannotRun when this account may not use it.
    """
    try:
        if not var.exists():
            var.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True)
        for place in (var / "run", var / "log"):
            place.mkdir(mode=0o700, exist_ok=True)
            if place.stat().st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "it belongs to another account", str(place))
    except OSError as error:
        raise CannotRun(
            f"{error.filename} cannot be used ({error.strerror}). Start the site as the account that did so before, "
            f"give {var} to yours, or choose another directory: LOYALTY_VAR=…"
        ) from error


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Asks the kernel to send this process a signal when its parent dies (Linux; elsewhere nothing)."""
    if _prctl:
        _prctl(PR_SET_PDEATHSIG, number)


def _bound_to_us(number: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def before_exec() -> None:  # only system calls: locks of other threads would never open here
        end_with_parent(number)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return before_exec


def identity(pid: int) -> str | None:
    """What tells a process from a later one with the same number: its start time and command line."""
    if PROC.exists():
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return None
        return None if status[0] == "Z" else f"{status[19]} {command}".strip()
    command_line = ["ps", "-o", "lstart=,command=", "-p", str(pid)]
    found = subprocess.run(command_line, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or None


def end_leftover(
    pid_file: Path, *, program: str, stop_signal: signal.Signals = signal.SIGTERM, seconds: float = 15.0
) -> None:
    """Ends the process that a pid file names if it still is that process, and what a dead one left in its group."""
    try:
        number, _, remembered = pid_file.read_text().partition("\n")
        pid = int(number)
    except (OSError, ValueError):
        return
    if identity(pid) == remembered.strip():
        _signal(os.kill, pid, stop_signal)
        deadline = time.monotonic() + seconds
        while identity(pid) == remembered.strip() and time.monotonic() < deadline:
            time.sleep(0.05)
        _signal(os.killpg, pid, signal.SIGKILL)
        while identity(pid) == remembered.strip():
            time.sleep(0.05)
    elif identity(pid) is None:
        while members := _group_members(pid, program):
            for member in members:
                _signal(os.kill, member, signal.SIGKILL)
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _group_members(group: int, program: str) -> list[int]:
    """Living processes of a group that run a program; web workers outlive a killed leader and keep its port."""
    found = []
    for status in PROC.parents[1].glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = status.read_text().rpartition(")")[2].split()
            command = status.with_name("cmdline").read_bytes()
            if words[2] == str(group) and command.startswith(program.encode() + b"\0"):
                found.append(int(status.parent.name))
    return found


def _signal(send: Callable[[int, int], None], pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        send(pid, number)


def shorten(log: Path, *, limit: int = LOG_BYTES) -> bool:
    """Moves a long log to NAME.log.1. Writers append, so the file is emptied rather than renamed."""
    if not log.exists() or log.stat().st_size <= limit:
        return False
    shutil.copyfile(log, log.with_name(log.name + ".1"))
    os.truncate(log, 0)
    return True


@dataclass
class Child:
    """One process of ours, started again (ever more slowly) when it dies."""

    name: str
    argv: list[str]
    log: Path
    pid_file: Path
    env: dict[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20.0
    exit_code: int | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started: float = 0.0
    _pause: float = 0.0
    _retry_at: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts the process; what an earlier, killed parent left of it is ended first."""
        end_leftover(self.pid_file, program=self.argv[0], stop_signal=self.stop_signal)
        shorten(self.log)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                cwd=self.cwd,
                process_group=0,
                preexec_fn=_bound_to_us(self.stop_signal),
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )
        self._started, self._retry_at = time.monotonic(), None
        self.pid_file.write_text(f"{self._process.pid}\n{identity(self._process.pid)}\n")

    def is_running(self) -> bool:
        """False also when it was never started. What a dead leader left in its group is ended."""
        if self._process is None:
            return False
        self.exit_code = self._process.poll()
        if self.exit_code is None:
            return True
        _signal(os.killpg, self._process.pid, signal.SIGKILL)
        self._process = None
        self.pid_file.unlink(missing_ok=True)
        return False

    def tend(self) -> str | None:
        """Starts the process again when it died and its pause is over. Returns a sentence when it just died."""
        if self.is_running():
            return None
        now = time.monotonic()
        if self._retry_at is None:
            self._pause = 0.0 if now - self._started > STEADY_AFTER else min(LONGEST_PAUSE, max(0.5, self._pause * 2))
            self._retry_at = now + self._pause
            return f"{self.name} ended ({describe_exit(self.exit_code)}); it is started again."
        if now >= self._retry_at:
            self.start()
        return None

    def ask_to_stop(self) -> None:
        if self.is_running() and self.pid:
            _signal(os.kill, self.pid, self.stop_signal)

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """Asks, waits, and kills the whole group when it takes too long or `hurry()` says so."""
        self.ask_to_stop()
        deadline = time.monotonic() + self.stop_seconds
        while self.is_running():
            if self.pid and (time.monotonic() > deadline or hurry()):
                _signal(os.killpg, self.pid, signal.SIGKILL)
            time.sleep(0.02)


def start_beside(argv: list[str], *, cwd: Path) -> subprocess.Popen[bytes]:
    """Starts a short-lived helper with our terminal for output. Ctrl-C reaches it through us alone."""
    return subprocess.Popen(  # noqa: S603
        argv, stdin=subprocess.DEVNULL, cwd=cwd, process_group=0, preexec_fn=_bound_to_us(signal.SIGTERM)
    )


def describe_exit(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
