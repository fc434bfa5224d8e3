"""Time in the simulated world: weeks, local hours across DST, ISO text. Moments are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tutorscore.simulation.vocabulary import ZONES

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
WEEK: Final = 7 * DAY
HISTORY_WEEKS: Final = 52  # a year behind now: every season once, and enough past for slow traits to show
FUTURE_WEEKS: Final = 9  # what waits beyond now, so that a demo lives on
LOOKAHEAD_WEEKS: Final = 14  # departures are known this far past the horizon, for p_leave_90d

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The span of a world and the UTC offsets of its zones, one per zone and day."""

    begin: int
    now: int
    end: int
    offsets: Array  # int64 [zone, day], seconds east of UTC
    first_day: int

    @classmethod
    def around(cls, now: int) -> Calendar:
        """Calendar of the world whose present is ``now``: 52 weeks back to midnight UTC, 9 weeks ahead."""
        begin = now // DAY * DAY - HISTORY_WEEKS * WEEK
        end = begin + (HISTORY_WEEKS + FUTURE_WEEKS) * WEEK
        first_day, last_day = begin // DAY - 60, end // DAY + 60
        noons = [datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(first_day, last_day)]
        offsets = [[_offset_seconds(ZoneInfo(zone), noon) for noon in noons] for zone, _, _ in ZONES]
        return cls(begin, now, end, np.array(offsets, dtype=np.int64), first_day)

    @property
    def weeks(self) -> int:
        return (self.end - self.begin) // WEEK

    def week_of(self, moments: Array) -> Array:
        return (moments - self.begin) // WEEK

    def local_day(self, zones: Array, moments: Array) -> Array:
        """Days since 1970-01-01 on the wall calendar of each zone."""
        return (moments + self._offset_at(zones, moments)) // DAY

    def local_hour(self, zones: Array, moments: Array) -> Array:
        """Hour of the day in [0, 24) on the wall clock of each zone."""
        return (moments + self._offset_at(zones, moments)) % DAY / HOUR

    def local_weekday(self, zones: Array, moments: Array) -> Array:
        """0 is Monday; 1970-01-01 was a Thursday."""
        return (self.local_day(zones, moments) + 3) % 7

    def moment(self, zones: Array, local_days: Array, local_minutes: Array) -> Array:
        """UTC moments of wall-clock times. Sessions lie in daytime, so the offset of the day's noon is theirs."""
        return local_days * DAY + local_minutes * MINUTE - self.offsets[zones, self._row(local_days)]

    def _offset_at(self, zones: Array, moments: Array) -> Array:
        return self.offsets[zones, self._row(moments // DAY)]

    def _row(self, days: Array) -> Array:
        return np.clip(days - self.first_day, 0, self.offsets.shape[1] - 1)


def iso_text(moments: Array) -> Array:
    """ISO 8601 with Z, as strings; negative moments (none) become empty."""
    text = np.char.add(np.datetime_as_string(moments.astype("datetime64[s]")), "Z")
    return np.where(moments < 0, "", text)


def epoch_seconds(moment: datetime) -> int:
    """Whole UTC seconds of an aware datetime; a naive one is refused, never guessed."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} carries no offset; give an aware datetime, for example with tzinfo=UTC")
    return int(moment.timestamp())


def _offset_seconds(zone: ZoneInfo, noon: datetime) -> int:
    offset = noon.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
