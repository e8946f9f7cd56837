"""A sender of notices in a process of its own: `python -m tests.rewards.notice_worker DATABASE PORT NOW [STEP COUNT]`.

It kills itself with SIGKILL at the COUNTth notice: STEP is `claimed` (about to be handed over) or `taken` (the server
has it, the outcome is not committed).
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
from rewards.domain import mail_queue, notices  # noqa: E402


def die_at(step: str, count: int) -> None:
    hand_over = mail_replies.hand_over
    calls = {"claimed": 0, "taken": 0}

    def reach(point: str) -> None:
        calls[point] += 1
        if point == step and calls[point] == count:
            os.kill(os.getpid(), signal.SIGKILL)

    def hand_over_or_die(*args):
        reach("claimed")
        outcome = hand_over(*args)
        reach("taken")
        return outcome

    mail_replies.hand_over = hand_over_or_die


if __name__ == "__main__":
    database, port, at = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    connection.settings_dict["NAME"] = database
    if sys.argv[4:]:
        die_at(sys.argv[4], int(sys.argv[5]))
    mailer = EmailBackend(host="127.0.0.1", port=port, timeout=5)
    mail_queue.send_due(queue=notices.QUEUE, mailer=mailer, clock=lambda: at, until=at + timedelta(seconds=60))
