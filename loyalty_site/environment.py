"""Where settings come from: the process environment, then `.env` beside manage.py."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(str(BASE_DIR / ".env"))

VAR_DIR = Path(env.str("LOYALTY_VAR", default="") or BASE_DIR / "var").absolute()


def uses_embedded_postgres() -> bool:
    """True when no DATABASE_URL names a server: PostgreSQL then runs below VAR_DIR."""
    return not env.str("DATABASE_URL", default="")


def uses_embedded_redis() -> bool:
    """True when no REDIS_URL names a server."""
    return not env.str("REDIS_URL", default="")
