"""Where settings come from: the process environment, then `.env` beside manage.py."""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(str(BASE_DIR / ".env"))

VAR_DIR = Path(env.str("LOYALTY_VAR", default="") or BASE_DIR / "var").absolute()


def flag(name: str, *, default: bool) -> bool:
    """A switch. Raises ImproperlyConfigured when the value is neither on nor off: a typing error must not switch."""
    value = env.str(name, default="").lower()
    if value in {"", "on", "true", "yes", "1", "off", "false", "no", "0"}:
        return value in {"on", "true", "yes", "1"} if value else default
    raise ImproperlyConfigured(f"{name} must be on or off (it is {value!r}).")


def uses_embedded_postgres() -> bool:
    """True when no DATABASE_URL names a server: PostgreSQL then runs below VAR_DIR."""
    return not env.str("DATABASE_URL", default="")


def uses_embedded_redis() -> bool:
    """True when no REDIS_URL names a server."""
    return not env.str("REDIS_URL", default="")
