"""Today's queue: as many items as one person manages, by deadline, each with its reason and next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from django.utils import timezone

from apps.alerts.models import Alert
from apps.alerts.rules import FIRST_SESSION, RESCHEDULES
from tutorscore.accounts.models import User
from tutorscore.front.formats import clock, in_hundred, mid, percent, relative_day, span

CAPACITY = 8  # items; at about five minutes each they fit into the first hour of a morning
SOON = timedelta(hours=2)
CLOCK_IS_ENOUGH = timedelta(hours=18)

OVERDUE, NOON, AFTERNOON, LATER, ANY_TIME, TOMORROW, SOME_DAY = (
    "Overdue",
    "Before 12:00",
    "Before 17:00",
    "Later today",
    "Any time today",
    "Tomorrow",
    "This week and later",
)
ORDER = (OVERDUE, NOON, AFTERNOON, LATER, ANY_TIME, TOMORROW, SOME_DAY)
HOURS = ((12, NOON), (17, AFTERNOON), (24, LATER))


@dataclass(frozen=True)
class Item:
    """``due`` and ``left`` say by when; ``odds`` is the figure that opened the alert."""

    alert: Alert
    odds: str
    due: str
    left: str
    is_soon: bool


class Deadline(NamedTuple):
    words: str
    items: list[Item]


@dataclass(frozen=True)
class Queue:
    """What one reader has today. ``parked`` comes back when there is room or its time is up."""

    deadlines: list[Deadline]
    items: list[Item]
    parked: list[Alert]
    colleagues: int

    @property
    def before_noon(self) -> int:
        return self._count(NOON)

    @property
    def overdue(self) -> int:
        return self._count(OVERDUE)

    def _count(self, words: str) -> int:
        return sum(len(found.items) for found in self.deadlines if found.words == words)


def todays_queue(alerts: Iterable[Alert], snoozed: Sequence[Alert], reader: User, now: datetime) -> Queue:
    """Deadlines that pass come before matters that wait; what a colleague took is left to the colleague."""
    mine, colleagues = [], 0
    for alert in alerts:
        if alert.state == Alert.State.ACKNOWLEDGED and alert.owner_id not in (None, reader.pk):
            colleagues += 1
        else:
            mine.append(alert)
    mine.sort(key=lambda alert: ORDER.index(_deadline(alert, now)))  # stable: by deadline and urgency within a group
    items = [item_of(alert, now) for alert in mine[:CAPACITY]]
    groups = groupby(items, key=lambda item: _deadline(item.alert, now))
    return Queue(
        deadlines=[Deadline(words, list(found)) for words, found in groups],
        items=items,
        parked=[*mine[CAPACITY:], *snoozed],
        colleagues=colleagues,
    )


def item_of(alert: Alert, now: datetime) -> Item:
    if alert.due_at is None:
        return Item(alert, _odds(alert), "", "any time", is_soon=False)
    left = alert.due_at - now
    if _deadline(alert, now) == ANY_TIME:
        return Item(alert, _odds(alert), "", f"since {mid(relative_day(alert.due_at, now))}", is_soon=False)
    due = clock(alert.due_at) if left < CLOCK_IS_ENOUGH else mid(relative_day(alert.due_at, now))
    words = f"{span(left)} left" if left > timedelta(0) else f"{span(-left)} late"
    return Item(alert, _odds(alert), f"by {due}", words, is_soon=left < SOON)


def _deadline(alert: Alert, now: datetime) -> str:
    """Only what a session ends can be too late; everything else that is late is still worth doing, any time."""
    if alert.due_at is None:
        return ANY_TIME
    if alert.due_at <= now:
        return OVERDUE if alert.session_id else ANY_TIME
    due, today = timezone.localtime(alert.due_at), timezone.localtime(now)
    if due.date() == today.date():
        return next(words for before, words in HOURS if due.hour < before)
    return TOMORROW if due.date() == today.date() + timedelta(days=1) else SOME_DAY


def _odds(alert: Alert) -> str:
    evidence = alert.evidence
    if alert.rule == FIRST_SESSION.name and "probability" in evidence:
        return f"{in_hundred(evidence['probability'])} in 100"
    if alert.rule == RESCHEDULES.name and evidence.get("n"):
        return percent(evidence["moved"] / evidence["n"], 0)
    return ""
