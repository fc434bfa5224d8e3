"""The contract's columns, entity by entity: the one place that says what a row may hold. All doors use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model

from apps.sessions.ingest import values as v
from apps.sessions.ingest.values import BadValueError
from apps.sessions.models import (
    OPEN_STATUSES,
    Author,
    Entity,
    EventKind,
    Feedback,
    Initiator,
    ReasonCode,
    Reschedule,
    Status,
    Student,
    TutorEvent,
    TutoringSession,
)
from apps.tutors.models import StudentLevel, TeachingStyle, Tutor

Values = dict[str, Any]
FIRST_BIRTH_YEAR = 1900
EVENT_CLOCK_DELAY = timedelta(hours=1)  # DATA_FORMAT: an outcome is assumed known one hour after the session's end


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the contract, the column of the staged row it is put in and the column of the fact it fills."""

    name: str
    column: str
    parse: v.Parser
    sql_type: str
    fills: str
    required: bool = False
    default: Any = None  # of a field that is cleared, or missing in a new row
    words: tuple[str, ...] = ()  # its vocabulary, if it has one


@dataclass(frozen=True)
class EntitySpec:
    """One kind of fact. ``key`` are the columns of a staged row that name the fact; ``check`` looks across fields."""

    entity: Entity
    model: type[Model]
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    event_time: Callable[[Values], datetime | None]
    check: Callable[[Values, datetime], None] | None = None

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.required)

    def unknown_names(self, names: Iterable[str]) -> list[str]:
        """Names that are not in the contract, each once: they are reported and ignored."""
        known = {field.name for field in self.fields}
        return [name for name in dict.fromkeys(names) if name not in known]


def _field(name: str, parse: v.Parser, sql_type: str, **more: Any) -> Field:
    column = more.pop("column", name)
    return Field(name, column, parse, sql_type, more.pop("fills", column), **more)


def _time(name: str, **more: Any) -> Field:
    return _field(name, v.moment, "timestamptz", **more)


def _id(name: str, **more: Any) -> Field:
    return _field(name, v.identifier, "text", **more)


def _line(name: str, length: int = 200, **more: Any) -> Field:
    return _field(name, v.text(length), "text", default="", **more)


def _scale(name: str) -> Field:
    return _field(name, v.whole(1, 5), "smallint")


def _word(name: str, vocabulary: Iterable[str], **more: Any) -> Field:
    words = tuple(str(word) for word in vocabulary)
    return _field(name, v.one_of(words), "text", words=words, **({"default": ""} | more))


def _flag(name: str) -> Field:
    return _field(name, v.boolean, "boolean")


def _zone() -> Field:
    return _field("timezone", v.timezone_name, "text", default="UTC")


def _locale() -> Field:
    return _field("locale", v.locale, "text", default="")


def _email(name: str) -> Field:
    return _field(name, v.email, "text", default="")


def _check_tutor(row: Values, now: datetime) -> None:
    if row["left_at"] and row["onboarded_at"] and row["left_at"] < row["onboarded_at"]:
        raise BadValueError("inconsistent", "left_at lies before onboarded_at.")


def _check_student(row: Values, now: datetime) -> None:
    """An age becomes a birth year, counted back from when it was known; a stated birth year wins."""
    age, stated_at = row["age"], row["recorded_at"] or now
    if row["birth_year"] is None and age is not None:
        row["birth_year"] = stated_at.year - age
    if row["birth_year"] is not None and row["birth_year"] > now.year:
        raise BadValueError("out_of_range", "birth_year lies in the future.")


def _check_session(row: Values, now: datetime) -> None:
    if row["actual_start"] and row["actual_end"] and row["actual_end"] < row["actual_start"]:
        raise BadValueError("inconsistent", "actual_end lies before actual_start.")


def _check_event(row: Values, now: datetime) -> None:
    if row["kind"] == EventKind.MESSAGE_RESPONSE and row["value"] is not None and row["value"] < 0:
        raise BadValueError("out_of_range", "The minutes of a message_response must not be negative.")


def _known_of_session(row: Values) -> datetime | None:
    """An open session was known when it was booked, an ended one an hour after its planned end."""
    if row["status"] in OPEN_STATUSES:
        booked_at: datetime | None = row["booked_at"]
        return booked_at
    end: datetime = row["scheduled_start"] + timedelta(minutes=row["duration_minutes"])
    return end + EVENT_CLOCK_DELAY


TUTOR = EntitySpec(
    Entity.TUTOR,
    Tutor,
    (
        _id("external_id", required=True),
        _line("name", required=True),
        _email("email"),
        _zone(),
        _locale(),
        _field("subjects", v.names, "varchar[]", default=[]),
        _field("certified_subjects", v.names, "varchar[]", default=[]),
        _time("onboarded_at"),
        _time("left_at"),
        _field("age", v.whole(14, 120), "smallint"),
        _field("experience_years", v.decimal(0, 80), "double precision"),
        _word("teaching_style", TeachingStyle.values),
        _scale("preferred_pace"),
        _scale("communication_style"),
        _scale("confidence_level"),
        _word("preferred_student_level", StudentLevel.values),
        _field("weekly_capacity", v.whole(0, 168), "smallint"),
        _time("recorded_at"),
    ),
    key=("external_id",),
    event_time=lambda row: None,
    check=_check_tutor,
)
STUDENT = EntitySpec(
    Entity.STUDENT,
    Student,
    (
        _id("external_id", required=True),
        _line("name"),
        _field("birth_year", v.whole(FIRST_BIRTH_YEAR, v.LAST_YEAR), "smallint"),
        _field("age", v.whole(0, 120), "smallint", fills="birth_year"),
        _zone(),
        _locale(),
        _scale("preferred_pace"),
        _word("preferred_teaching_style", TeachingStyle.values),
        _scale("communication_style_preference"),
        _scale("urgency_level"),
        _field("learning_goals", v.prose, "text", default=""),
        _field("previous_tutoring_experience", v.whole(0, 1000), "smallint"),
        _scale("previous_satisfaction"),
        _email("contact_email"),
        _email("guardian_email"),
        _time("contact_consent_at"),
        _time("recorded_at"),
    ),
    key=("external_id",),
    event_time=lambda row: None,
    check=_check_student,
)
SESSION = EntitySpec(
    Entity.SESSION,
    TutoringSession,
    (
        _id("external_id", required=True),
        _id("tutor_id", required=True, column="tutor_ref", fills="tutor_id"),
        _id("student_id", required=True, column="student_ref", fills="student_id"),
        _time("scheduled_start", required=True),
        _word("status", Status.values, required=True),
        _field("duration_minutes", v.whole(1, 1440), "smallint", default=60),
        _line("subject", v.ID_LENGTH, column="subject_ref", fills="subject_id"),
        _time("booked_at"),
        _id("replaces_session_id", column="replaces_external_id", default=""),
        _time("actual_start"),
        _time("actual_end"),
        _time("tutor_joined_at"),
        _time("student_joined_at"),
        _flag("technical_issue"),
        _flag("objectives_met"),
        _field("engagement", v.decimal(0, 100), "double precision"),
        _time("recorded_at"),
    ),
    key=("external_id",),
    event_time=_known_of_session,
    check=_check_session,
)
RESCHEDULE = EntitySpec(
    Entity.RESCHEDULE,
    Reschedule,
    (
        _id("session_id", required=True, column="session_ref", fills="session_id"),
        _word("initiator", [word for word in Initiator.values if word != Initiator.UNKNOWN], required=True),
        _time("requested_at", required=True),
        _time("original_start"),
        _time("new_start"),
        _word("reason_code", ReasonCode.values),
        _field("reason", v.prose, "text", default=""),
        _time("recorded_at"),
    ),
    key=("session_ref", "requested_at"),
    event_time=lambda row: row["requested_at"],
)
FEEDBACK = EntitySpec(
    Entity.FEEDBACK,
    Feedback,
    (
        _id("session_id", required=True, column="session_ref", fills="session_id"),
        _field("rating", v.whole(1, 5), "smallint", required=True),
        _time("submitted_at", required=True),
        _word("author", Author.values, default=Author.STUDENT.value),
        _field("comment", v.prose, "text", default=""),
        _flag("would_book_again"),
        _time("recorded_at"),
    ),
    key=("session_ref", "author"),
    event_time=lambda row: row["submitted_at"],
)
TUTOR_EVENT = EntitySpec(
    Entity.TUTOR_EVENT,
    TutorEvent,
    (
        _id("tutor_id", required=True, column="tutor_ref", fills="tutor_id"),
        _word("kind", EventKind.values, required=True),
        _time("occurred_at", required=True),
        _field("value", v.decimal(-1e9, 1e9), "double precision"),
        _time("recorded_at"),
    ),
    key=("tutor_ref", "kind", "occurred_at"),
    event_time=lambda row: row["occurred_at"],
    check=_check_event,
)

# In the order in which a folder is read: what a row names comes before the row.
ENTITIES: dict[Entity, EntitySpec] = {
    spec.entity: spec for spec in (TUTOR, STUDENT, SESSION, RESCHEDULE, FEEDBACK, TUTOR_EVENT)
}
