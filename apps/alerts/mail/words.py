"""Dates, places and names as a mail says them. All texts are plain; templates escape them."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.alerts.daytime import zone

NUMBERS = ("no", "one", "two", "three", "four", "five")
LONGEST_NAME = 40


def one_line(text: str, longest: int) -> str:
    """``text`` without line breaks and control characters, cut with an ellipsis; safe in a header."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return clean if len(clean) <= longest else clean[: longest - 1].rstrip() + "…"


def first_name(name: str) -> str:
    """The first word of a name; empty where no name is known."""
    return one_line(name, LONGEST_NAME).partition(" ")[0]


def day_of(moment: datetime) -> str:
    """``Tuesday 24 November``."""
    return f"{moment:%A} {moment.day} {moment:%B}"


def city(timezone: str) -> str:
    """``Europe/Warsaw`` is Warsaw; ``UTC`` stays UTC."""
    return timezone.rpartition("/")[2].replace("_", " ")


def relative_day(moment: datetime, now: datetime) -> str:
    """``today``, ``tomorrow, Wednesday,`` or ``on Wednesday``; both moments on the same wall clock."""
    days = (moment.date() - now.date()).days
    if days == 0:
        return "today"
    return f"tomorrow, {moment:%A}," if days == 1 else f"on {moment:%A}"


def part_of_day(moment: datetime, now: datetime) -> str:
    """``this evening``, ``tomorrow morning``, ``on Friday afternoon``; both moments on the same wall clock."""
    part = "morning" if moment.hour < 12 else "afternoon" if moment.hour < 17 else "evening"
    days = (moment.date() - now.date()).days
    return f"{('this', 'tomorrow')[days]} {part}" if days in (0, 1) else f"on {moment:%A} {part}"


def span(start: datetime, minutes: int) -> str:
    """``Tuesday 24 November, 19:00 to 20:00`` on the clock of ``start``, by minutes that really pass."""
    utc_end = start.astimezone(zone("UTC")) + timedelta(minutes=minutes)
    return f"{day_of(start)}, {start:%H:%M} to {utc_end.astimezone(start.tzinfo):%H:%M}"


def both_times(start: datetime, own: str, other: str, other_name: str) -> str:
    """``Your time, Warsaw. For Emre it is 18:00, London.``; one half only when both clocks agree."""
    mine, theirs = start.astimezone(zone(own)), start.astimezone(zone(other))
    if mine.utcoffset() == theirs.utcoffset():
        return f"Your time, {city(own)}."
    day = "" if mine.date() == theirs.date() else f" on {theirs:%A}"
    return f"Your time, {city(own)}. For {other_name} it is {theirs:%H:%M}{day}, {city(other)}."
