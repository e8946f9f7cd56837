"""The schema as the migrations last made it, kept below `var/tests`: to make it takes longer than most runs of tests.

It is made anew when anything has changed that a migration sees. Where DATABASE_URL names a server, it always is.
"""

import fcntl
import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

from django.db import connection

from loyalty_site import environment

FOLDER = environment.BASE_DIR / "var" / "tests"
SEEN_BY_MIGRATIONS = ("*/migrations/*.py", "*/sql/*.sql", "loyalty_site/lib/*.py", "requirements.txt")


@cache
def kept() -> Path:
    """Where it is, once it was kept: said before the migrations run, for their files may change while they do."""
    digest = hashlib.sha256()
    for pattern in SEEN_BY_MIGRATIONS:
        for path in sorted(environment.BASE_DIR.glob(pattern)):
            digest.update(str(path.relative_to(environment.BASE_DIR)).encode())
            digest.update(path.read_bytes())
    return FOLDER / f"schema-{digest.hexdigest()[:16]}.sql"


def use() -> None:
    """Test databases of this process begin with it; one process fills the template, the others wait for it."""
    if not environment.uses_embedded_postgres() or not kept().exists():
        return
    name = kept().stem.replace("-", "_")
    with (environment.VAR_DIR / "schema.lock").open("w") as lock, connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        fcntl.flock(lock, fcntl.LOCK_EX)
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {name}")
            _run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", str(kept()), name)
    connection.settings_dict["TEST"]["TEMPLATE"] = name


def keep() -> None:
    """Writes down the schema of this process's test database, when it was made by migrations."""
    if not environment.uses_embedded_postgres() or kept().exists():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    own = FOLDER / f"{os.getpid()}.part"
    _run("pg_dump", "--no-owner", "-f", str(own), connection.settings_dict["NAME"])
    own.replace(kept())
    for old in set(FOLDER.glob("schema-*.sql")) - {kept()}:
        old.unlink(missing_ok=True)


def _run(program: str, *arguments: str) -> None:
    from loyalty_site.embedded.home import package_root  # noqa: PLC0415 - never loaded where URLs name servers

    settings = connection.settings_dict
    subprocess.run(
        [package_root("postgres") / "pginstall18" / "bin" / program, *arguments],
        env={
            "PGHOST": settings["HOST"],
            "PGPORT": str(settings["PORT"] or 5432),
            "PGUSER": settings["USER"],
            "PGPASSWORD": settings["PASSWORD"],
        },
        check=True,
    )
