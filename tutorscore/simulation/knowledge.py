"""When each row of a world becomes known: the one list behind the export and the live feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from tutorscore.simulation.clock import Array
from tutorscore.simulation.resolution import NONE
from tutorscore.simulation.rows import (
    Text,
    event_rows,
    feedback_rows,
    reschedule_rows,
    session_rows,
    student_rows,
    tutor_rows,
)
from tutorscore.simulation.world import World

KINDS: Final = ("tutors", "students", "sessions", "reschedules", "feedback", "tutor_events")
BEFORE_EVERYTHING: Final = -(2**62)


@dataclass(frozen=True, slots=True)
class Versions:
    """States of rows: ``row`` in its table, ``later`` (second state or second author), known from ``known_at``."""

    row: Array
    later: Array
    known_at: Array

    def between(self, start: int, end: int) -> Versions:
        """Those known in (start, end], in order."""
        chosen = np.flatnonzero((self.known_at > start) & (self.known_at <= end))
        chosen = chosen[np.lexsort((self.row[chosen], self.later[chosen], self.known_at[chosen]))]
        return Versions(self.row[chosen], self.later[chosen], self.known_at[chosen])

    def part(self, start: int, stop: int) -> Versions:
        return Versions(self.row[start:stop], self.later[start:stop], self.known_at[start:stop])

    def newest(self) -> Versions:
        """Only the last state of each row, in order of when it became known."""
        order = np.lexsort((self.later, self.known_at, self.row))
        last = np.append(np.diff(self.row[order]) != 0, True) if len(order) else np.zeros(0, dtype=bool)
        chosen = np.sort(order[last])
        return Versions(self.row[chosen], self.later[chosen], self.known_at[chosen])


def versions(world: World, kind: str, mailed: Array) -> Versions:
    """Every state of the rows of ``kind`` in the world where the sessions flagged in ``mailed`` were mailed in time."""
    sessions, setting = world.sessions, world.setting
    real = (sessions["root"] == NONE) | mailed[np.maximum(sessions["root"], 0)]
    if kind == "tutors":
        gone = setting.tutors["departed_at"] < setting.calendar.end
        return _versions(setting.tutors["onboarded_at"], setting.tutors["departed_at"], None, gone)
    if kind == "students":
        return _versions(setting.students["joined_at"])
    if kind == "sessions":
        return _versions(sessions["booked_at"], sessions["outcome_known_at"], real, real)
    if kind == "reschedules":
        return _versions(sessions["requested_at"], None, real & (sessions["requested_at"] != NONE))
    if kind == "feedback":
        answered = np.where(mailed, sessions["answered_mailed"], sessions["answered"])
        by_tutor = sessions["tutor_rating"] > 0
        return _versions(
            sessions["feedback_known_at"], sessions["tutor_submitted_at"], real & answered, real & by_tutor
        )
    return _versions(world.events["known_at"])


def render(world: World, kind: str, states: Versions, mailed: Array) -> Text:
    """The rows of ``states`` as text columns."""
    writers: dict[str, Callable[[], Text]] = {
        "tutors": lambda: tutor_rows(world, states.row, states.later),
        "students": lambda: student_rows(world, states.row),
        "sessions": lambda: session_rows(world, states.row, states.later, mailed[states.row]),
        "reschedules": lambda: reschedule_rows(world, states.row),
        "feedback": lambda: feedback_rows(world, states.row, states.later, mailed[states.row]),
        "tutor_events": lambda: event_rows(world, states.row),
    }
    return writers[kind]()


def as_dicts(columns: Text) -> Iterator[dict[str, str]]:
    names = list(columns)
    for values in zip(*(column.tolist() for column in columns.values()), strict=True):
        yield dict(zip(names, values, strict=True))


def _versions(
    first_at: Array, later_at: Array | None = None, has_first: Array | None = None, has_later: Array | None = None
) -> Versions:
    rows = np.arange(len(first_at))
    first = rows if has_first is None else rows[has_first]
    if later_at is None:
        return Versions(first, np.zeros(len(first), dtype=bool), first_at[first])
    later = rows if has_later is None else rows[has_later]
    return Versions(
        np.concatenate([first, later]),
        np.repeat([False, True], [len(first), len(later)]),
        np.concatenate([first_at[first], later_at[later]]),
    )
