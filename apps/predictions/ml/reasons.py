"""Reasons in words: one sentence per group, with the counts behind it. Odds and facts, never verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Row = Mapping[str, float]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def sentence(group: str, row: Row) -> str:
    """What the group's features say about this row, "" where they say nothing countable."""
    return _SENTENCES[group](row) if group in _SENTENCES else ""


def _moves(row: Row) -> str:
    if not row["tutor_sessions_90d"]:
        return "No sessions with this tutor in the last 90 days to go by"
    moves, sessions = int(row["tutor_moves_90d"]), int(row["tutor_sessions_90d"])
    week = int(row["tutor_moves_7d"])
    recent = f", {week} of them in the last 7 days" if week else ""
    return f"{moves} of {_count(sessions, 'session')} in 90 days moved by the tutor{recent}"


def _no_shows(row: Row) -> str:
    return f"{_count(row['tutor_no_shows_90d'], 'session')} missed by the tutor in 90 days"


def _ratings(row: Row) -> str:
    if not row["tutor_ratings"]:
        return "No rating by a student yet"
    return f"Mean rating {row['tutor_rating']:.1f} of 5 on {_count(row['tutor_ratings'], 'rating')}"


def _first_sessions(row: Row) -> str:
    if not row["tutor_first_sessions"]:
        return "No rated first session yet"
    poor, rated = int(row["tutor_first_poor"]), row["tutor_first_sessions"]
    return f"{poor} of {_count(rated, 'first session')} so far rated below 3"


def _punctuality(row: Row) -> str:
    if not _known(row["tutor_late_rate"]):
        return ""
    return f"{row['tutor_late_rate']:.0%} of starts in 90 days over 5 minutes late"


def _engagement(row: Row) -> str:
    if not _known(row["tutor_engagement"]):
        return ""
    return f"Engagement {row['tutor_engagement']:.0f} of 100 in 90 days"


def _experience(row: Row) -> str:
    sessions = f"{_count(row['tutor_sessions'], 'session')} with us so far"
    if not _known(row["tutor_tenure"]):
        return sessions
    return f"{sessions}, joined {_count(row['tutor_tenure'], 'day')} ago"


def _subject(row: Row) -> str:
    rated = int(row["tutor_subject_ratings"])
    said = f"{_count(rated, 'rated session')} in this subject" if rated else "No rated session in this subject yet"
    return f"{said}, not certified in it" if row["tutor_certified"] == 0 else said


def _load(row: Row) -> str:
    day, week = _count(row["day_load"], "other session"), int(row["week_load"])
    pause = ", no break before it" if row["back_to_back"] else ""
    return f"{day} that day, {week} that week{pause}"


def _timing(row: Row) -> str:
    minutes = round(row["hour"] * 60)
    return f"{_DAYS[int(row['weekday'])]} {minutes // 60:02d}:{minutes % 60:02d}, tutor's time"


def _booking(row: Row) -> str:
    stands_in = ", in place of a moved session" if row["replacement"] else ""
    if not _known(row["lead_hours"]):
        return f"Booking time not known{stands_in}"
    return f"Booked {_span(row['lead_hours'])} ahead{stands_in}"


def _match(row: Row) -> str:
    if row["style_fits"] == 0:
        return "The student asked for another teaching style"
    if _known(row["pace_gap"]) and row["pace_gap"] >= 2:
        return f"Pace asked for and tutor's pace differ by {row['pace_gap']:.0f} of 4 points"
    if _known(row["zone_gap"]) and row["zone_gap"] >= 3:
        return f"{_count(row['zone_gap'], 'hour')} between the two time zones"
    return "Preferences of student and tutor side by side"


def _pair(row: Row) -> str:
    moves = int(row["pair_moves"])
    if moves:
        return f"The tutor moved {_count(moves, 'session')} of this pair before"
    if _known(row["pair_rating"]):
        return f"Mean rating {row['pair_rating']:.1f} of 5 by this student"
    return "No move between the two so far"


def _student_attendance(row: Row) -> str:
    if not row["student_sessions"]:
        return "First session of this student with us"
    recent = int(row["student_no_shows_30d"])
    if recent:
        return f"The student missed {_count(recent, 'session')} in 30 days"
    if _known(row["student_days_since_no_show"]):
        return f"The student last missed a session {_count(row['student_days_since_no_show'], 'day')} ago"
    return f"The student missed none of {_count(row['student_sessions'], 'session')}"


def _student_needs(row: Row) -> str:
    if not _known(row["student_age"]):
        return "What the student told us about the help wanted"
    before = ", new to tutoring" if row["student_tutoring_before"] == 0 else ""
    return f"Student aged {row['student_age']:.0f}{before}"


_SENTENCES: dict[str, Callable[[Row], str]] = {
    "moves": _moves, "no_shows": _no_shows, "ratings": _ratings, "first_sessions": _first_sessions,
    "punctuality": _punctuality, "engagement": _engagement, "experience": _experience, "subject": _subject,
    "load": _load, "timing": _timing, "booking": _booking, "match": _match, "pair": _pair,
    "student_attendance": _student_attendance, "student_needs": _student_needs,
}  # fmt: skip


def _known(value: float) -> bool:
    return value == value


def _count(number: float, noun: str) -> str:
    whole = int(number)
    return f"{whole} {noun}" if whole == 1 else f"{whole} {noun}s"


def _span(hours: float) -> str:
    return _count(hours, "hour") if hours < 72 else _count(hours / 24, "day")
