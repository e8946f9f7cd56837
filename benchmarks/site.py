"""A site of our own: PostgreSQL as durable as production's and Redis, in a directory that is removed afterwards."""

import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

FEW = 20
HOST = "loyalty.example.org"
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "loyalty_site.settings",
    "DEBUG": "off",
    "BASE_URL": f"https://{HOST}",
    "ALLOWED_HOSTS": HOST,
    "TILL_RATE_PER_MINUTE": "1000000",
    "DATABASE_URL": "",
    "REDIS_URL": "",
}


class Site:
    """The database is always called the same; each scenario begins with one that holds nothing but the schema."""

    def __init__(self, var: Path) -> None:
        from loyalty_site import embedded
        from loyalty_site.embedded.home import package_root

        self.var = var
        self.settings = embedded.database_settings(var)
        self.programs = package_root("postgres") / "pginstall18" / "bin"

    def connect(self, name: str = "") -> psycopg.Connection[Any]:
        """A superuser's connection that commits each statement."""
        return psycopg.connect(
            dbname=name or self.settings["NAME"],
            user=self.settings["USER"],
            password=self.settings["PASSWORD"],
            host=self.settings["HOST"],
            autocommit=True,
        )

    def prepare(self) -> None:
        """Makes the schema once, as a template, and what pages are made with."""
        with self.connect("postgres") as database:
            database.execute(f"CREATE DATABASE {self.settings['NAME']}") if not self._exists(database) else None
        for command in (["migrate"], ["collectstatic", "--noinput"]):
            subprocess.run([sys.executable, "manage.py", *command, "-v0"], check=True)
        with self.connect("postgres") as database:
            database.execute(f"ALTER DATABASE {self.settings['NAME']} RENAME TO fresh")

    def _exists(self, database: psycopg.Connection[Any]) -> bool:
        found = database.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.settings["NAME"]])
        return found.fetchone() is not None

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """A fresh database, which Django uses too, until the block ends."""
        from django.db import connections

        name = self.settings["NAME"]
        with self.connect("postgres") as database:
            database.execute(f"CREATE DATABASE {name} TEMPLATE fresh")
        try:
            with self.connect() as database:
                yield database
        finally:
            connections.close_all()
            with self.connect("postgres") as database:
                database.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def pgbench(self, script: str, *, clients: int, seconds: float, **values: int) -> float:
        """Transactions per second of a script, prepared once for each client. Of less than a second: a few."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            command = [str(self.programs / "pgbench"), "-n", "-M", "prepared", "-f", file.name]
            command += ["-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1))]
            command += ["-T", str(round(seconds))] if seconds >= 1 else ["-t", str(FEW)]
            command += [word for name, value in values.items() for word in ("-D", f"{name}={value}")]
            command += ["-h", self.settings["HOST"], "-U", self.settings["USER"], self.settings["NAME"]]
            done = subprocess.run(
                command, env={"PGPASSWORD": self.settings["PASSWORD"]}, capture_output=True, text=True, check=False
            )
        rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        if done.returncode or rate is None:
            raise RuntimeError(f"pgbench failed:\n{done.stderr}")
        return float(rate[1])


@contextmanager
def running(*, durable: bool = True) -> Iterator[Site]:
    """The servers, and Django set up for them."""
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as place:
        Path(place).chmod(0o711)  # PostgreSQL's account must pass when root runs this
        var = Path(place, "var")
        os.environ |= PRODUCTION | {"LOYALTY_VAR": str(var), "SECRET_KEY": secrets.token_urlsafe(50)}
        from loyalty_site import embedded

        with embedded.running(var, durable=durable):
            site = Site(var)
            site.prepare()
            import django

            django.setup()
            yield site
