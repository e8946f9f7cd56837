"""The web server as production runs it, on this test's database, to be stormed and killed."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from loyalty_site.management.commands.start import PROGRAMS
from tests.plugins.worker import environment_of_processes


class Server:
    """Granian and its workers in a process group of their own, always at the same port."""

    def __init__(self, log: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", *PROGRAMS["web"].split(), "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=environment_of_processes(TILL_RATE_PER_MINUTE="1000000"),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait()

    def wait(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """SIGKILL for all of it, at once."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def kill_a_worker(self, chance: random.Random) -> None:
        """SIGKILL for one of its workers; Granian starts another one."""
        assert self.process
        found = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in found.splitlines()]
        workers = [pid for pid, parent in pairs if parent == self.process.pid]
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)

    def start_again_if_gone(self) -> None:
        """As `manage.py start` does: after many dead workers Granian gives up."""
        assert self.process
        if self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        assert self.process
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def faults(self) -> list[str]:
        """Lines of its log that tell of an unhandled error."""
        return [line for line in self.log.read_text().splitlines() if "Traceback" in line or "Internal Server" in line]
