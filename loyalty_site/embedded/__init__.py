"""PostgreSQL and Redis for the start without servers of one's own: `make run`, tests, a first look.

Only imported when DATABASE_URL or REDIS_URL is unset. The first process that needs a server owns it; others that come
while it runs use it and leave it running.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from loyalty_site.embedded.home import Home
from loyalty_site.embedded.postgres import Postgres
from loyalty_site.embedded.postgres import connection as database_settings
from loyalty_site.embedded.server import Server
from loyalty_site.embedded.valkey import Valkey
from loyalty_site.embedded.valkey import socket_path as redis_socket

__all__ = ["Servers", "database_settings", "redis_socket", "running"]


class Servers:
    """The servers of one `var` directory. `durable=False` trades safety for speed, for data that is thrown away.

    `sleep` is called in every wait and may raise to give up.
    """

    def __init__(
        self,
        var: Path,
        *,
        postgres: bool = True,
        redis: bool = True,
        durable: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        kinds: list[type[Server]] = [Postgres] * postgres + [Valkey] * redis
        self._home = home = Home.prepare(var)
        self._servers = [kind(home, durable=durable, sleep=sleep) for kind in kinds]

    def start(self) -> None:
        """Returns when clients can connect. Raises CannotRun."""
        try:
            for server in self._servers:
                server.start()
        except BaseException:
            self.stop()
            raise

    def tend(self) -> list[str]:
        """To be called a few times a second: restarts what died. Returns sentences about what it did."""
        return [said for server in self._servers if (said := server.tend())]

    def stop(self) -> None:
        """Stops what this object started."""
        for server in reversed(self._servers):
            server.stop()
        self._home.remove_sockets()


@contextmanager
def running(var: Path, *, postgres: bool = True, redis: bool = True, durable: bool = True) -> Iterator[Servers]:
    servers = Servers(var, postgres=postgres, redis=redis, durable=durable)
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()
