"""What happened around a tutor, newest first: alerts, mails, missed and moved sessions, steps of the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import NamedTuple

from django.utils import timezone

from apps.alerts.models import Alert, Delivery
from apps.predictions.models import ScoreChange
from apps.sessions.models import Status, TutoringSession
from tutorscore.front.formats import signed

BIG_STEP = 3.0  # points of score: smaller steps are left to the chart

_MISSED = {Status.NO_SHOW_TUTOR: "Tutor did not turn up", Status.NO_SHOW_STUDENT: "Student did not turn up"}


class Event(NamedTuple):
    at: datetime
    words: str
    below: str = ""


class Day(NamedTuple):
    on: datetime
    events: list[Event]


def timeline(
    alerts: Iterable[Alert],
    mails: Iterable[Delivery],
    sessions: Iterable[TutoringSession],
    changes: Sequence[ScoreChange],
    length: int = 14,
) -> list[Day]:
    """The latest ``length`` events by day of the reader's zone."""
    events = [*_alerts(alerts), *_mails(mails), *_missed(sessions), *_steps(changes)]
    latest = sorted(events, key=lambda event: event.at, reverse=True)[:length]
    days = groupby(latest, key=lambda event: timezone.localtime(event.at).date())
    return [Day(found[0].at, found) for _, group in days if (found := list(group))]


def _alerts(alerts: Iterable[Alert]) -> list[Event]:
    events = []
    for alert in alerts:
        events.append(Event(alert.opened_at, f"Alert opened: {alert.title}", alert.reason))
        if alert.resolved_at:
            events.append(Event(alert.resolved_at, "Alert resolved", alert.resolution))
    return events


def _mails(mails: Iterable[Delivery]) -> list[Event]:
    return [
        Event(mail.sent_at, f"{mail.get_kind_display()} sent", f"First session with {mail.session.student}")
        for mail in mails
        if mail.sent_at and mail.session
    ]


def _missed(sessions: Iterable[TutoringSession]) -> list[Event]:
    return [
        Event(session.scheduled_start, f"{_MISSED[Status(session.status)]}, {session.student}")
        for session in sessions
        if session.status in _MISSED
    ]


def _steps(changes: Sequence[ScoreChange]) -> list[Event]:
    events = []
    for before, after in pairwise(changes):
        if before.score is None or after.score is None:
            continue
        ours = after.cause != ScoreChange.Cause.FACTS
        if ours or abs(after.score - before.score) >= BIG_STEP:
            step = signed(after.score - before.score)
            words = (
                str(ScoreChange.Cause(after.cause).label) if ours else f"Score {before.score:.0f} to {after.score:.0f}"
            )
            events.append(Event(after.as_of, words, f"Everyone was scored anew; this score {step}" if ours else ""))
    return events
