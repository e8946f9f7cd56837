"""The address a start listens on: checked before anything begins, shown to people, asked for its health."""

import errno
import http.client
import socket
from dataclasses import dataclass

from django.core.management.base import CommandError

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognized, not listened on


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @classmethod
    def parse(cls, host: str, port: str) -> "Address":
        """Raises CommandError unless port is a number from 1 to 65535."""
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise CommandError(f"PORT must be a number from 1 to 65535, not {port!r}.")
        return cls(host.strip("[]"), int(port))

    @property
    def local_host(self) -> str:
        return EVERYWHERE.get(self.host, self.host)

    @property
    def names(self) -> list[str]:
        """What a browser may call us."""
        names = {"127.0.0.1", "localhost", "[::1]", _in_url(self.local_host)}
        if self.host in EVERYWHERE:
            names |= {socket.gethostname(), _in_url(network_address())}
        return sorted(names)

    @property
    def url(self) -> str:
        """Where people find the site; with a wildcard the address that others in the network use."""
        host = network_address() if self.host in EVERYWHERE else self.host
        return f"http://{_in_url(host)}:{self.port}"

    def check_free(self) -> None:
        """Raises CommandError with a way out when the web could not listen here."""
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
        except socket.gaierror as error:
            raise CommandError(f"HOST={self.host} is no address of this machine. Try HOST=127.0.0.1.") from error
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                raise CommandError(self._why_not(error)) from error

    def _why_not(self, error: OSError) -> str:
        if error.errno == errno.EADDRINUSE:
            return f"Port {self.port} is in use by another program. Choose another: PORT={self.port + 1} make run"
        if error.errno == errno.EACCES:
            return f"Port {self.port} is for the system's own programs. Choose one above 1023: PORT=8000 make run"
        return f"HOST={self.host} is no address of this machine. Try HOST=127.0.0.1."

    def answers(self) -> bool:
        """Whether the web is up. Any answer but a server error counts: production refuses a local host name."""
        connection = http.client.HTTPConnection(self.local_host, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def network_address() -> str:
    """This machine's address in its network. Nothing is sent: the kernel only picks the interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
