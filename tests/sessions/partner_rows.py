"""Rows as a partner sends them, and what the database then holds, in comparable form."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.sessions.ingest.doors import ingest_rows
from apps.sessions.models import (
    OPEN_STATUSES,
    Entity,
    FactRevision,
    Feedback,
    Reschedule,
    Student,
    TutorEvent,
    TutoringSession,
)
from apps.tutors.models import Subject, Tutor

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
START = "2026-03-05T10:00:00Z"

SAID = ("tutor_id", "status", "duration_minutes", "subject_id", "engagement")
_VOLATILE = {"id", "partner_id", "updated_at", "ingested_at", "created_at", "kept_at"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def session_row(**changes):
    row = {
        "external_id": "x1",
        "tutor_id": "t1",
        "student_id": "s1",
        "scheduled_start": START,
        "status": "scheduled",
        "recorded_at": "2026-03-01T10:00:00Z",
    }
    return row | changes


def held_row(**changes):
    return session_row(status="completed", recorded_at="2026-03-05T12:00:00Z") | changes


def move_row(**changes):
    row = {
        "session_id": "x1",
        "initiator": "tutor",
        "requested_at": "2026-03-02T09:00:00Z",
        "recorded_at": "2026-03-02T09:05:00Z",
    }
    return row | changes


def rating_row(**changes):
    row = {
        "session_id": "x1",
        "rating": 4,
        "submitted_at": "2026-03-05T13:00:00Z",
        "recorded_at": "2026-03-05T13:00:00Z",
    }
    return row | changes


def send(partner, entity, *rows, now=NOW, **more):
    return ingest_rows(partner=partner, entity=Entity(entity), rows=rows, now=now, source="test", **more)


def outcomes(results):
    return [result.outcome for result in results]


def refusals(results):
    return [(result.line, result.field, result.code) for result in results if result.code]


def facts_of(partner):
    """Everything known of a partner in the partner's own ids, without arrival times: equal for equal knowledge."""
    names = {
        "tutor_id": _names(partner, Tutor, "external_id"),
        "student_id": _names(partner, Student, "external_id"),
        "subject_id": _names(partner, Subject, "name"),
        "session_id": _names(partner, TutoringSession, "external_id", "occurrence"),
    }
    models = (Tutor, Student, Subject, TutoringSession, Reschedule, Feedback, TutorEvent)
    facts = {
        model.__name__: _sorted(_plain(row, names) for row in model.objects.of_partner(partner).values())
        for model in models
    }
    facts["FactRevision"] = _sorted(
        _plain(row, names) | {"state": _plain(row["state"], names), "fact_id": names["session_id"].get(row["fact_id"])}
        for row in FactRevision.objects.of_partner(partner).values()
    )
    return facts


def ends_known_at(facts, moment):
    """Which sessions were known at a moment, and how each had ended as far as was known then."""
    sessions = {(row["external_id"], row["occurrence"]): row for row in facts["TutoringSession"]}
    former = [row for row in facts["FactRevision"] if row["entity"] == "sessions"]
    ends = {row["fact_id"]: row["state"] for row in former if row["recorded_at"] <= moment < row["superseded_at"]} | {
        key: row for key, row in sessions.items() if row["recorded_at"] <= moment
    }
    return {
        key: {name: ends.get(key, row)[name] for name in SAID if ends.get(key, row)["status"] not in OPEN_STATUSES}
        for key, row in sessions.items()
        if row["first_known_at"] <= moment
    }


def _names(partner, model, *columns):
    return {row.pk: tuple(getattr(row, name) for name in columns) for row in model.objects.of_partner(partner)}


def _plain(row, names):
    return {
        name: names[name].get(value) if name in names else value for name, value in row.items() if name not in _VOLATILE
    }


def _sorted(rows):
    return sorted(rows, key=lambda row: str(sorted(row.items())))
