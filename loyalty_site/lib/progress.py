"""How far a long command is, for the person in front of it."""

from django.core.management.base import OutputWrapper

_WIDTH = 30


class Progress:
    """A bar that moves on a terminal; elsewhere one line for each thing said."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._said = ""

    def tell(self, said: str, share: float) -> None:
        """`share` of the whole, from 0 to 1."""
        if self._is_terminal:
            filled = round(min(share, 1) * _WIDTH)
            self._write(f"\r\x1b[2K{'█' * filled}{'░' * (_WIDTH - filled)} {min(share, 1):4.0%}  {said}")
        elif said != self._said:
            self._write(f"{said} …\n")
        self._said = said

    def clear(self) -> None:
        """Leaves an empty line to write on."""
        if self._is_terminal:
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        self._stream.write(text, ending="")
        self._stream.flush()
