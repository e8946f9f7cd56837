"""Runs a management command; starts the embedded servers around it when no URL names servers of one's own."""

import os
import signal
import sys
from types import FrameType

from django.core.management import execute_from_command_line

from loyalty_site.environment import VAR_DIR, uses_embedded_postgres, uses_embedded_redis
from loyalty_site.processes import CannotRun

# These need no database, and `start` looks after the servers itself.
WITHOUT_SERVERS = {
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "evaluate_recommendations",
    "findstatic",
    "help",
    "makemessages",
    "start",
    "startapp",
    "startproject",
    "version",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")
    postgres, redis = uses_embedded_postgres(), uses_embedded_redis()
    if (postgres or redis) and needs_servers(sys.argv[1:]):
        run_beside_servers(postgres=postgres, redis=redis)
    else:
        execute_from_command_line(sys.argv)


def needs_servers(arguments: list[str]) -> bool:
    command = arguments[0] if arguments else "help"
    if {"-h", "--help", "--version"} & set(arguments):
        return False
    return command not in WITHOUT_SERVERS or (command == "check" and "--database" in arguments)


def run_beside_servers(*, postgres: bool, redis: bool) -> None:
    from loyalty_site import embedded  # noqa: PLC0415 - never loaded where URLs name servers

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, leave)
    try:
        with embedded.running(VAR_DIR, postgres=postgres, redis=redis):
            execute_from_command_line(sys.argv)
    except CannotRun as error:
        sys.exit(str(error))


def leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
