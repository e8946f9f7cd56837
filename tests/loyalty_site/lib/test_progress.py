from io import StringIO

from django.core.management.base import OutputWrapper

from loyalty_site.lib.progress import Progress


class Terminal(StringIO):
    def isatty(self):
        return True


def told(stream):
    progress = Progress(OutputWrapper(stream))
    progress.tell("Reading", 0)
    progress.tell("Reading", 0.5)
    progress.tell("Booking", 1.01)
    progress.clear()
    return stream.getvalue()


def test_tell_moves_a_bar_on_a_terminal():
    *_, half, full, empty = told(Terminal()).split("\r\x1b[2K")

    assert half == "█" * 15 + "░" * 15 + "  50%  Reading"
    assert full == "█" * 30 + " 100%  Booking"
    assert empty == ""


def test_tell_writes_a_line_for_each_step_elsewhere():
    assert told(StringIO()) == "Reading …\nBooking …\n"
