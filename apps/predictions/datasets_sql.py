"""Where each column of a frame comes from, as SQL for binary COPY.

A fact's former states lie in ``FactRevision`` as JSON of the row. ``jsonb_populate_record`` turns one back into a row
of the same type, so that a present and a former state go through the same expressions.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.predictions.ml.frames import EventKind, Initiator, Status
from tutorscore.lib.binary_copy import Kind

Columns = dict[str, tuple[Kind, str]]


@dataclass(frozen=True)
class Select:
    """Columns over a source that starts with FROM and ends in a WHERE, ready for a scope's further condition."""

    columns: Columns
    source: str


@dataclass(frozen=True)
class Scope:
    """Conditions that choose sessions (row ``s``) and what else belongs to a tutor (tutor row ``t``)."""

    session: str
    tutor: str


_SESSION = "tutoring_sessions_tutoringsession"


def scope(*, by_tutor: bool) -> Scope:
    """All tutors of the partners; or the given tutors, with every session of the given students beside theirs."""
    partners = "partner_id = ANY(%(partners)s)"
    if not by_tutor:
        return Scope(f"AND s.{partners}", f"AND t.{partners}")
    chosen = "(s.tutor_id = ANY(%(tutors)s) OR s.student_id = ANY(%(students)s))"
    return Scope(f"AND s.{partners} AND {chosen}", f"AND t.{partners} AND t.id = ANY(%(tutors)s)")


def _code(column: str, codes: type[Status] | type[Initiator] | type[EventKind]) -> str:
    """The integer code of a text value."""
    cases = " ".join(f"WHEN '{code.name.lower()}' THEN {code.value}" for code in codes)
    return f"CASE {column} {cases} END"


def _seconds_after(moment: str, reference: str) -> str:
    """Seconds from ``reference`` to ``moment``, 0 if it came before, NULL if it is unknown."""
    seconds = f"extract(epoch FROM {moment} - {reference})"
    return f"CASE WHEN {seconds} > 0 THEN {seconds} ELSE {seconds} * 0 END"


def _end(row: str) -> str:
    return f"({row}.scheduled_start + {row}.duration_minutes * interval '1 minute')"


def _outcome(row: str, known_to: str) -> Columns:
    joined = f"coalesce({row}.tutor_joined_at, {row}.actual_start)"
    return {
        "session_id": (Kind.ID, "s.id"),
        "status": (Kind.CODE, _code(f"{row}.status", Status)),
        "known_from": (Kind.MOMENT, f"{row}.recorded_at"),
        "known_to": (Kind.MOMENT, known_to),
        "late_seconds": (Kind.NUMBER, _seconds_after(joined, f"{row}.scheduled_start")),
        "early_end_seconds": (Kind.NUMBER, _seconds_after(_end(row), f"{row}.actual_end")),
        "objectives_met": (Kind.NUMBER, f"{row}.objectives_met::int"),
        "engagement": (Kind.NUMBER, f"{row}.engagement"),
        "technical_issue": (Kind.NUMBER, f"{row}.technical_issue::int"),
    }


def _move(row: str, known_to: str) -> Columns:
    return {
        "session_id": (Kind.ID, "s.id"),
        "initiator": (Kind.CODE, _code(f"{row}.initiator", Initiator)),
        "requested_at": (Kind.MOMENT, f"{row}.requested_at"),
        "new_start": (Kind.MOMENT, f"{row}.new_start"),
        "known_from": (Kind.MOMENT, f"{row}.recorded_at"),
        "known_to": (Kind.MOMENT, known_to),
    }


def _rating(row: str, known_to: str) -> Columns:
    return {
        "session_id": (Kind.ID, "s.id"),
        "rating": (Kind.NUMBER, f"{row}.rating"),
        "submitted_at": (Kind.MOMENT, f"{row}.submitted_at"),
        "known_from": (Kind.MOMENT, f"{row}.recorded_at"),
        "known_to": (Kind.MOMENT, known_to),
    }


def _former(table: str, entity: str, session_id: str) -> str:
    """Former states ``f`` of an entity with their revision ``r`` and their session ``s`` as it stands."""
    return (
        f"FROM tutoring_sessions_factrevision r CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, r.state) f "
        f"JOIN {_SESSION} s ON s.id = {session_id} "
        f"WHERE r.entity = '{entity}' AND r.partner_id = ANY(%(partners)s)"
    )


_STILL = "NULL"
_SUPERSEDED = "r.superseded_at"
_MOVED = "tutoring_sessions_reschedule"
_SAID = "tutoring_sessions_feedback"
_RESOLVED = "status NOT IN ('scheduled', 'in_progress')"

SESSIONS = Select(
    {
        "session_id": (Kind.ID, "s.id"),
        "tutor_id": (Kind.ID, "s.tutor_id"),
        "student_id": (Kind.ID, "s.student_id"),
        "subject_id": (Kind.ID, "s.subject_id"),
        "start": (Kind.MOMENT, "s.scheduled_start"),
        "end": (Kind.MOMENT, _end("s")),
        "booked_at": (Kind.MOMENT, "s.booked_at"),
        "known_at": (Kind.MOMENT, "s.first_known_at"),
        "tie": (
            Kind.ID,
            'row_number() OVER (PARTITION BY s.partner_id ORDER BY s.external_id COLLATE "C", s.occurrence)',
        ),
    },
    f"FROM {_SESSION} s WHERE true",
)
# A session that replaces another names it; a start that changed under one id is replaced by the next occurrence.
REPLACEMENTS = Select(
    {"session_id": (Kind.ID, "s.id"), "replaces_id": (Kind.ID, "former.id")},
    f"FROM {_SESSION} s JOIN {_SESSION} former ON former.partner_id = s.partner_id "
    "AND former.external_id = CASE WHEN s.occurrence > 0 THEN s.external_id ELSE s.replaces_external_id END "
    "AND CASE WHEN s.occurrence > 0 THEN former.occurrence = s.occurrence - 1 ELSE former.is_latest END "
    "WHERE (s.occurrence > 0 OR s.replaces_external_id <> '')",
)
OUTCOMES = (
    Select(_outcome("s", _STILL), f"FROM {_SESSION} s WHERE s.{_RESOLVED}"),
    Select(_outcome("f", _SUPERSEDED), f"{_former(_SESSION, 'sessions', 'r.fact_id')} AND f.{_RESOLVED}"),
)
MOVES = (
    Select(_move("f", _STILL), f"FROM {_MOVED} f JOIN {_SESSION} s ON s.id = f.session_id WHERE true"),
    Select(_move("f", _SUPERSEDED), _former(_MOVED, "reschedules", "f.session_id")),
)
RATINGS = (
    Select(
        _rating("f", _STILL),
        f"FROM {_SAID} f JOIN {_SESSION} s ON s.id = f.session_id WHERE f.author = 'student'",
    ),
    Select(_rating("f", _SUPERSEDED), f"{_former(_SAID, 'feedback', 'f.session_id')} AND f.author = 'student'"),
)
EVENTS = Select(
    {
        "tutor_id": (Kind.ID, "e.tutor_id"),
        "kind": (Kind.CODE, _code("e.kind", EventKind)),
        "occurred_at": (Kind.MOMENT, "e.occurred_at"),
        "value": (Kind.NUMBER, "e.value"),
        "known_from": (Kind.MOMENT, "e.recorded_at"),
    },
    "FROM tutoring_sessions_tutorevent e JOIN tutors_tutor t ON t.id = e.tutor_id WHERE true",
)
EXPOSURES = Select(
    {
        "tutor_id": (Kind.ID, "e.tutor_id"),
        "session_id": (Kind.ID, "e.session_id"),
        "reached_at": (Kind.MOMENT, "e.reached_at"),
    },
    "FROM predictions_exposure e JOIN tutors_tutor t ON t.id = e.tutor_id WHERE true",
)
