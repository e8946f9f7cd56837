"""Settings are read once at the start, so each case is a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "DEBUG": "off",
    "SECRET_KEY": "3vXo8q2LkPz7WmT4yRc9BnJ6hGd1FsA5eUiVxKwQ0tYb-ZjMrNpE_lHg",
    "ALLOWED_HOSTS": "loyalty.example.org",
    "BASE_URL": "https://loyalty.example.org",
    "DATABASE_URL": "postgres://u:p@localhost/loyalty",
    "REDIS_URL": "rediss://localhost:6380/0",
}


def load(code: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | GOOD | changes
    program = f"import sys; from loyalty_site import settings; {code}"
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)


def test_production_starts_with_good_values_and_loads_nothing_embedded():
    done = load("print(settings.CELERY_BROKER_URL, 'loyalty_site.embedded' in sys.modules)")
    assert (done.returncode, done.stdout) == (0, "rediss://localhost:6380/0 False\n"), done.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is missing or weak"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY is missing or weak"),
        ("SECRET_KEY", "short", "SECRET_KEY is missing or weak"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS must name"),
        ("BASE_URL", "http://loyalty.example.org", "BASE_URL must begin with https://"),
        ("BASE_URL", "", "BASE_URL must begin with https://"),
        ("DATABASE_URL", "mysql://u:p@localhost/loyalty", "DATABASE_URL must name a PostgreSQL database"),
        ("CASE_ADDRESS", "care", "CASE_ADDRESS must be an e-mail address"),
        ("CASE_ADDRESS", "Care <care@example.org>", "CASE_ADDRESS must be an e-mail address"),
        ("DEBUG", "maybe", "DEBUG"),
        ("DEBUG", "on", "is a public address: set DEBUG=off"),
    ],
)
def test_bad_value_stops_the_start_and_is_named(name, value, said):
    done = load(**{name: value})
    assert done.returncode == 1
    assert said in done.stderr


def test_demo_sign_in_is_never_on_in_production():
    assert load("print(settings.LOYALTY_DEMO)", LOYALTY_DEMO="on").stdout == "False\n"


@pytest.mark.parametrize(("told", "threshold"), [({}, 0), ({"DATABASE_PREPARES": "off"}, None)])
def test_statements_are_prepared_unless_a_pooler_keeps_none(told, threshold):
    done = load("print(settings.DATABASES['default']['OPTIONS']['prepare_threshold'])", **told)
    assert (done.returncode, done.stdout) == (0, f"{threshold}\n"), done.stderr
