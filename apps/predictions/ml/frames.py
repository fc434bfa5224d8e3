"""Facts as columns: the one shape in which history reaches metrics, features and labels.

Every table is a pandas DataFrame of plain numpy columns. Ids are database keys (int64, 0 = none). Times are int64
microseconds since 1970-01-01 UTC, ``NEVER`` where a moment has not come. A row that states something carries two
clocks: when it happened (``requested_at``, ``submitted_at``, ``end`` …) and the half-open interval
``[known_from, known_to)`` in which the system knew it in this form; a corrected fact appears once per form. A fact may
be used at T only if ``known_from <= T < known_to``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import pandas as pd

NEVER = np.int64(2**62)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Status(IntEnum):
    """How a tutoring session stands; codes of ``Frames.outcomes.status``."""

    SCHEDULED = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    RESCHEDULED = 3
    CANCELLED = 4
    NO_SHOW_TUTOR = 5
    NO_SHOW_STUDENT = 6


class Initiator(IntEnum):
    """Who moved or cancelled a session."""

    UNKNOWN = 0
    TUTOR = 1
    STUDENT = 2
    SYSTEM = 3


class EventKind(IntEnum):
    """Codes of ``Frames.events.kind``."""

    LOGIN = 1
    MESSAGE_RESPONSE = 2
    TRAINING_COMPLETED = 3
    LEAVE_START = 4
    LEAVE_END = 5


COLUMNS: dict[str, dict[str, str]] = {
    # One row a session: what was agreed when it was booked. ``known_at``: booked_at, or the first recorded_at where the
    # booking time is missing (``booked_at`` is then NEVER). ``tie`` orders sessions that start together (external id).
    "sessions": {
        "session_id": "int64",
        "tutor_id": "int64",
        "student_id": "int64",
        "subject_id": "int64",
        "start": "int64",
        "end": "int64",
        "booked_at": "int64",
        "known_at": "int64",
        "replaces_id": "int64",
        "tie": "int64",
    },
    # One row per known form of a session's end (status other than scheduled or in progress).
    # Lateness and early end in seconds, engagement 0..100, objectives and technical issue 0/1; NaN unknown.
    "outcomes": {
        "session_id": "int64",
        "status": "int8",
        "known_from": "int64",
        "known_to": "int64",
        "late_seconds": "float64",
        "early_end_seconds": "float64",
        "objectives_met": "float64",
        "engagement": "float64",
        "technical_issue": "float64",
    },
    # One row per known form of a move or cancellation request. ``new_start`` NEVER: cancelled.
    "moves": {
        "session_id": "int64",
        "initiator": "int8",
        "requested_at": "int64",
        "new_start": "int64",
        "known_from": "int64",
        "known_to": "int64",
    },
    # Ratings given by students, 1 to 5.
    "ratings": {
        "session_id": "int64",
        "rating": "float64",
        "submitted_at": "int64",
        "known_from": "int64",
        "known_to": "int64",
    },
    # What tutors did outside sessions; ``value`` in minutes for MESSAGE_RESPONSE, else NaN.
    "events": {
        "tutor_id": "int64",
        "kind": "int8",
        "occurred_at": "int64",
        "value": "float64",
        "known_from": "int64",
    },
    # Profiles as known at ``known_from``; missing answers are NaN or "". Ids of subjects as tuples.
    "tutors": {
        "tutor_id": "int64",
        "timezone": "object",
        "onboarded_at": "int64",
        "experience_years": "float64",
        "teaching_style": "object",
        "preferred_pace": "float64",
        "communication_style": "float64",
        "confidence_level": "float64",
        "preferred_student_level": "object",
        "weekly_capacity": "float64",
        "subject_ids": "object",
        "certified_subject_ids": "object",
        "known_from": "int64",
    },
    "students": {
        "student_id": "int64",
        "timezone": "object",
        "birth_year": "float64",
        "preferred_pace": "float64",
        "preferred_teaching_style": "object",
        "communication_style": "float64",
        "urgency_level": "float64",
        "tutoring_experience": "float64",
        "previous_satisfaction": "float64",
        "known_from": "int64",
    },
    # Mails, calls and interventions that reached a tutor (rows after one of these are treated).
    "exposures": {"tutor_id": "int64", "session_id": "int64", "reached_at": "int64"},
}


@dataclass(frozen=True)
class Frames:
    """All facts about some tutors: complete for those tutors, so that work can be cut into chunks of tutors.

    Student history inside a chunk is complete only if the chunk holds every session of the student; loaders that ask
    student features load the students' other sessions too (see ``datasets``).
    """

    sessions: pd.DataFrame
    outcomes: pd.DataFrame
    moves: pd.DataFrame
    ratings: pd.DataFrame
    events: pd.DataFrame
    tutors: pd.DataFrame
    students: pd.DataFrame
    exposures: pd.DataFrame

    def __post_init__(self) -> None:
        for field in fields(self):
            table, wanted = getattr(self, field.name), COLUMNS[field.name]
            missing = [name for name in wanted if name not in table.columns]
            if missing:
                raise ValueError(f"frame {field.name} lacks the columns {', '.join(missing)}")


def empty_table(name: str) -> pd.DataFrame:
    """A table of ``COLUMNS[name]`` without rows, with the right types."""
    return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in COLUMNS[name].items()})


def empty_frames(**tables: pd.DataFrame) -> Frames:
    """Frames from the tables given, the others empty."""
    return Frames(**{name: tables.get(name, empty_table(name)) for name in COLUMNS})


# Questions: what is asked of a model, one row each. A stored session and a hypothetical pair take the same shape.
QUESTION_COLUMNS: dict[str, str] = {
    "session_id": "int64",  # 0 for a hypothetical session
    "tutor_id": "int64",
    "student_id": "int64",
    "subject_id": "int64",
    "start": "int64",
    "end": "int64",
    "booked_at": "int64",  # NEVER: lead time unknown
    "tie": "int64",
    "as_of": "int64",
    "hours_ahead": "float64",  # the decision horizon h, as_of = max(booked_at, start - h)
}
