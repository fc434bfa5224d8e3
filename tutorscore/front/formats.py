"""Numbers and times as people read them; every page formats here, none on its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils import timezone

MINUS = "−"
NARROW_SPACE = "\u202f"
NONE = "–"


def percent(share: float | None, digits: int = 1) -> str:
    """``0.133`` is ``13.3 %``; an unknown share is a dash."""
    return NONE if share is None else f"{100 * share:.{digits}f}{NARROW_SPACE}%"


def in_hundred(probability: float | None) -> str:
    """How many of a hundred: ``0.74`` is ``74``. What rounds to none or all says so instead of promising it."""
    if probability is None:
        return NONE
    rounded = round(100 * probability)
    if rounded == 0 and probability > 0:
        return "<1"
    if rounded == 100 and probability < 1:
        return ">99"
    return str(rounded)


def signed(value: float | None, digits: int = 0) -> str:
    """``-4.2`` is ``−4`` with a true minus, ``4.2`` is ``+4``; what rounds to nothing is a plain 0."""
    if value is None:
        return NONE
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+") + text


def number(value: float | None, digits: int = 1) -> str:
    if value is None:
        return NONE
    return f"{value:,.{digits}f}".replace("-", MINUS)


def count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def clock(moment: datetime | None) -> str:
    return NONE if moment is None else f"{timezone.localtime(moment):%H:%M}"


def day(moment: datetime | date | None) -> str:
    """``17 Nov``, with the year when it is not the present one."""
    if moment is None:
        return NONE
    on = timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
    this_year = timezone.localdate().year
    return f"{on.day} {on:%b}" if on.year == this_year else f"{on.day} {on:%b %Y}"


def long_day(moment: datetime) -> str:
    """``Tuesday 24 November``."""
    on = timezone.localtime(moment)
    return f"{on:%A} {on.day} {on:%B}"


def relative_day(moment: datetime | None, now: datetime) -> str:
    """``Today``, ``Tomorrow``, ``Yesterday``, within a week ``Wed 25``, else ``17 Nov``."""
    if moment is None:
        return NONE
    on, today = timezone.localtime(moment), timezone.localtime(now)
    days = (on.date() - today.date()).days
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}
    if days in near:
        return near[days]
    return f"{on:%a} {on.day}" if abs(days) < 7 else day(on)


def stamp(moment: datetime | None, now: datetime) -> str:
    """``Today 14:00``, ``Wed 25 16:00``, ``17 Nov 09:05``."""
    return NONE if moment is None else f"{relative_day(moment, now)} {clock(moment)}"


def mid(words: str) -> str:
    """A day in the middle of a sentence: ``today 14:00``; names of days and months keep their capital."""
    for word in ("Today", "Tomorrow", "Yesterday"):
        if words.startswith(word):
            return words.replace(word, word.lower(), 1)
    return words


def span(length: timedelta) -> str:
    """A length of time, rounded down, in its two largest units: ``1 h 25``, ``35 min``, ``2 d 4 h``."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes:02d}"
    return f"{minutes} min"


def span_of_minutes(minutes: float) -> str:
    return span(timedelta(minutes=minutes))
