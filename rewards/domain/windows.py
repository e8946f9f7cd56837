"""Weekdays and hours of a store's clock: no database, no clock."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rewards.domain.breakdowns import WindowNote


@dataclass(frozen=True, slots=True)
class Window:
    """`weekdays` (ISO numbers, empty: all) from `start` until before `end` (both or none), which may pass midnight: the
    night belongs to the day on which it began."""

    weekdays: frozenset[int] = frozenset()
    start: time | None = None
    end: time | None = None

    def covers(self, local_at: datetime) -> bool:
        clock = local_at.time()
        if self.start is not None and self.end is not None:
            if self.start < self.end:
                if not self.start <= clock < self.end:
                    return False
            elif self.end <= clock < self.start:
                return False
        return not self.weekdays or self.day_of(local_at).isoweekday() in self.weekdays

    def day_of(self, local_at: datetime) -> date:
        """The day that a time on the store's clock belongs to."""
        is_night = self.start is not None and self.end is not None and self.start > self.end
        if is_night and self.end is not None and local_at.time() < self.end:
            return local_at.date() - timedelta(days=1)
        return local_at.date()

    def note(self) -> WindowNote:
        note: WindowNote = {"weekdays": sorted(self.weekdays)}
        if self.start is not None and self.end is not None:
            note["start"], note["end"] = f"{self.start:%H:%M}", f"{self.end:%H:%M}"
        return note
