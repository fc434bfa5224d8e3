"""Frames arranged for as-of questions: bookings while they are open, and how sessions were resolved.

Everything here is keyed by its own row alone, never by a row that became known later, and ordered by id, so that
neither later facts nor the order or the number of rows loaded can change an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Ints, Mask, Timeline
from apps.predictions.ml.frames import DAY, HOUR, NEVER, Frames, Initiator, Status
from apps.predictions.ml.localtime import wall_clock
from apps.predictions.ml.profiles import Profiles

Kept = TypeVar("Kept")

_LARGEST_ID = 2**31


class Kind(IntEnum):
    """How an appointment was resolved."""

    HELD = 1
    MOVED_BY_TUTOR = 2
    MOVED_BY_OTHER = 3
    MOVED_BY_UNKNOWN = 4
    NO_SHOW_TUTOR = 5
    NO_SHOW_STUDENT = 6


@dataclass(frozen=True)
class Facts:
    """Things that happened in sessions, one row per known form.

    ``row`` points into ``History.sessions``; ``happened`` is when it took place, ``[known_from, known_to)`` when the
    system held it to be so. ``values`` are further columns of the same length.
    """

    row: Ints
    happened: Ints
    known_from: Ints
    known_to: Ints
    kind: Ints
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def enter(self) -> Ints:
        """When the fact may first be used: it has happened and is known."""
        return np.maximum(self.happened, self.known_from)

    def where(self, mask: Mask) -> Facts:
        """The facts at ``mask``."""
        return Facts(
            self.row[mask],
            self.happened[mask],
            self.known_from[mask],
            self.known_to[mask],
            self.kind[mask],
            {name: column[mask] for name, column in self.values.items()},
        )

    def timeline(self, group: Ints, days: float | None = None) -> Timeline:
        """Facts by ``group`` (one id per fact), within ``days`` of having happened, or for ever."""
        leave = self.known_to if days is None else np.minimum(self.known_to, self.happened + int(days * DAY))
        return Timeline(group, self.enter, leave)


class History:
    """All facts of ``frames`` as numpy columns; build once, ask often."""

    @staticmethod
    def of_frames(frames: Frames) -> History:
        """The history of ``frames``, kept with them: several targets ask the same facts."""
        kept = vars(frames)
        if "history" not in kept:
            kept["history"] = History(frames)
        history: History = kept["history"]
        return history

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self._kept: dict[Hashable, Any] = {}
        table = frames.sessions.sort_values("session_id", kind="stable")
        self.sessions: dict[str, Ints] = {str(name): table[name].to_numpy(dtype=np.int64) for name in table.columns}
        self.sessions["pair_id"] = pair_id(self.sessions["tutor_id"], self.sessions["student_id"])
        self.sessions["tutor_subject_id"] = pair_id(self.sessions["tutor_id"], self.sessions["subject_id"])

    def keep(self, name: Hashable, make: Callable[[], Kept]) -> Kept:
        """What ``make`` answers, made once per history."""
        if name not in self._kept:
            self._kept[name] = make()
        kept: Kept = self._kept[name]
        return kept

    def about(self, facts: Facts, name: Hashable, make: Callable[[], Kept]) -> Kept:
        """What ``make`` answers about ``facts``, made once; for facts that live as long as the history."""
        # The facts are kept beside the answer, so that their id belongs to no others.
        return self.keep((name, id(facts)), lambda: (facts, make()))[1]

    def line(self, facts: Facts, by: str, days: float | None = None) -> Timeline:
        """``facts`` by session column ``by``, within ``days`` of having happened or for ever; made once."""
        return self.about(facts, ("line", by, days), lambda: facts.timeline(self.of(by, facts), days))

    def rows_of(self, session_id: Ints) -> Ints:
        """Row of each session, -1 for a session that is not here (hypothetical ones have id 0)."""
        ids = self.sessions["session_id"]
        if not len(ids):
            return np.full(len(session_id), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(ids, session_id), len(ids) - 1)
        return np.where(ids[place] == session_id, place, -1)

    def of(self, name: str, facts: Facts) -> Ints:
        """Session column ``name`` for each fact, for example its tutor."""
        return self.sessions[name][facts.row]

    @cached_property
    def outcomes(self) -> Facts:
        """Known ends of sessions. They happen at the planned end; an end without meeting happens when it is known."""
        table = self._facts_of(self.frames.outcomes)
        row, known_from = table["row"].to_numpy(), table["known_from"].to_numpy()
        status = table["status"].to_numpy(dtype=np.int64)
        met = (status != Status.RESCHEDULED) & (status != Status.CANCELLED)
        start, end = self.sessions["start"][row], self.sessions["end"][row]
        kind = np.full(len(table), int(Kind.MOVED_BY_UNKNOWN), dtype=np.int64)
        kind[status == Status.COMPLETED] = Kind.HELD
        kind[status == Status.NO_SHOW_TUTOR] = Kind.NO_SHOW_TUTOR
        kind[status == Status.NO_SHOW_STUDENT] = Kind.NO_SHOW_STUDENT
        happened = np.where(met, end, np.minimum(known_from, start))
        names = ("late_seconds", "early_end_seconds", "objectives_met", "engagement")
        values = {name: table[name].to_numpy(dtype=np.float64) for name in names}
        return Facts(row, happened, known_from, table["known_to"].to_numpy(), kind, values)

    @cached_property
    def moves(self) -> Facts:
        """Moves and cancellations at the moment of their request.

        ``values``: ``notice_hours`` before the start, and ``away``, 0 where the move led to the start the session now
        has (partners who keep one id through a move report it so) and therefore did not end it.
        """
        table = self._facts_of(self.frames.moves)
        row, requested = table["row"].to_numpy(), table["requested_at"].to_numpy()
        start = self.sessions["start"][row]
        kind = np.full(len(table), int(Kind.MOVED_BY_OTHER), dtype=np.int64)
        kind[table["initiator"].to_numpy() == Initiator.TUTOR] = Kind.MOVED_BY_TUTOR
        kind[table["initiator"].to_numpy() == Initiator.UNKNOWN] = Kind.MOVED_BY_UNKNOWN
        values = {
            "notice_hours": (start - requested) / HOUR,
            "away": (table["new_start"].to_numpy() != start).astype(np.float64),
        }
        known_to = table["known_to"].to_numpy()
        return Facts(row, requested, table["known_from"].to_numpy(), known_to, kind, values)

    @cached_property
    def ratings(self) -> Facts:
        """Ratings at the moment they were given. ``values``: ``rating``; kind is always ``HELD``."""
        table = self._facts_of(self.frames.ratings)
        row = table["row"].to_numpy()
        kind = np.full(len(table), int(Kind.HELD), dtype=np.int64)
        happened, known_from, known_to = (table[name].to_numpy() for name in ("submitted_at", "known_from", "known_to"))
        return Facts(row, happened, known_from, known_to, kind, {"rating": table["rating"].to_numpy(dtype=np.float64)})

    @cached_property
    def local_start(self) -> Ints:
        """Start of each session on its tutor's wall clock, in the zone known when the session was booked."""
        profiles = Profiles(self.frames.tutors, "tutor_id")
        zones = profiles.at(self.sessions["tutor_id"], self.sessions["known_at"]).texts("timezone")
        return wall_clock(self.sessions["start"], zones)

    def earlier_of(self, facts: Facts) -> Ints:
        """For each fact, sessions its pair was known to have held when the fact's session started."""
        return self._earlier[facts.row]

    @cached_property
    def _earlier(self) -> Ints:
        return self.line(self.held, "pair_id").count(self.sessions["pair_id"], self.sessions["start"])

    @cached_property
    def held(self) -> Facts:
        """Those of ``outcomes`` that are meetings."""
        return self.outcomes.where(self.outcomes.kind == Kind.HELD)

    @cached_property
    def open_bookings(self) -> Facts:
        """When each booking was open: known and not known to be resolved. ``happened`` equals ``known_from``."""
        row, gone_from, gone_to = _union(self._endings())
        known_at = self.sessions["known_at"]
        every = np.arange(len(known_at), dtype=np.int64)
        rows = np.concatenate([every, row])
        begin = np.concatenate([known_at, np.maximum(gone_to, known_at[row])])
        order = np.lexsort((begin, rows))
        rows, begin = rows[order], begin[order]
        closing = np.full(len(rows), NEVER, dtype=np.int64)
        gone_order = np.lexsort((gone_from, row))
        not_last = np.append(rows[1:] == rows[:-1], False) if len(rows) else np.zeros(0, dtype=bool)
        closing[not_last] = gone_from[gone_order]
        kept = begin < closing
        kind = np.zeros(int(kept.sum()), dtype=np.int64)
        return Facts(rows[kept], begin[kept], begin[kept], closing[kept], kind, {})

    def _endings(self) -> tuple[Ints, Ints, Ints]:
        """Row and known interval of everything that closes a booking."""
        ends, moves = self.outcomes, self.moves.where(self.moves.values["away"] > 0)
        return (
            np.concatenate([ends.row, moves.row]),
            np.concatenate([ends.known_from, moves.known_from]),
            np.concatenate([ends.known_to, moves.known_to]),
        )

    def _facts_of(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of ``table`` whose session is here, in one fixed order, with the column ``row``."""
        row = self.rows_of(table["session_id"].to_numpy(dtype=np.int64))
        table = table.assign(row=row)[row >= 0]
        return table.sort_values(["row", "known_from", "known_to"], kind="stable")


def pair_id(tutor_id: Ints, student_id: Ints) -> Ints:
    """One id for a tutor and a student, or a tutor and a subject, together."""
    for ids in (tutor_id, student_id):
        if len(ids) and (ids.min() < 0 or ids.max() >= _LARGEST_ID):
            raise ValueError("ids of tutors, students and subjects must lie in 0 … 2**31 - 1 to form pairs")
    return tutor_id * _LARGEST_ID + student_id


def _union(spans: tuple[Ints, Ints, Ints]) -> tuple[Ints, Ints, Ints]:
    """Disjoint spans that cover the same time as ``spans`` (row, from, to), row by row."""
    row, begin, end = (column[spans[1] < spans[2]] for column in spans)
    order = np.lexsort((begin, row))
    row, begin, end = row[order], begin[order], end[order]
    if not len(row):
        return row, begin, end
    reach = pd.Series(end).groupby(row, sort=False).cummax().to_numpy(dtype=np.int64)
    fresh = np.append(True, (row[1:] != row[:-1]) | (begin[1:] > reach[:-1]))
    last = np.append(np.flatnonzero(fresh)[1:] - 1, len(row) - 1)
    return row[fresh], begin[fresh], reach[last]
