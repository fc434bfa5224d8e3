"""What came of a question, from facts known by a given moment.

======================  ====================================================  =======================================
target                  label 1                                               no label (NaN)
======================  ====================================================  =======================================
first_session_poor      the student's rating is below 3                       held, not rated
reschedule              the tutor asked to move or cancel it in               it was moved or cancelled in that time
                        (as_of, start)                                        and nobody said by whom
no_show_tutor/_student  that no-show                                          none
======================  ====================================================  =======================================

Every other known end counts 0; an unknown end, or one that has not had ``maturity_hours`` to become known, has no
label. ``judged`` marks the rows the probability speaks about: rated sessions for ``first_session_poor``, sessions
that reached their start for no-shows, all labelled ones for ``reschedule``. ``known_at`` is when the label was mature
and known, NEVER without one: embargoes are cut by it. Of several known endings of a session the latest stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Ints, Mask
from apps.predictions.ml.frames import HOUR, NEVER, Frames
from apps.predictions.ml.history import Facts, History, Kind
from apps.predictions.ml.targets import Target

POOR_BELOW = 3.0


def labels(frames: Frames, questions: pd.DataFrame, target: Target, known_by: int) -> pd.DataFrame:
    """``label`` (0, 1 or NaN), ``judged`` and ``known_at`` (int64 microseconds), one row per question."""
    history = History.of_frames(frames)
    row = history.rows_of(questions["session_id"].to_numpy())
    if (row < 0).any():
        raise ValueError("labels are for stored sessions; a hypothetical question has none")
    answer = {
        "first_session_poor": _poor,
        "reschedule": _rescheduled,
        "no_show_tutor": _no_show_tutor,
        "no_show_student": _no_show_student,
    }[target.name](history, questions, row, known_by)
    ripe = questions["end"].to_numpy() + int(target.maturity_hours * HOUR)
    known_at = np.maximum(answer.known_at, ripe)
    there = ~np.isnan(answer.label) & (known_at <= known_by)
    return pd.DataFrame({
        "label": np.where(there, answer.label, np.nan),
        "judged": there & answer.judged,
        "known_at": np.where(there, known_at, NEVER),
    })  # fmt: skip


@dataclass(frozen=True)
class _Answer:
    label: Floats
    judged: Mask
    known_at: Ints


@dataclass(frozen=True)
class _End:
    """The latest known end of each session: its kind (0: none) and since when it is known."""

    kind: Ints
    known_at: Ints


def _poor(history: History, questions: pd.DataFrame, row: Ints, known_by: int) -> _Answer:
    end = _end_of(history, row, known_by)
    size = len(history.sessions["session_id"])
    rating, rated_at = np.full(size, np.nan), np.full(size, NEVER, dtype=np.int64)
    facts = _known(history.ratings, known_by)
    rating[facts.row], rated_at[facts.row] = facts.values["rating"], facts.known_from
    held, rated = end.kind == Kind.HELD, ~np.isnan(rating[row])
    label = np.where(held & rated, rating[row] < POOR_BELOW, np.where(held | (end.kind == 0), np.nan, 0.0))
    known_at = np.where(held & rated, np.maximum(end.known_at, rated_at[row]), end.known_at)
    return _Answer(label, held & rated, known_at)


def _rescheduled(history: History, questions: pd.DataFrame, row: Ints, known_by: int) -> _Answer:
    end = _end_of(history, row, known_by)
    size = len(history.sessions["session_id"])
    moves = _known(history.moves.where(history.moves.values["away"] > 0), known_by)
    asked_at = np.full(size, NEVER, dtype=np.int64)
    asked_at[row] = questions["as_of"].to_numpy()
    between = (moves.happened > asked_at[moves.row]) & (moves.happened < history.of("start", moves))
    tutor = moves.where(between & (moves.kind == Kind.MOVED_BY_TUTOR))
    unsaid = moves.where(between & (moves.kind == Kind.MOVED_BY_UNKNOWN))
    first = np.full(size, NEVER, dtype=np.int64)
    np.minimum.at(first, tutor.row, tutor.known_from)
    doubtful = np.zeros(size, dtype=bool)
    doubtful[unsaid.row] = True
    explained = np.zeros(size, dtype=bool)
    explained[moves.row] = True
    positive = first[row] < NEVER
    unclear = doubtful[row] | ((end.kind == Kind.MOVED_BY_UNKNOWN) & ~explained[row])
    unclear |= end.kind == 0
    label = np.where(positive, 1.0, np.where(unclear, np.nan, 0.0))
    return _Answer(label, np.ones(len(row), dtype=bool), np.where(positive, first[row], end.known_at))


def _no_show_tutor(history: History, questions: pd.DataFrame, row: Ints, known_by: int) -> _Answer:
    return _no_show(Kind.NO_SHOW_TUTOR, history, row, known_by)


def _no_show_student(history: History, questions: pd.DataFrame, row: Ints, known_by: int) -> _Answer:
    return _no_show(Kind.NO_SHOW_STUDENT, history, row, known_by)


def _no_show(kind: Kind, history: History, row: Ints, known_by: int) -> _Answer:
    end = _end_of(history, row, known_by)
    reached = np.isin(end.kind, [Kind.HELD, Kind.NO_SHOW_TUTOR, Kind.NO_SHOW_STUDENT])
    label = np.where(end.kind == 0, np.nan, (end.kind == kind).astype(np.float64))
    return _Answer(label, reached, end.known_at)


def _end_of(history: History, row: Ints, known_by: int) -> _End:
    """How each session ended, as known by ``known_by``; a request to move alone is an end too."""
    size = len(history.sessions["session_id"])
    kind, known_at = np.zeros(size, dtype=np.int64), np.full(size, NEVER, dtype=np.int64)
    away = history.moves.where(history.moves.values["away"] > 0)
    for every in (away, history.outcomes):
        facts = _known(every, known_by)
        kind[facts.row], known_at[facts.row] = facts.kind, facts.known_from
    return _End(kind[row], known_at[row])


def _known(facts: Facts, moment: int) -> Facts:
    """The forms that hold at ``moment``, in the order in which they became known."""
    facts = facts.where((facts.known_from <= moment) & (moment < facts.known_to))
    order: Ints = np.argsort(facts.known_from, kind="stable")
    return Facts(
        facts.row[order], facts.happened[order], facts.known_from[order], facts.known_to[order], facts.kind[order],
        {name: column[order] for name, column in facts.values.items()},
    )  # fmt: skip
