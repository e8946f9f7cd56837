"""A sender of one kind of mail in a process of its own, by the name of its queue:
`python -m tests.rewards.mail_worker DATABASE PORT NOW QUEUE [STEP COUNT]`.

It kills itself with SIGKILL at the COUNTth mail: STEP is `claimed` (about to be handed over) or `taken` (the server has
it, the outcome is not committed). With a STEP of mailings it chooses their customers instead, three at a time, and dies
at the COUNTth portion: `portion` (coupons made, not committed) or `committed`.
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
from rewards.domain import gesture_mails, mail_queue, mailing_freezing, mailings, notices  # noqa: E402

QUEUES = {queue.name: queue for queue in (notices.QUEUE, gesture_mails.QUEUE, mailings.QUEUE)}


def die_at(step: str, count: int) -> None:
    hand_over, issue, some = mail_replies.hand_over, mailing_freezing._issue_some, mailings._materialize_some
    calls = {"claimed": 0, "taken": 0, "portion": 0, "committed": 0}

    def reach(point: str) -> None:
        calls[point] += 1
        if point == step and calls[point] == count:
            os.kill(os.getpid(), signal.SIGKILL)

    def hand_over_or_die(*args):
        reach("claimed")
        outcome = hand_over(*args)
        reach("taken")
        return outcome

    def issue_or_die(*args):
        issued = issue(*args)
        if issued:
            reach("portion")
        return issued

    def materialize_or_die(*args):
        reached = some(*args)
        reach("committed")
        return reached

    mail_replies.hand_over = hand_over_or_die
    mailing_freezing._issue_some, mailings._materialize_some = issue_or_die, materialize_or_die


if __name__ == "__main__":
    database, port, at, name = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), sys.argv[4]
    connection.settings_dict["NAME"] = database
    mailing_freezing.CUSTOMERS_AT_ONCE = 3
    if sys.argv[5:]:
        die_at(sys.argv[5], int(sys.argv[6]))
    if sys.argv[5:] and sys.argv[5] in ("portion", "committed"):
        mailings.materialize_due(at=at)
    mailer = EmailBackend(host="127.0.0.1", port=port, timeout=5)
    mail_queue.send_due(queue=QUEUES[name], mailer=mailer, clock=lambda: at, until=at + timedelta(seconds=60))
