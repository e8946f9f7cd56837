from datetime import UTC, datetime

import pytest


@pytest.fixture
def now():
    """The moment in which tests live: a Wednesday, half past ten."""
    return datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
