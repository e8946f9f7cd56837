"""Shows on the terminal, in a line each, the errors that a child writes to its log."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

from loyalty_site.processes import shorten

ERROR = re.compile(r"\b(ERROR|CRITICAL)\b(/\S+)?[\]:]?\s*(?P<words>.*)")
TRACEBACK = "Traceback (most recent call last):"
LINES_AT_ONCE = 5
QUIET_SECONDS = 60  # the same line is not shown again sooner
WIDTH = 160


class LogTail:
    """Reads what was added to a log since the last look. The child writes to the file, never to us: a terminal
    that stands still must not stop the site."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._in_traceback = False
        self._shown: dict[str, float] = {}

    def errors(self) -> list[str]:
        """New errors in short form, at most a few. Also keeps the log from growing without end."""
        now = time.monotonic()
        found = []
        for words in self._error_lines():
            if now - self._shown.get(words, -QUIET_SECONDS) >= QUIET_SECONDS:
                self._shown[words] = now
                found.append(words)
        if len(self._shown) > 1000:
            self._shown.clear()
        if shorten(self.path):
            self._offset = 0
        return found[:LINES_AT_ONCE]

    def _error_lines(self) -> Iterator[str]:
        for line in self._new_lines():
            if line.startswith(TRACEBACK):
                self._in_traceback = True
            elif self._in_traceback:
                if line and not line[0].isspace():
                    self._in_traceback = False
                    yield line[:WIDTH]
            elif match := ERROR.search(line):
                yield match["words"].strip()[:WIDTH]

    def _new_lines(self) -> list[str]:
        if not self.path.exists():
            return []
        with self.path.open("rb") as log:
            log.seek(self._offset)
            added = log.read(1_000_000)
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode(errors="replace").splitlines()
