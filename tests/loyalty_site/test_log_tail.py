import pytest

from loyalty_site import log_tail
from loyalty_site.log_tail import LogTail

DJANGO = """\
2026-05-20 10:30:00,000 INFO django.server started
2026-05-20 10:30:01,000 ERROR django.request Internal Server Error: /coupons/
Traceback (most recent call last):
  File "views.py", line 1, in home
    raise ValueError("no")
ValueError: no
2026-05-20 10:30:02,000 WARNING django.request Not Found: /favicon.ico
"""
CELERY = "[2026-05-20 10:30:00,000: ERROR/ForkPoolWorker-1] Task rewards.expire_points raised unexpected\n"
GRANIAN = "[ERROR] Unexpected exit from worker-1\n"


@pytest.fixture
def tail(tmp_path):
    return LogTail(tmp_path / "web.log")


def append(tail, text):
    with tail.path.open("a") as log:
        log.write(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (DJANGO, ["django.request Internal Server Error: /coupons/", "ValueError: no"]),
        (CELERY, ["Task rewards.expire_points raised unexpected"]),
        (GRANIAN, ["Unexpected exit from worker-1"]),
        ("2026-05-20 INFO no errors were found\n", []),
    ],
)
def test_errors_are_shown_in_a_line_each(tail, text, shown):
    append(tail, text)
    assert tail.errors() == shown


def test_errors_written_before_the_start_are_not_shown(tmp_path):
    (tmp_path / "web.log").write_text(GRANIAN)
    assert LogTail(tmp_path / "web.log").errors() == []


def test_half_a_line_waits_for_its_end(tail):
    append(tail, GRANIAN[:10])
    assert tail.errors() == []
    append(tail, GRANIAN[10:])
    assert tail.errors() == ["Unexpected exit from worker-1"]


def test_the_same_error_is_not_repeated_within_a_minute(tail, monkeypatch):
    append(tail, GRANIAN * 3)
    assert tail.errors() == ["Unexpected exit from worker-1"]
    append(tail, GRANIAN)
    assert tail.errors() == []
    monkeypatch.setattr(log_tail, "QUIET_SECONDS", 0)
    append(tail, GRANIAN)
    assert tail.errors() == ["Unexpected exit from worker-1"]


def test_a_flood_is_cut(tail):
    append(tail, "".join(f"[ERROR] number {number}\n" for number in range(100)))
    assert tail.errors() == [f"number {number}" for number in range(log_tail.LINES_AT_ONCE)]


def test_a_long_log_is_moved_aside_and_read_on(tail, monkeypatch):
    monkeypatch.setattr(log_tail, "shorten", lambda path: path.write_text("") == 0)
    append(tail, GRANIAN)
    assert tail.errors() == ["Unexpected exit from worker-1"]
    append(tail, "[ERROR] after\n")
    assert tail.errors() == ["after"]
