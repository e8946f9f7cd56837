"""A real Celery worker: a process of its own on this test's database, broker and mail server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as project_settings
from django.db import connection

from loyalty_site import environment


def environment_of_processes(**more: str) -> dict[str, str]:
    """With which another process uses this test's database, broker and cache."""
    database = connection.settings_dict
    place = quote(str(database["HOST"]), safe="")
    address = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}@/{database['NAME']}?host={place}"
    return os.environ | {
        "DATABASE_URL": f"postgres://{address}&port={database['PORT'] or 5432}",
        "REDIS_URL": project_settings.REDIS_CACHE_URL,
        "LOYALTY_VAR": str(environment.VAR_DIR),
        **more,
    }


@pytest.fixture
def worker(live_server, mail_server, tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs until the test ends; its mails go to `mail_server`, their links lead to `live_server`."""
    program = [sys.executable, "-m", "celery", "-A", "loyalty_site", "-b", project_settings.CELERY_BROKER_URL]
    log = Path(tmp_path) / "worker.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*program, "worker", "--pool", "solo", "--loglevel", "INFO", "--without-gossip", "--without-mingle"],
            env=environment_of_processes(EMAIL_URL=f"smtp://127.0.0.1:{mail_server.port}", BASE_URL=live_server.url),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        yield process
        process.terminate()
        process.wait(30)
    sys.stderr.write(log.read_text())  # pytest shows it when the test failed
