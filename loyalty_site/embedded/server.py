"""What both embedded servers share: one owner at a time, everybody else waits for it and uses it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from loyalty_site.embedded.home import Home
from loyalty_site.processes import CannotRun, Child, Lock

START_SECONDS = 600  # recovery after a crash can take minutes on a slow disk


class Server(ABC):
    """The process that holds the lock owns the server: starts it, restarts it, stops it."""

    name: str

    def __init__(self, home: Home, *, durable: bool, sleep: Callable[[float], None]) -> None:
        self.home = home
        self.durable = durable
        self.log = home.var / "log" / f"{self.name}.log"
        self.pid_file = home.var / "run" / f"{self.name}.pid"
        self._sleep = sleep
        self._lock = Lock(home.var / "run" / f"{self.name}.lock")
        self._child: Child | None = None

    @abstractmethod
    def make_child(self) -> Child: ...

    @abstractmethod
    def prepare(self) -> None:
        """Runs before each start of the process."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether our own process takes connections."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether anybody's process does, with all that clients need."""

    @abstractmethod
    def finish(self) -> None:
        """Runs when our own process has become ready, before start() returns."""

    @property
    def owned(self) -> bool:
        return self._lock.held

    def start(self) -> None:
        """Returns when clients can connect; at once when ours runs. Raises CannotRun with the end of the log."""
        if self._child and self._child.is_running():
            return
        deadline = time.monotonic() + START_SECONDS
        while not self._lock.acquire():
            if self.answers():
                return
            if time.monotonic() > deadline:
                raise CannotRun(f"{self.name}: another process holds {self._lock.path} but nothing answers.")
            self._sleep(0.05)
        try:
            self._launch(deadline)
        except BaseException:
            self.stop()
            raise

    def _launch(self, deadline: float) -> None:
        self._child = child = self.make_child()
        log_start = self.log.stat().st_size if self.log.exists() else 0
        self.prepare()
        child.start()
        while not self.is_ready():
            if not child.is_running():
                with self.log.open("rb") as log:
                    log.seek(log_start if log_start <= self.log.stat().st_size else 0)
                    words = log.read().decode(errors="replace")
                if not self.may_try_again(words) or time.monotonic() > deadline:
                    raise CannotRun(f"{self.name} did not start. The end of {self.log}:\n{words[-1500:].strip()}")
                self._sleep(0.5)
                self.prepare()
                child.start()
            if time.monotonic() > deadline:
                raise CannotRun(f"{self.name} takes no connections; see {self.log}.")
            self._sleep(0.02)
        self.finish()

    def may_try_again(self, words: str) -> bool:
        """Whether the log of a failed start names a state that passes."""
        return False

    def tend(self) -> str | None:
        """Restarts our dead process, or takes over when the owner is gone. Returns a sentence when it did."""
        if self._child is None:
            if not self._lock.acquire():
                return None
            self._launch(time.monotonic() + START_SECONDS)
            return f"{self.name} had been run by a process that has ended; it is run here now."
        if not self._child.is_running():
            self.prepare()
        return self._child.tend()

    def stop(self) -> None:
        """Stops our process; somebody else's goes on."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        self._lock.release()
