import os
import signal
import subprocess
import sys
import time

import pytest

from loyalty_site import processes
from loyalty_site.processes import CannotRun, Child, Interrupted, Lock, StopRequest


@pytest.fixture
def child(tmp_path):
    """Makes children that run a line of Python; ends them afterwards."""
    made = []

    def make(code, **options):
        options.setdefault("log", tmp_path / "child.log")
        made.append(Child("child", [sys.executable, "-c", code], pid_file=tmp_path / "child.pid", **options))
        return made[-1]

    yield make
    for each in made:
        each.stop_seconds = 0
        each.stop()


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def test_tend_restarts_more_and_more_slowly(child, monkeypatch):
    dying = child("raise SystemExit(3)")
    dying.start()
    pauses = []
    for _ in range(8):
        wait_for(lambda: not dying.is_running())
        now = time.monotonic()
        monkeypatch.setattr(processes.time, "monotonic", lambda now=now: now)
        assert dying.tend() == "child ended (exit code 3); it is started again."
        pauses.append(dying._retry_at - now)
        monkeypatch.setattr(processes.time, "monotonic", lambda now=now: now + 31)
        assert dying.tend() is None
        monkeypatch.undo()
        dying._started = time.monotonic()
    assert pauses == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30])


def test_tend_restarts_a_long_lived_child_at_once(child):
    steady = child(SLEEP)
    steady.start()
    first = steady.pid
    steady._started -= processes.STEADY_AFTER + 1
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: not steady.is_running())
    assert steady.tend() == "child ended (killed by SIGKILL); it is started again."
    assert steady.tend() is None
    assert steady.pid not in (None, first)


def test_stop_kills_a_child_that_does_not_listen(child):
    deaf = child(DEAF, stop_seconds=0.2)
    deaf.start()
    wait_for(lambda: b"deaf" in deaf.log.read_bytes())
    deaf.stop()
    assert deaf.exit_code == -signal.SIGKILL


def test_stop_in_a_hurry_does_not_wait(child):
    deaf = child(DEAF, stop_seconds=60)
    deaf.start()
    wait_for(lambda: b"deaf" in deaf.log.read_bytes())
    begun = time.monotonic()
    deaf.stop(hurry=lambda: True)
    assert time.monotonic() - begun < 10


def test_a_new_start_ends_the_child_of_a_dead_parent(child):
    left = child(SLEEP)
    left.start()
    again = child(SLEEP)
    again.start()
    wait_for(lambda: not left.is_running())
    assert again.is_running()


def test_a_new_start_ends_the_group_of_a_dead_child(child, tmp_path):
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True)"
    left = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, process_group=0)
    grandchild = int(left.stdout.readline())
    left.stdout.close()
    left.wait()
    (tmp_path / "child.pid").write_text(f"{left.pid}\nit had another start time\n")
    child(SLEEP).start()
    assert processes.identity(grandchild) is None


def test_a_reused_pid_is_left_alone(child, tmp_path):
    innocent = subprocess.Popen(["sleep", "60"], process_group=0)
    (tmp_path / "child.pid").write_text(f"{innocent.pid}\n12345 another command\n")
    child(SLEEP).start()
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_a_long_log_is_moved_aside_and_written_on(child, tmp_path):
    log = tmp_path / "child.log"
    log.write_bytes(b"x" * (processes.LOG_BYTES + 1))
    talker = child("print('new')", log=log)
    talker.start()
    wait_for(lambda: not talker.is_running())
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "child.log.1").stat().st_size == processes.LOG_BYTES + 1


def test_lock_belongs_to_one_at_a_time(tmp_path):
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert (first.acquire(), first.acquire(), second.acquire()) == (True, True, False)
    first.note("mine")
    assert second.read() == "mine"
    first.release()
    assert (second.acquire(), second.read()) == (True, "")
    second.release()


def test_stop_request_interrupts_the_next_wait():
    stop = StopRequest()
    stop.sleep(0)
    stop._note(signal.SIGTERM, None)
    with pytest.raises(Interrupted):
        stop.sleep(60)


def test_make_places_names_the_directory_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRun, match=r"file/var cannot be used \(Not a directory\)"):
        processes.make_places(tmp_path / "file" / "var")
