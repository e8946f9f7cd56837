import gc
from datetime import UTC, datetime

import pytest

import tests.fuzz  # noqa: F401 - how examples are drawn
from tests.plugins import schema

# What takes longest begins first: begun last, one of them would keep a process busy while the other had nothing to do.
LONGEST = [
    "test_points_machine.py",
    "test_benchmarks.py",
    "test_start.py",
    "test_kills.py",
    "test_mails.py",
    "test_storms.py",
    "test_fuzz.py",
    "test_whole_loop.py",
    "test_embedded.py",
    "test_killed_workers.py",
    "test_killed_mails.py",
    "test_admin_in_browser.py",
    "test_portal_in_browser.py",
    "test_in_browser.py",
    "test_admin.py",
    "test_seed_demo.py",
    "test_seed_demo_again.py",
    "test_backfill.py",
]


def pytest_collection_modifyitems(items):
    places = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


def pytest_collection_finish():
    """The collector would look through all tests and modules again and again: an eighth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, django_db_blocker):
    with django_db_blocker.unblock():
        schema.use()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        schema.keep()


@pytest.fixture
def now():
    """The moment in which tests live: a Wednesday, half past ten."""
    return datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
