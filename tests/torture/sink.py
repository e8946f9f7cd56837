"""A mail server that misbehaves by seeded draws: `python -m tests.torture.sink PORT RECORD SEED SECONDS_PER_MAIL`.

What became of each mail is a line of JSON in RECORD, written before anybody is told: the address, the verdict, whether
its text was taken. Nothing that the sender believes comes into it.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

# Verdict, share of mails in thousandths. What is not named is taken.
AT_RECIPIENT = {
    "450 4.2.0 greylisted": 20,
    "550 5.1.1 no such user": 10,
    "421 4.3.2 going down": 8,
    "451 4.7.1 slow down": 8,
}
AT_RECIPIENT |= {"drop": 8, "hang": 3}
AT_TEXT = {"451 4.3.0 try again": 12, "554 5.7.1 refused": 8, "drop before taking": 8, "drop after taking": 8}
AT_TEXT |= {"hang after taking": 4}


class Sink:
    def __init__(self, record: Path, seed: str, seconds_per_mail: float) -> None:
        self.record, self.seed, self.seconds_per_mail = record.open("a", buffering=1), seed, seconds_per_mail
        self.tries: Counter[str] = Counter()

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]):
        self.tries[address] += 1
        verdict = self.draw("recipient", address, AT_RECIPIENT)
        envelope.rcpt_tos.append(address)
        if verdict != "250 OK":
            self.note(address, f"{verdict} at recipient", is_taken=False)
        return await self.answer(server, verdict)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope):
        address = envelope.rcpt_tos[0]
        await asyncio.sleep(self.seconds_per_mail)
        verdict = self.draw("text", address, AT_TEXT)
        self.note(address, verdict, is_taken=verdict == "250 OK" or verdict.endswith("after taking"))
        return await self.answer(server, verdict)

    def draw(self, moment: str, address: str, shares: dict[str, int]) -> str:
        """By the try's number, so that a mail that comes again is not treated the same for ever."""
        drawn = random.Random(f"{self.seed}:{moment}:{address}:{self.tries[address]}").randrange(1000)
        for verdict, share in shares.items():
            if drawn < share:
                return verdict
            drawn -= share
        return "250 OK"

    def note(self, address: str, verdict: str, *, is_taken: bool) -> None:
        self.record.write(json.dumps({"to": address, "verdict": verdict, "is_taken": is_taken}) + "\n")

    async def answer(self, server: SMTP, verdict: str) -> str:
        if verdict.startswith("hang"):
            await asyncio.sleep(30)
        if verdict.startswith(("drop", "hang")):
            assert server.transport is not None
            server.transport.abort()
            raise asyncio.CancelledError
        return verdict


async def serve(port: int, sink: Sink) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink, hostname="sink"), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    port, record, seed, seconds_per_mail = sys.argv[1:]
    asyncio.run(serve(int(port), Sink(Path(record), seed, float(seconds_per_mail))))
