"""The calendar entry of a session, as an attachment."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.mime.text import MIMEText

from icalendar import Calendar, Event

from apps.alerts.daytime import zone


def calendar_part(
    *, uid: str, title: str, description: str, start: datetime, minutes: int, timezone: str, now: datetime
) -> MIMEText:
    """An .ics attachment that offers one event on the tutor's clock; it asks for no answer (PUBLISH)."""
    begins = start.astimezone(zone(timezone))
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", now)
    event.add("dtstart", begins)
    event.add("dtend", (start + timedelta(minutes=minutes)).astimezone(begins.tzinfo))
    event.add("summary", title)
    event.add("description", description)
    event.add("status", "CONFIRMED")
    entry = Calendar()
    entry.add("prodid", "-//TutorScore//Preparation//EN")
    entry.add("version", "2.0")
    entry.add("method", "PUBLISH")
    entry.add_component(event)
    entry.add_missing_timezones()
    part = MIMEText(entry.to_ical().decode(), "calendar", "utf-8")
    part.set_param("method", "PUBLISH")
    part.add_header("Content-Disposition", "attachment", filename="first-session.ics")
    return part
