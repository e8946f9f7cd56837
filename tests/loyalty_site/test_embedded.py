"""The embedded servers under everything that may happen to them. Real processes, killed for real."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import redis

from loyalty_site import embedded
from loyalty_site.embedded import home as places
from loyalty_site.processes import CannotRun, identity

BASE = Path(__file__).resolve().parents[2]
DEEP = "/".join(["店铺 数据"] * 12)  # longer than a socket's path may be


def passable_directory():
    """PostgreSQL's account must pass when root runs the tests."""
    root = Path(tempfile.mkdtemp(prefix="loyalty-drill-"))
    root.chmod(0o711)
    return root


@pytest.fixture
def fresh():
    """A data directory that does not exist yet."""
    root = passable_directory()
    yield root / "var"
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def cluster():
    """PostgreSQL alone, with a table of three rows, made once for this file."""
    var = passable_directory() / "var"
    servers = embedded.Servers(var, redis=False)
    servers.start()
    with connect(var) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 3)")
    yield servers, var
    servers.stop()
    shutil.rmtree(var.parent)


@pytest.fixture
def servers(cluster):
    """The cluster, running, whatever the last test did to it."""
    servers, _var = cluster
    servers.start()
    return servers


@pytest.fixture
def var(cluster):
    return cluster[1]


def connect(var):
    settings = embedded.database_settings(var)
    return psycopg.connect(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"]
    )


def kept_rows(var):
    with connect(var) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def postmaster(var):
    return int((places.data_home(var) / "postgres/data/postmaster.pid").read_text().split()[0])


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def restart(servers, var):
    """Tends the servers as `start` does, until PostgreSQL answers again."""
    for _ in range(600):
        servers.tend()
        try:
            return kept_rows(var)
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError("PostgreSQL did not come back")


def wait_until_gone(pid):
    for _ in range(600):
        if identity(pid) is None:
            return True
        time.sleep(0.05)
    return False


def test_start_works_in_a_deep_path_with_spaces_and_chinese_characters(fresh):
    deep = fresh / DEEP
    deep.mkdir(parents=True)
    for directory in (deep, *deep.parents[:13]):
        directory.chmod(0o711)
    with embedded.running(deep, durable=False), connect(deep) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert redis.Redis(unix_socket_path=str(embedded.redis_socket(deep))).set("k", 1) is True
    assert (deep / "postgres/data/PG_VERSION").read_text() == "18\n"
    assert stat.S_IMODE((deep / "postgres/password").stat().st_mode) == 0o600
    assert not embedded.redis_socket(deep).parent.exists()


def test_database_settings_start_nothing_when_there_is_no_data(fresh):
    settings = embedded.database_settings(fresh)
    assert (settings["NAME"], settings["USER"], settings["PASSWORD"]) == ("loyalty", "loyalty", "")
    assert not fresh.exists()


def test_stop_and_start_keep_the_rows(servers, var):
    servers.stop()
    with embedded.running(var, redis=False):
        assert kept_rows(var) == 3


def test_tend_restarts_a_killed_postmaster(servers, var):
    os.kill(postmaster(var), signal.SIGKILL)
    assert restart(servers, var) == 3


def test_start_recovers_when_every_process_was_killed(servers, var):
    victim = postmaster(var)
    for pid in [victim, *children(victim)]:
        os.kill(pid, signal.SIGKILL)
    servers.stop()
    servers.start()
    assert kept_rows(var) == 3


def test_a_killed_backend_is_survived(servers, var):
    with connect(var) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert restart(servers, var) == 3


def test_start_ignores_a_stale_pid_that_another_process_has_now(servers, var):
    os.kill(postmaster(var), signal.SIGKILL)
    servers.stop()
    pid_file = places.data_home(var) / "postgres/data/postmaster.pid"
    innocent = subprocess.Popen(["sleep", "60"], user="nobody" if os.geteuid() == 0 else None)
    pid_file.write_text("\n".join([str(innocent.pid), *pid_file.read_text().splitlines()[1:]]))
    servers.start()
    assert kept_rows(var) == 3
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_start_ends_what_a_dead_owner_left(servers, var):
    left = postmaster(var)
    servers._servers[0]._lock.release()  # as the kernel does when the owner is killed
    with embedded.running(var, redis=False):
        assert postmaster(var) != left
        assert kept_rows(var) == 3


def test_a_second_process_uses_the_servers_and_leaves_them_running(servers, var):
    with embedded.running(var, redis=False):
        assert kept_rows(var) == 3
    assert kept_rows(var) == 3


def test_tend_takes_over_when_the_owner_has_stopped(servers, var):
    second = embedded.Servers(var, redis=False, durable=False)
    second.start()
    assert second.tend() == []
    servers.stop()
    assert len(second.tend()) == 1
    assert kept_rows(var) == 3
    second.stop()


def test_servers_end_with_a_killed_owner(fresh):
    script = (
        "import pathlib, sys, time; from loyalty_site import embedded\n"
        "embedded.Servers(pathlib.Path(sys.argv[1]), durable=False).start(); print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, fresh], cwd=BASE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout.readline() == b"up\n"
        pids = [postmaster(fresh), int((fresh / "run/redis.pid").read_text().split()[0])]
        owner.kill()
    assert [wait_until_gone(pid) for pid in pids] == [True, True]
    with embedded.running(fresh, durable=False), connect(fresh) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_start_makes_the_cluster_anew_when_the_first_attempt_was_cut_off(fresh):
    half_made = places.Home.prepare(fresh)
    half_made.give(half_made.data / "postgres")
    half_made.give(half_made.data / "postgres/data.tmp")
    (half_made.data / "postgres/data.tmp/PG_VERSION").write_text("18\n")
    with embedded.running(fresh, redis=False, durable=False), connect(fresh) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_start_refuses_data_of_another_major_version(servers, var):
    servers.stop()
    version = places.data_home(var) / "postgres/data/PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(CannotRun, match="written by PostgreSQL 17; this release brings 18"):
        servers.start()
    version.write_text("18\n")


def test_start_refuses_a_socket_directory_that_others_may_write_to(fresh):
    sockets = places.socket_base(fresh)
    sockets.mkdir()
    sockets.chmod(0o777)
    with pytest.raises(CannotRun, match="belongs to somebody else or others may write to it"):
        embedded.Servers(fresh)
    sockets.rmdir()


def test_data_lies_elsewhere_only_when_root_starts_where_nobody_can_enter(fresh, monkeypatch):
    system_home = fresh.parent / "system"
    monkeypatch.setattr(places, "SYSTEM_HOME", system_home)
    fresh.mkdir(mode=0o700)
    with embedded.running(fresh, redis=False, durable=False), connect(fresh) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 3)")
    assert (places.data_home(fresh) == fresh) is (os.geteuid() != 0)
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
    with embedded.running(fresh, redis=False):
        assert kept_rows(fresh) == 3


def test_programs_are_copied_where_postgres_may_run_them(fresh, monkeypatch):
    monkeypatch.setattr(places, "SYSTEM_HOME", fresh.parent / "system")
    packages = fresh.parent / "packages"
    original = places.package_root("postgres")
    shutil.copytree(original, packages / original.name, ignore=shutil.ignore_patterns("pginstall", "include"))
    shutil.copytree(original.with_name(f"{original.name}.libs"), packages / f"{original.name}.libs")
    packages.chmod(0o700)
    monkeypatch.setattr(places, "package_root", lambda server: packages / original.name)
    with embedded.running(fresh, redis=False, durable=False), connect(fresh) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert (fresh.parent / "system").exists() is (os.geteuid() == 0)


def test_redis_keeps_its_keys_when_killed_and_when_its_log_is_cut_off(fresh):
    servers = embedded.Servers(fresh, postgres=False)
    servers.start()
    client = redis.Redis(unix_socket_path=str(embedded.redis_socket(fresh)))
    client.mset({str(number): number for number in range(1000)})
    client.set("last", "x" * 100)
    time.sleep(1.2)  # appendfsync everysec
    os.kill(int((fresh / "run/redis.pid").read_text().split()[0]), signal.SIGKILL)
    time.sleep(0.1)
    servers.stop()
    log = max((fresh / "redis").rglob("*.aof"), key=lambda path: path.stat().st_size)
    os.truncate(log, log.stat().st_size - 3)
    servers.start()
    assert client.dbsize() == 1000
    client.close()
    servers.stop()
