"""A mail server that takes everything and keeps nothing, in a process of its own; as little work as there can be."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from loyalty_site.processes import end_with_parent

_ANSWERS = {b"EHLO": b"250-sink\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class _Session(asyncio.Protocol):
    """Answers a mail's text after `latency` seconds, as a server does that stores it or asks others."""

    def __init__(self, latency: float) -> None:
        self.latency, self.buffer, self.in_text = latency, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self.in_text or b"\r\n" in self.buffer:
            if self.in_text:
                _text, end, rest = self.buffer.partition(b"\r\n.\r\n")
                if not end:
                    return
                self.buffer, self.in_text = rest, False
                if self.latency:
                    asyncio.get_running_loop().call_later(self.latency, self.transport.write, b"250 taken\r\n")
                else:
                    self.transport.write(b"250 taken\r\n")
            else:
                line, _end, self.buffer = self.buffer.partition(b"\r\n")
                self._answer(line[:4].upper())

    def _answer(self, verb: bytes) -> None:
        self.in_text = verb == b"DATA"
        self.transport.write(_ANSWERS.get(verb, b"250 ok\r\n"))
        if verb == b"QUIT":
            self.transport.close()


@contextmanager
def running(latency: float) -> Iterator[int]:
    """Its port on the loopback."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(latency, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join(10)


def _serve(latency: float, pipe: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Session(latency), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    end_with_parent()
    asyncio.run(serve())
