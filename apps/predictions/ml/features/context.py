"""The session itself: when it is, how it was booked, and what else the tutor has that day and week."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.features.asked import Asked, ratio
from apps.predictions.ml.features.registry import Feature
from apps.predictions.ml.frames import DAY, HOUR, MINUTE, NEVER
from apps.predictions.ml.localtime import hour_of_day, offset, weekday

QUARTER = 15 * MINUTE
_ROOM = 2**31

_BOOKED = "bookings open at the time"
_CLOCK = "planned start, tutor's time zone"

FEATURES = (
    Feature("hours_until", "hours until the start", "hours", "planned start", "base", "further ahead",
            signs={"reschedule": 1}),
    Feature("lead_hours", "booked ahead of the start", "hours", "bookings", "booking", "booked earlier"),
    Feature("hours_since_booking", "hours since it was booked", "hours", "bookings", "booking", "booked longer ago"),
    Feature("lead_unknown", "booking time not known", "yes/no", "bookings", "base", "not known", "flag"),
    Feature("replacement", "stands in for a session that was moved", "yes/no", "bookings", "booking", "a replacement",
            "flag"),
    Feature("minutes", "planned length", "minutes", "bookings", "booking", "longer"),
    Feature("hour", "local hour of the start", "hours", _CLOCK, "timing", "later in the day"),
    Feature("hour_sin", "local hour on the circle, sine", "-1 to 1", _CLOCK, "timing"),
    Feature("hour_cos", "local hour on the circle, cosine", "-1 to 1", _CLOCK, "timing"),
    Feature("student_hour", "hour of the start where the student lives", "hours", "planned start", "timing",
            "later in the day"),
    Feature("weekday", "day of the week", "day", _CLOCK, "timing", kind="category"),
    Feature("weekday_sin", "day of the week on the circle, sine", "-1 to 1", _CLOCK, "timing"),
    Feature("weekday_cos", "day of the week on the circle, cosine", "-1 to 1", _CLOCK, "timing"),
    Feature("weekend", "Saturday or Sunday", "yes/no", _CLOCK, "timing", "at the weekend", "flag"),
    Feature("year_sin", "time of the year on the circle, sine", "-1 to 1", _CLOCK, "season"),
    Feature("year_cos", "time of the year on the circle, cosine", "-1 to 1", _CLOCK, "season"),
    Feature("zone_gap", "hours between the two time zones", "hours", "profiles", "match", "further apart"),
    Feature("subject", "subject", "subject", "bookings", "subject", kind="category"),
    Feature("day_load", "other sessions of the tutor that day", "sessions", _BOOKED, "load", "fuller day"),
    Feature("week_load", "other sessions of the tutor that week", "sessions", _BOOKED, "load", "fuller week"),
    Feature("week_load_share", "sessions of that week against the weekly capacity", "share", _BOOKED, "load",
            "fuller week"),
    Feature("back_to_back", "sessions of the tutor that end within the half hour before", "sessions", _BOOKED, "load",
            "no break before"),
    Feature("student_day_load", "other sessions of the student that day", "sessions", _BOOKED, "student_needs",
            "fuller day"),
)  # fmt: skip


def compute(asked: Asked) -> dict[str, Floats]:
    """The columns of ``FEATURES``."""
    return _booking(asked) | _timing(asked) | _load(asked)


def _booking(asked: Asked) -> dict[str, Floats]:
    known = asked.booked_at < NEVER
    lead = np.where(known, (asked.start - np.where(known, asked.booked_at, 0)) / HOUR, np.nan)
    replaces = np.append(asked.history.sessions["replaces_id"], 0)[asked.history.rows_of(asked.session)]
    return {
        "hours_until": asked.hours_until(),
        "lead_hours": lead,
        "hours_since_booking": lead - asked.hours_until(),
        "lead_unknown": (~known).astype(np.float64),
        "replacement": (replaces != 0).astype(np.float64),
        "minutes": (asked.end - asked.start) / MINUTE,
        "subject": asked.subject.astype(np.float64),
    }


def _timing(asked: Asked) -> dict[str, Floats]:
    local = asked.local_start
    hour, day = hour_of_day(local), weekday(local)
    turn, week = 2 * np.pi * hour / 24, 2 * np.pi * day / 7
    year = 2 * np.pi * ((local / DAY) % 365.2425) / 365.2425
    ahead = offset(asked.start, asked.student_profile.texts("timezone"))
    stated = asked.student_profile.texts("timezone") != ""
    return {
        "hour": hour,
        "hour_sin": np.sin(turn),
        "hour_cos": np.cos(turn),
        "student_hour": np.where(stated, hour_of_day(asked.start + ahead), np.nan),
        "weekday": day.astype(np.float64),
        "weekday_sin": np.sin(week),
        "weekday_cos": np.cos(week),
        "weekend": (day >= 5).astype(np.float64),
        "year_sin": np.sin(year),
        "year_cos": np.cos(year),
        "zone_gap": np.where(stated, np.abs(ahead - asked.tutor_ahead) / HOUR, np.nan),
    }


def _load(asked: Asked) -> dict[str, Floats]:
    history, local = asked.history, asked.local_start
    there = history.local_start
    own = _open("own", lambda: history.sessions["session_id"], asked.session, asked)
    tutor, student = history.sessions["tutor_id"], history.sessions["student_id"]
    day = _open("day", lambda: tutor * _ROOM + there // DAY, asked.tutor * _ROOM + local // DAY, asked) - own
    week = _open("week", lambda: tutor * _ROOM + _week(there), asked.tutor * _ROOM + _week(local), asked) - own
    theirs = _open("theirs", lambda: student * _ROOM + there // DAY, asked.student * _ROOM + local // DAY, asked) - own
    ends, starts = history.sessions["end"] // QUARTER, asked.tutor * _ROOM + asked.start // QUARTER
    before = sum(_open("end", lambda: tutor * _ROOM + ends, starts - back, asked) for back in (0, 1))
    capacity = asked.tutor_profile.numbers("weekly_capacity")
    return {
        "day_load": np.maximum(day, 0).astype(np.float64),
        "week_load": np.maximum(week, 0).astype(np.float64),
        "week_load_share": ratio(np.maximum(week, 0) + 1, np.nan_to_num(capacity)),
        "back_to_back": np.asarray(before, dtype=np.float64),
        "student_day_load": np.maximum(theirs, 0).astype(np.float64),
    }


def _open(name: str, group: Callable[[], Ints], wanted: Ints, asked: Asked) -> Ints:
    """Bookings in each question's ``wanted`` group that were open at its moment; ``group`` is one id per session."""
    spans = asked.history.open_bookings
    line = asked.history.about(spans, name, lambda: spans.timeline(group()[spans.row]))
    return line.count(wanted, asked.moment)


def _week(local: Ints) -> Ints:
    """Number of the week, Monday to Sunday."""
    return (local // DAY + 3) // 7
