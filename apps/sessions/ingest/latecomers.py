"""Moves understood late: the row with the former start, or the request for the move, came after the move itself."""

from __future__ import annotations

from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.sessions.ingest.tables import OPEN, REVISIONS, TABLES
from apps.sessions.models import Entity, Initiator, Status

_SESSIONS = TABLES[Entity.SESSION]
_RESCHEDULES = TABLES[Entity.RESCHEDULE]
_LATE = "s.wave = %(wave)s AND s.shape = %(shape)s AND s.outcome = 'late'"
_ENDED = f"s.status IN ('{Status.RESCHEDULED}', '{Status.CANCELLED}')"


def place_former_starts(cursor: CursorWrapper, scope: dict[str, Any]) -> None:
    """Late rows with another start than the one that stands.

    Each belongs to the occurrence with its start. Where there is none and the session is not known to have moved, the
    row shows that it has: it becomes the former occurrence, as if it had come first. Among further moves it stays
    history.
    """
    cursor.execute(_find_occurrence(), scope)
    cursor.execute(_mark_former(), scope)
    if cursor.rowcount:
        cursor.execute(_make_room(), scope)
        cursor.execute(_insert_former(), scope)
        cursor.execute(_keep_former_end(), scope)
        cursor.execute(_take_over_requests(), scope)
        cursor.execute(_derive_reschedules(), scope)
        cursor.execute(f"UPDATE {_SESSIONS.stage.name} SET outcome = 'updated' WHERE outcome = 'former'")


def adopt_derived(cursor: CursorWrapper, scope: dict[str, Any]) -> None:
    """The first reschedule row of a moved occurrence takes the place of the derived one."""
    values = (
        "initiator",
        "requested_at",
        "original_start",
        "new_start",
        "reason_code",
        "reason",
        "recorded_at",
        "clock",
    )
    stage = _RESCHEDULES.stage.name
    cursor.execute(
        f"""
        WITH first AS (
            SELECT DISTINCT ON (s.session_id) s.* FROM {stage} s
            WHERE s.wave = %(wave)s AND s.shape = %(shape)s AND s.outcome IS NULL
            ORDER BY s.session_id, s.requested_at
        ), adopted AS (
            UPDATE {_RESCHEDULES.name} f
            SET {", ".join(f"{name} = s.{name}" for name in values)}, is_derived = false, updated_at = %(now)s
            FROM first s WHERE f.session_id = s.session_id AND f.is_derived
              AND NOT EXISTS (SELECT FROM {_RESCHEDULES.name} x WHERE x.session_id = s.session_id
                              AND x.requested_at = s.requested_at AND NOT x.is_derived)
            RETURNING s.line, new.id, old AS former, new.recorded_at
        ), kept AS (
            INSERT INTO {REVISIONS} (partner_id, entity, fact_id, state, recorded_at, superseded_at, kept_at)
            SELECT %(partner)s, '{Entity.RESCHEDULE.value}', id, to_jsonb(former), (former).recorded_at, recorded_at,
                   %(now)s
            FROM adopted WHERE (former).recorded_at < recorded_at
            ON CONFLICT DO NOTHING
        )
        UPDATE {stage} s SET outcome = 'created', fact_id = a.id FROM adopted a WHERE a.line = s.line""",
        scope,
    )


def _find_occurrence() -> str:
    return f"""
        UPDATE {_SESSIONS.stage.name} s SET fact_id = found.id
        FROM (
            SELECT DISTINCT ON (f.external_id, f.scheduled_start) f.* FROM {_SESSIONS.name} f
            WHERE f.partner_id = %(partner)s AND f.external_id IN (
                SELECT s.external_id FROM {_SESSIONS.stage.name} s WHERE {_LATE})
            ORDER BY f.external_id, f.scheduled_start, f.occurrence DESC
        ) AS found
        WHERE {_LATE} AND found.external_id = s.external_id AND found.scheduled_start = s.scheduled_start"""


def _mark_former() -> str:
    return f"""
        UPDATE {_SESSIONS.stage.name} s SET outcome = 'former' FROM {_SESSIONS.name} f
        WHERE {_LATE} AND f.id = s.fact_id AND f.scheduled_start <> s.scheduled_start AND f.occurrence = 0"""


def _former(columns: str) -> str:
    """Per former row (s) and the occurrence that stands (f) the moment of the move: when f was first heard of."""
    return f"""
        SELECT {columns}, least(f.recorded_at, (
            SELECT min(r.recorded_at) FROM {REVISIONS} r
            WHERE r.entity = '{Entity.SESSION.value}' AND r.fact_id = f.id)) AS moved_at
        FROM {_SESSIONS.stage.name} s JOIN {_SESSIONS.name} f ON f.id = s.fact_id
        WHERE s.wave = %(wave)s AND s.shape = %(shape)s AND s.outcome = 'former'"""


def _make_room() -> str:
    return f"""
        UPDATE {_SESSIONS.name} x
        SET occurrence = 1, booked_at = greatest(x.booked_at, m.moved_at), first_known_at = m.moved_at,
            updated_at = %(now)s
        FROM ({_former("f.id")}) AS m WHERE x.id = m.id"""


def _insert_former() -> str:
    values = {name: f"s.{name}" for name in _SESSIONS.content} | {
        "partner_id": "%(partner)s",
        "external_id": "s.external_id",
        "scheduled_start": "s.scheduled_start",
        "occurrence": "0",
        "is_latest": "false",
        "status": f"CASE WHEN {_ENDED} THEN s.status ELSE '{Status.RESCHEDULED}' END",
        "first_known_at": "coalesce(s.booked_at, s.recorded_at)",
        "recorded_at": f"CASE WHEN {_ENDED} THEN s.recorded_at ELSE s.moved_at END",
        "clock": "s.clock",
        "ingested_at": "%(now)s",
        "updated_at": "%(now)s",
    }
    return f"""
        INSERT INTO {_SESSIONS.name} ({", ".join(values)})
        SELECT {", ".join(values.values())} FROM ({_former("s.*")}) AS s"""


def _keep_former_end() -> str:
    """An outcome that the move replaced was known until then."""
    own = "'status', m.status, 'recorded_at', m.recorded_at"
    return f"""
        INSERT INTO {REVISIONS} (partner_id, entity, fact_id, state, recorded_at, superseded_at, kept_at)
        SELECT %(partner)s, '{Entity.SESSION.value}', o.id, to_jsonb(o) || jsonb_build_object({own}), m.recorded_at,
               o.recorded_at, %(now)s
        FROM ({_former("s.external_id, s.status, s.recorded_at")}) AS m
        JOIN {_SESSIONS.name} o ON o.partner_id = %(partner)s AND o.external_id = m.external_id AND o.occurrence = 0
        WHERE m.status NOT IN {OPEN} AND m.recorded_at < o.recorded_at"""


def _take_over_requests() -> str:
    """Requests that name the former start were put on the only occurrence there was."""
    return f"""
        UPDATE {_RESCHEDULES.name} x SET session_id = o.id, updated_at = %(now)s
        FROM ({_former("s.external_id, s.scheduled_start, f.id")}) AS m
        JOIN {_SESSIONS.name} o ON o.partner_id = %(partner)s AND o.external_id = m.external_id AND o.occurrence = 0
        WHERE x.session_id = m.id AND x.original_start = m.scheduled_start"""


def _derive_reschedules() -> str:
    return f"""
        INSERT INTO {_RESCHEDULES.name} (session_id, initiator, requested_at, original_start, new_start, reason_code,
                                         reason, is_derived, recorded_at, clock, ingested_at, updated_at)
        SELECT o.id, '{Initiator.UNKNOWN}', o.recorded_at, o.scheduled_start, m.scheduled_start, '', '', true,
               m.moved_at, m.clock, %(now)s, %(now)s
        FROM ({_former("s.external_id, f.scheduled_start, f.id, f.clock")}) AS m
        JOIN {_SESSIONS.name} o ON o.partner_id = %(partner)s AND o.external_id = m.external_id AND o.occurrence = 0
        WHERE NOT EXISTS (SELECT FROM {_RESCHEDULES.name} x WHERE x.session_id = o.id)"""
