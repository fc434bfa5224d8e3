"""A small invented marketplace as frames: enough signal to learn from, no database, any size."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from apps.predictions.ml.frames import DAY, HOUR, MINUTE, NEVER, Frames, Initiator, Status, empty_frames

EPOCH = 1_735_689_600_000_000  # 2025-01-01 00:00 UTC
ZONES = ("Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
STYLES = ("structured", "flexible", "interactive")


def make_world(tutors: int = 20, sessions: int = 2_000, seed: int = 0, days: int = 360) -> Frames:
    """Tutors differ in how often they move sessions and in how they are rated; both show in their past."""
    rng = np.random.default_rng(seed)
    book = _bookings(rng, tutors, sessions, days)
    draws = _draws(rng, book, tutors)
    moved, absent, held = draws["moved"], draws["absent"], draws["held"]
    rated = held & (rng.random(len(book)) < 0.65)
    requested = book.start - (rng.random(len(book)) * (book.start - book.booked_at)).astype("int64")
    known = np.where(moved, requested, book.end) + (rng.random(len(book)) * 2 * HOUR).astype("int64")
    status = np.select([moved, absent], [Status.RESCHEDULED, Status.NO_SHOW_STUDENT], Status.COMPLETED)
    outcomes = pd.DataFrame({
        "session_id": book.session_id, "status": status.astype("int8"), "known_from": known, "known_to": NEVER,
        "late_seconds": np.where(held, rng.exponential(120, len(book)), np.nan),
        "early_end_seconds": np.where(held, rng.exponential(60, len(book)), np.nan),
        "objectives_met": np.where(held, rng.random(len(book)) < 0.8, np.nan),
        "engagement": np.where(held, rng.uniform(40, 100, len(book)), np.nan), "technical_issue": np.nan,
    })  # fmt: skip
    who = np.where(rng.random(len(book)) < 0.95, Initiator.TUTOR, Initiator.STUDENT).astype("int8")
    moves = pd.DataFrame({
        "session_id": book.session_id, "initiator": who, "requested_at": requested,
        "new_start": NEVER, "known_from": known, "known_to": NEVER,
    })[moved]  # fmt: skip
    submitted = book.end + (rng.exponential(12, len(book)) * HOUR).astype("int64")
    ratings = pd.DataFrame({
        "session_id": book.session_id, "rating": np.where(draws["poor"], 2.0, rng.choice([3.0, 4.0, 5.0], len(book))),
        "submitted_at": submitted, "known_from": submitted + MINUTE, "known_to": NEVER,
    })[rated]  # fmt: skip
    return empty_frames(
        sessions=book, outcomes=outcomes, moves=moves.reset_index(drop=True), ratings=ratings.reset_index(drop=True),
        events=_events(rng, tutors, days), tutors=_tutors(rng, tutors), students=_students(rng, book),
    )  # fmt: skip


def _bookings(rng: np.random.Generator, tutors: int, sessions: int, days: int) -> pd.DataFrame:
    pairs = max(sessions // 8, 1)
    pair = np.sort(rng.integers(0, pairs, sessions))
    tutor = rng.integers(0, tutors, pairs)[pair] + 1
    student = rng.integers(0, max(pairs // 2, 1), pairs)[pair] + 1
    begins = rng.integers(10, days, pairs)[pair]
    week = np.arange(sessions) - np.searchsorted(pair, pair)
    day = begins + 7 * week + rng.integers(-1, 2, sessions)
    start = EPOCH + day * DAY + rng.integers(8 * 4, 20 * 4, sessions) * 15 * MINUTE
    booked = start - ((0.1 + rng.exponential(6, sessions)) * DAY).astype("int64")
    return pd.DataFrame({
        "session_id": np.arange(1, sessions + 1), "tutor_id": tutor, "student_id": student,
        "subject_id": (pair % 5) + 1, "start": start, "end": start + 60 * MINUTE, "booked_at": booked,
        "known_at": booked, "replaces_id": 0, "tie": np.arange(1, sessions + 1),
    }).astype("int64")  # fmt: skip


def _draws(rng: np.random.Generator, book: pd.DataFrame, tutors: int) -> dict[str, np.ndarray]:
    unreliable, skill = rng.normal(0, 1.0, tutors + 1), rng.normal(0, 1.0, tutors + 1)
    flaky = rng.normal(0, 1.2, int(book.student_id.max()) + 1)
    first = ~book.sort_values("start").duplicated(["tutor_id", "student_id"]).reindex(book.index)
    lead = np.log1p((book.start - book.booked_at) / DAY)
    tutor, student = book.tutor_id, book.student_id
    moved = rng.random(len(book)) < _sigmoid(-2.2 + unreliable[tutor] + 0.4 * (lead - 1.5))
    absent = ~moved & (rng.random(len(book)) < _sigmoid(-3.0 + flaky[student]))
    poor = rng.random(len(book)) < _sigmoid(-2.8 - skill[tutor] + 1.0 * first + 0.2 * lead)
    return {"moved": np.asarray(moved), "absent": np.asarray(absent), "held": np.asarray(~moved & ~absent),
            "poor": np.asarray(poor)}  # fmt: skip


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _events(rng: np.random.Generator, tutors: int, days: int) -> pd.DataFrame:
    n = tutors * 20
    at = EPOCH + (rng.random(n) * days * DAY).astype("int64")
    kind = rng.integers(1, 4, n).astype("int8")
    return pd.DataFrame({
        "tutor_id": rng.integers(1, tutors + 1, n), "kind": kind, "occurred_at": at,
        "value": np.where(kind == 2, rng.exponential(90, n), np.nan), "known_from": at,
    })  # fmt: skip


def _tutors(rng: np.random.Generator, tutors: int) -> pd.DataFrame:
    subjects = [tuple(sorted(rng.choice(5, 2, replace=False) + 1)) for _ in range(tutors)]
    return pd.DataFrame({
        "tutor_id": np.arange(1, tutors + 1), "timezone": rng.choice(ZONES, tutors),
        "onboarded_at": EPOCH - (rng.random(tutors) * 400 * DAY).astype("int64"),
        "experience_years": rng.integers(0, 15, tutors).astype(float), "teaching_style": rng.choice(STYLES, tutors),
        "preferred_pace": rng.integers(1, 6, tutors).astype(float),
        "communication_style": rng.integers(1, 6, tutors).astype(float),
        "confidence_level": rng.integers(1, 6, tutors).astype(float), "preferred_student_level": "",
        "weekly_capacity": 20.0, "subject_ids": pd.Series(subjects, dtype=object),
        "certified_subject_ids": pd.Series([pair[:1] for pair in subjects], dtype=object), "known_from": EPOCH,
    })  # fmt: skip


def _students(rng: np.random.Generator, book: pd.DataFrame) -> pd.DataFrame:
    ids = np.unique(book.student_id)
    n = len(ids)
    return pd.DataFrame({
        "student_id": ids, "timezone": rng.choice(ZONES, n), "birth_year": rng.integers(2005, 2018, n).astype(float),
        "preferred_pace": rng.integers(1, 6, n).astype(float), "preferred_teaching_style": rng.choice(STYLES, n),
        "communication_style": rng.integers(1, 6, n).astype(float), "urgency_level": np.nan,
        "tutoring_experience": rng.integers(0, 3, n).astype(float), "previous_satisfaction": np.nan,
        "known_from": EPOCH,
    })  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """A handful of sessions written by hand: each ``session`` call adds one, times in hours after ``EPOCH``."""

    tables: dict[str, list[dict[str, object]]] = field(default_factory=lambda: {
        "sessions": [], "outcomes": [], "moves": [], "ratings": [], "events": [], "exposures": []})  # fmt: skip

    def session(self, session_id: int, start: float, *, tutor: int = 1, student: int = 1, booked: float | None = 0.0,
                known: float | None = None, tie: int | None = None, hours: float = 1.0) -> Rows:  # fmt: skip
        booked_at = NEVER if booked is None else at(booked)
        self.tables["sessions"].append({
            "session_id": session_id, "tutor_id": tutor, "student_id": student, "subject_id": 1, "start": at(start),
            "end": at(start + hours), "booked_at": booked_at, "known_at": booked_at if known is None else at(known),
            "replaces_id": 0, "tie": session_id if tie is None else tie,
        })  # fmt: skip
        return self

    def ended(self, session_id: int, status: Status, known: float, until: float | None = None) -> Rows:
        self.tables["outcomes"].append({
            "session_id": session_id, "status": int(status), "known_from": at(known),
            "known_to": NEVER if until is None else at(until), "late_seconds": np.nan, "early_end_seconds": np.nan,
            "objectives_met": np.nan, "engagement": np.nan, "technical_issue": np.nan,
        })  # fmt: skip
        return self

    def moved(self, session_id: int, by: Initiator, requested: float, known: float | None = None,
              until: float | None = None) -> Rows:  # fmt: skip
        self.tables["moves"].append({
            "session_id": session_id, "initiator": int(by), "requested_at": at(requested), "new_start": NEVER,
            "known_from": at(requested if known is None else known), "known_to": NEVER if until is None else at(until),
        })  # fmt: skip
        return self

    def rated(self, session_id: int, rating: float, submitted: float, known: float | None = None,
              until: float | None = None) -> Rows:  # fmt: skip
        self.tables["ratings"].append({
            "session_id": session_id, "rating": rating, "submitted_at": at(submitted),
            "known_from": at(submitted if known is None else known), "known_to": NEVER if until is None else at(until),
        })  # fmt: skip
        return self

    def frames(self) -> Frames:
        """Frames of the rows so far."""
        empty = empty_frames()
        tables = {
            name: pd.DataFrame(rows).astype(getattr(empty, name).dtypes.to_dict())
            for name, rows in self.tables.items() if rows
        }  # fmt: skip
        return empty_frames(**tables)


def at(hours: float) -> int:
    """Microseconds of a moment ``hours`` after ``EPOCH``."""
    return EPOCH + round(hours * HOUR)


EPOCH_END = at(600 * 24)
"""After everything that happens in a made world."""
