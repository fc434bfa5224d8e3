"""When a mail may be sent: in the recipient's daytime, and 2 to 24 hours before the session it is about."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY_BEGINS = time(8)
DAY_ENDS = time(20)
LONGEST_AHEAD = timedelta(hours=24)
SHORTEST_AHEAD = timedelta(hours=2)


def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; UTC for a name this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def is_daytime(moment: datetime, timezone: str) -> bool:
    """Whether the wall clock of that zone shows 08:00 or later and not yet 20:00."""
    return DAY_BEGINS <= moment.astimezone(zone(timezone)).time() < DAY_ENDS


def next_daytime(moment: datetime, timezone: str) -> datetime:
    """``moment`` itself in the daytime, else the next 08:00 on that zone's wall clock, changes of clocks included."""
    local = moment.astimezone(zone(timezone))
    if DAY_BEGINS <= local.time() < DAY_ENDS:
        return moment
    day = local.date() + timedelta(days=1 if local.time() >= DAY_ENDS else 0)
    return datetime.combine(day, DAY_BEGINS, tzinfo=local.tzinfo).astimezone(moment.tzinfo)


def sending_time(*, now: datetime, start: datetime, timezone: str) -> datetime | None:
    """The earliest moment for a preparation mail, or none when no daytime is left two hours before ``start``.

    No night mail is sent instead: quiet hours are a promise, and what arrives at 23:00 is read in the morning anyway.
    """
    earliest = next_daytime(max(now, start - LONGEST_AHEAD), timezone)
    return earliest if earliest <= start - SHORTEST_AHEAD else None
