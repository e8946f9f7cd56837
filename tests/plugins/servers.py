"""Real servers for the tests: PostgreSQL and Redis start once for all test processes, in a directory thrown away.

Loaded with `-p tests.plugins.servers`, because pytest-django reads the settings before any conftest. Where DATABASE_URL
or REDIS_URL names a server, that one is used.
"""

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from loyalty_site import environment
from loyalty_site.celery import app as celery_app
from loyalty_site.processes import Lock

PREFIX = "loyalty-tests-"
STARTING_SECONDS = 600
own: Any = None  # the embedded Servers that this very process started


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _start(early_config)
    yield


def _start(config: pytest.Config) -> None:
    postgres, redis = environment.uses_embedded_postgres(), environment.uses_embedded_redis()
    _remove_what_killed_runs_left()
    place = Path(tempfile.mkdtemp(prefix=PREFIX))
    place.chmod(0o711)  # PostgreSQL's account must pass when root runs the tests
    config.add_cleanup(lambda: shutil.rmtree(place, ignore_errors=True))
    var = place / "var"
    var.mkdir(mode=0o711)
    (var / "static").mkdir()
    os.environ["LOYALTY_VAR"] = str(var)
    environment.VAR_DIR = var
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if postgres or redis:
        from loyalty_site import embedded  # noqa: PLC0415 - never loaded where URLs name servers

        global own
        own = embedded.Servers(var, postgres=postgres, redis=redis, durable=False)
        config.add_cleanup(own.stop)
        own.start()


def _remove_what_killed_runs_left() -> None:
    """A run that was killed could not remove its directory; its lock tells it from one that still runs."""
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        found = place.lstat()
        if found.st_uid != os.geteuid() or time.time() - found.st_mtime < STARTING_SECONDS:
            continue
        lock, sockets = (place / "var" / "run" / name for name in ("postgres.lock", "sockets"))
        if sockets.exists() and Lock(lock).acquire():
            shutil.rmtree(sockets.read_text(), ignore_errors=True)
            shutil.rmtree(place, ignore_errors=True)


def pytest_configure() -> None:
    """Each test process has a Redis database of its own, as pytest-django gives it a PostgreSQL one."""
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0  # a live server's threads must not keep the test database open
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow by intent
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    broker, cache = (_with_database(url, number) for url in (settings.CELERY_BROKER_URL, settings.REDIS_CACHE_URL))
    settings.CELERY_BROKER_URL = celery_app.conf.broker_url = broker
    settings.REDIS_CACHE_URL = settings.CACHES["default"]["LOCATION"] = cache


def _with_database(url: str, number: int) -> str:
    if "?" in url:  # a socket: the database is a parameter
        return re.sub(r"((?:virtual_host|db)=)\d+", rf"\g<1>{number}", url)
    return re.sub(r"(://[^/]+)(/\d*)?$", rf"\1/{number}", url)
