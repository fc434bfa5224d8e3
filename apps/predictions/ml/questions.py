"""What is asked, and when: one row per question, the columns of ``frames.QUESTION_COLUMNS``.

A stored session is asked about once per horizon, at ``as_of = max(known_at, start - horizon)``: ``known_at`` is the
moment it was booked, or the moment we first heard of it where the partner does not say (a session first heard of
after its start is never asked about). It is asked only while it is open as known at that very moment, ``as_of``
included. A first session is one whose pair was not known then to have held a session or to have an earlier open one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Ints, Mask
from apps.predictions.ml.frames import HOUR, NEVER, QUESTION_COLUMNS, Frames
from apps.predictions.ml.history import History
from apps.predictions.ml.labels import labels
from apps.predictions.ml.pairs import held_before, open_before
from apps.predictions.ml.targets import Target

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def decision_questions(
    frames: Frames, target: Target, hours_ahead: float, start_from: int, start_to: int
) -> pd.DataFrame:
    """One decision per session that starts in ``[start_from, start_to)``, ``hours_ahead`` before it."""
    history = History.of_frames(frames)
    start = history.sessions["start"]
    row = np.flatnonzero((start >= start_from) & (start < start_to))
    table = _asked(history, row, np.full(len(row), float(hours_ahead)))
    return _proper(history, target, table)


def training_questions(frames: Frames, target: Target, known_by: int) -> pd.DataFrame:
    """One question per session whose label was mature and known by ``known_by``.

    The horizon is drawn from the target's by a hash of the session id, so that a session keeps it for ever; the
    target's default horizon gets half of the draws. Poor ratings are rare among first sessions, so that target
    learns from every rated session (``pair_earlier`` tells them apart).
    """
    history = History.of_frames(frames)
    row = np.flatnonzero(history.sessions["start"] < known_by)
    table = _asked(history, row, hashed_hours(target, history.sessions["session_id"][row]))
    table = table[_open_at(history, table)]
    answers = labels(frames, table, target, known_by)
    return table[(answers["label"].notna() & answers["judged"]).to_numpy()].reset_index(drop=True)


def open_questions(frames: Frames, target: Target, now: int, lookahead_hours: float) -> pd.DataFrame:
    """Sessions open at ``now`` that start within ``lookahead_hours``, asked about now."""
    history = History.of_frames(frames)
    start = history.sessions["start"]
    row = np.flatnonzero((start > now) & (start <= now + int(lookahead_hours * HOUR)))
    table = _asked(history, row, (start[row] - now) / HOUR, as_of=now)
    return _proper(history, target, table)


def hypothetical(
    tutor_id: Ints, student_id: Ints, subject_id: Ints, start: Ints, minutes: Floats, as_of: int
) -> pd.DataFrame:
    """Questions about sessions nobody has booked yet, as if booked at ``as_of``; ``session_id`` is 0."""
    size = len(start)
    moment = np.full(size, as_of, dtype=np.int64)
    return pd.DataFrame({
        "session_id": np.zeros(size, dtype=np.int64), "tutor_id": tutor_id, "student_id": student_id,
        "subject_id": subject_id, "start": start, "end": start + (minutes * (HOUR / 60)).astype(np.int64),
        "booked_at": moment, "tie": np.full(size, np.iinfo(np.int64).max), "as_of": moment,
        "hours_ahead": (start - as_of) / HOUR,
    }).astype(QUESTION_COLUMNS)  # fmt: skip


def is_first(history: History, questions: pd.DataFrame) -> Mask:
    """True where, as known at ``as_of``, the pair has held no session and has no earlier open booking."""
    columns = {name: questions[name].to_numpy() for name in questions.columns}
    first: Mask = held_before(history, columns["tutor_id"], columns["student_id"], columns["as_of"]) == 0
    row = np.flatnonzero(first)
    names = ("tutor_id", "student_id", "start", "tie", "as_of")
    first[row] = open_before(history, *(columns[name][row] for name in names)) == 0
    return first


def hashed_hours(target: Target, session_id: Ints) -> Floats:
    """The horizon each session is trained at: a fixed function of its id (splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = session_id.astype(np.uint64) * _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    others = [hours for hours in target.horizons if hours != target.default_hours]
    choices = np.array([target.default_hours] * max(len(others), 1) + others)
    return choices[(mixed % np.uint64(len(choices))).astype(np.int64)]


def _asked(history: History, row: Ints, hours: Floats, as_of: int | None = None) -> pd.DataFrame:
    """Questions about the sessions at ``row``; those whose decision would fall at or after the start are left out."""
    columns = history.sessions
    known_at, start = columns["known_at"][row], columns["start"][row]
    moment = np.maximum(known_at, start - np.rint(hours * HOUR).astype(np.int64))
    if as_of is not None:
        moment = np.full(len(row), as_of, dtype=np.int64)
    names = ("session_id", "tutor_id", "student_id", "subject_id", "start", "end", "booked_at", "tie")
    table = pd.DataFrame({name: columns[name][row] for name in names} | {"as_of": moment, "hours_ahead": hours})
    kept = (moment < start) & (known_at <= moment) & (known_at < NEVER)
    return table[kept].astype(QUESTION_COLUMNS).reset_index(drop=True)


def _open_at(history: History, questions: pd.DataFrame) -> Mask:
    spans = history.open_bookings
    session_id = questions["session_id"].to_numpy()
    count = spans.timeline(history.of("session_id", spans)).count(session_id, questions["as_of"].to_numpy())
    still_open: Mask = count > 0
    return still_open


def _proper(history: History, target: Target, questions: pd.DataFrame) -> pd.DataFrame:
    """The questions the target allows: open sessions, and first ones only where it is about first sessions."""
    questions = questions[_open_at(history, questions)].reset_index(drop=True)
    if target.first_sessions_only:
        questions = questions[is_first(history, questions)].reset_index(drop=True)
    return questions
