"""A sender in a process of its own: `python -m tests.surveys.worker DATABASE SMTP_PORT NOW [STEP COUNT]`.

It kills itself with SIGKILL at the COUNTth delivery: STEP is `claimed` (nothing sent yet), `begun` (about to be handed
over) or `taken` (the server has it, the outcome is not committed).
"""

import os
import signal
import sys
from datetime import datetime, timedelta

import django

django.setup()

from django.db import connection  # noqa: E402 - needs the apps

from loyalty_site.lib import mail_replies  # noqa: E402
from loyalty_site.lib.smtp import EmailBackend  # noqa: E402
from surveys.domain import deliveries  # noqa: E402


def die_at(step: str, count: int, *, deaths: str = os.devnull) -> None:
    """Adds a line to the file `deaths` before it does."""
    begin, hand_over = deliveries._begin, mail_replies.hand_over
    calls = {"claimed": 0, "begun": 0, "taken": 0}

    def reach(point: str) -> None:
        calls[point] += 1
        if point == step and calls[point] == count:
            with open(deaths, "a", encoding="utf-8") as file:
                file.write(f"{step}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def begin_or_die(*args, **kwargs):
        reach("claimed")
        begun = begin(*args, **kwargs)
        reach("begun")
        return begun

    def hand_over_or_die(*args):
        outcome = hand_over(*args)
        reach("taken")
        return outcome

    deliveries._begin, mail_replies.hand_over = begin_or_die, hand_over_or_die


if __name__ == "__main__":
    database, port, at = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    connection.settings_dict["NAME"] = database
    if sys.argv[4:]:
        die_at(sys.argv[4], int(sys.argv[5]))
    mailer = EmailBackend(host="127.0.0.1", port=port, timeout=5)
    deliveries.send_due(mailer=mailer, clock=lambda: at, until=at + timedelta(seconds=60))
