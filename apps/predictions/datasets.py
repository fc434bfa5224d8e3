"""From rows to frames: the only bridge between the database and the plain-Python core.

Facts are read by binary COPY. What is known of a fact, and when, is decided here and in ``datasets_sql`` once:

- a session is known from ``first_known_at``;
- how it ended is known from ``recorded_at`` of the row in that state; a former end (a ``FactRevision``) counts from its
  own ``recorded_at`` until the moment it was superseded; moves and ratings likewise;
- a profile is the present one, known from its ``recorded_at`` (see ``datasets_profiles``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import numpy as np
import pandas as pd
from django.db import connection, transaction

from apps.predictions.datasets_profiles import student_profiles, tutor_profiles
from apps.predictions.datasets_sql import (
    EVENTS,
    EXPOSURES,
    MOVES,
    OUTCOMES,
    RATINGS,
    REPLACEMENTS,
    SESSIONS,
    Select,
    scope,
)
from apps.predictions.ml.frames import COLUMNS, NEVER, Frames
from apps.predictions.moments import to_microseconds
from apps.tutors.models import Tutor
from tutorscore.lib.binary_copy import copy_columns


def load_frames(
    *,
    partner_ids: Sequence[int],
    tutor_ids: Sequence[int] | None = None,
    student_ids: Sequence[int] = (),
    known_by: datetime | None = None,
) -> Frames:
    """Every fact about the tutors of some partners, or about ``tutor_ids`` among them.

    ``student_ids`` adds the sessions these students have with other tutors, and those tutors' profiles: a question
    about one of the students is then answered as if every tutor had been loaded.
    ``known_by`` leaves out every fact that became known later and undoes every later correction: facts are then what a
    load at that moment would have given. Rows are ordered by id, then by when they became known.
    """
    read = _Reader(partner_ids, tutor_ids, student_ids, known_by)
    with _one_snapshot():
        # Facts about sessions are read before the sessions, so that inside a caller's transaction (where the snapshot
        # is not ours to choose) no fact can name a session that the frames lack.
        outcomes = read.facts("outcomes", OUTCOMES)
        moves = read.facts("moves", MOVES)
        ratings = read.facts("ratings", RATINGS)
        sessions = read.sessions()
        taught = None if tutor_ids is None else np.unique(sessions["student_id"]).tolist()
        named = None if tutor_ids is None else np.union1d(sessions["tutor_id"], list(tutor_ids)).astype(int).tolist()
        return Frames(
            sessions=sessions,
            outcomes=outcomes,
            moves=moves,
            ratings=ratings,
            events=read.of_tutors("events", EVENTS, "known_from", ["tutor_id", "occurred_at", "kind"]),
            exposures=read.of_tutors("exposures", EXPOSURES, "reached_at", ["tutor_id", "reached_at", "session_id"]),
            tutors=tutor_profiles(partner_ids=partner_ids, tutor_ids=named),
            students=student_profiles(partner_ids=partner_ids, student_ids=taught),
        )


def tutor_chunks(partner_id: int, size: int = 500) -> Iterator[list[int]]:
    """Ids of a partner's tutors in lists of at most ``size``, so that memory is bounded and shards can be cut."""
    ids = list(Tutor.objects.filter(partner_id=partner_id).order_by("id").values_list("id", flat=True))
    for first in range(0, len(ids), size):
        yield ids[first : first + size]


class _Reader:
    """Selects of one scope, cut at one moment."""

    def __init__(
        self,
        partner_ids: Sequence[int],
        tutor_ids: Sequence[int] | None,
        student_ids: Sequence[int],
        known_by: datetime | None,
    ) -> None:
        if not partner_ids:
            raise ValueError("load_frames needs the partners whose facts to read; it was given none")
        self._scope = scope(by_tutor=tutor_ids is not None)
        self._parameters: dict[str, object] = {
            "partners": list(partner_ids),
            "tutors": list(tutor_ids or []),
            "students": list(student_ids),
        }
        self._limit = NEVER if known_by is None else np.int64(to_microseconds(known_by))

    def sessions(self) -> pd.DataFrame:
        table = self._select(SESSIONS, self._scope.session)
        names = self._select(REPLACEMENTS, self._scope.session)
        replaces = pd.Series(names["replaces_id"].to_numpy(), index=names["session_id"])
        table["replaces_id"] = table["session_id"].map(replaces).fillna(0).astype("int64")
        return _typed("sessions", table[table["known_at"] <= self._limit], ["session_id"])

    def facts(self, name: str, selects: Sequence[Select]) -> pd.DataFrame:
        """Present and former states; a correction that came after the limit has not happened."""
        table = pd.concat([self._select(select, self._scope.session) for select in selects], ignore_index=True)
        table = table[(table["known_from"] <= self._limit) & (table["known_from"] < table["known_to"])].copy()
        table.loc[table["known_to"] > self._limit, "known_to"] = NEVER
        when = ["requested_at"] if name == "moves" else []
        return _typed(name, table, ["session_id", *when, "known_from"])

    def of_tutors(self, name: str, select: Select, clock: str, order: list[str]) -> pd.DataFrame:
        table = self._select(select, self._scope.tutor)
        return _typed(name, table[table[clock] <= self._limit], order)

    def _select(self, select: Select, condition: str) -> pd.DataFrame:
        with connection.cursor() as cursor:
            return pd.DataFrame(
                copy_columns(cursor, select.columns, f"{select.source} {condition}", self._parameters, never=int(NEVER))
            )


def _typed(name: str, table: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    return table.sort_values(order, kind="stable", ignore_index=True)[list(COLUMNS[name])].astype(COLUMNS[name])


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """All reads see one state of the database, unless the caller is inside a transaction of its own."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
