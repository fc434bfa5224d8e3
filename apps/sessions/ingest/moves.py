"""Moves under one id: another start for a known session ends the occurrence that stood and begins the next one.

The former occurrence keeps its start, ends as ``rescheduled`` and gets a derived reschedule (initiator unknown) unless
a reschedule row was there first; one that comes later takes its place (see ``latecomers``). A further occurrence was
booked by the move that made it, so that no question about it is asked before anyone could know it.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.sessions.ingest.results import CHANGING
from apps.sessions.ingest.tables import OPEN, REVISIONS, TABLES
from apps.sessions.models import Clock, Entity, Initiator, Status

_SESSIONS = TABLES[Entity.SESSION]
_RESCHEDULES = TABLES[Entity.RESCHEDULE]
_MOVED = "s.wave = %(wave)s AND s.shape = %(shape)s AND s.outcome = 'moved'"
_STAYS_ENDED = f"f.status IN ('{Status.RESCHEDULED}', '{Status.CANCELLED}')"
# What a row that leaves them out inherits from the former occurrence; how a session went is never inherited.
_INHERITED = ("duration_minutes", "subject_id", "replaces_external_id")


def begin_next_occurrences(cursor: CursorWrapper, given: frozenset[str], scope: dict[str, Any]) -> None:
    """Turns ``moved`` into ``updated``: the former occurrence ends, the next one begins."""
    cursor.execute(_end_former(), scope)
    cursor.execute(_derive_reschedules(), scope)
    cursor.execute(_begin_next(given), scope)


def assume_ends_from_requests(cursor: CursorWrapper, scope: dict[str, Any]) -> None:
    """A session without a recorded_at of its own that was moved or cancelled was known to be so from the request."""
    cursor.execute(
        f"""
        UPDATE {_SESSIONS.name} f
        SET recorded_at = s.requested_at, first_known_at = least(f.first_known_at, s.requested_at), updated_at = %(now)s
        FROM (SELECT session_id, min(requested_at) AS requested_at FROM {_RESCHEDULES.stage.name}
              WHERE outcome = ANY(%(changing)s) GROUP BY session_id) AS s
        WHERE f.id = s.session_id AND f.clock = '{Clock.EVENT}' AND {_STAYS_ENDED}
          AND f.recorded_at > s.requested_at""",
        scope | {"changing": list(CHANGING)},
    )


def _end_former() -> str:
    """An occurrence that had ended before it moved keeps its end; another end is replaced, and kept as a revision."""
    return f"""
        WITH ended AS (
            UPDATE {_SESSIONS.name} f
            SET is_latest = false, updated_at = %(now)s,
                status = CASE WHEN {_STAYS_ENDED} THEN f.status ELSE '{Status.RESCHEDULED}' END,
                recorded_at = CASE WHEN {_STAYS_ENDED} THEN f.recorded_at ELSE s.recorded_at END,
                clock = CASE WHEN {_STAYS_ENDED} THEN f.clock ELSE s.clock END
            FROM {_SESSIONS.stage.name} s WHERE {_MOVED} AND f.id = s.fact_id
            RETURNING old AS former, new.recorded_at
        )
        INSERT INTO {REVISIONS} (partner_id, entity, fact_id, state, recorded_at, superseded_at, kept_at)
        SELECT %(partner)s, '{Entity.SESSION.value}', (former).id, to_jsonb(former), (former).recorded_at, recorded_at,
               %(now)s
        FROM ended WHERE (former).status NOT IN {OPEN} AND (former).recorded_at < recorded_at
        ON CONFLICT DO NOTHING"""


def _derive_reschedules() -> str:
    return f"""
        INSERT INTO {_RESCHEDULES.name} (session_id, initiator, requested_at, original_start, new_start, reason_code,
                                         reason, is_derived, recorded_at, clock, ingested_at, updated_at)
        SELECT f.id, '{Initiator.UNKNOWN}', f.recorded_at, f.scheduled_start, s.scheduled_start, '', '', true,
               s.recorded_at, s.clock, %(now)s, %(now)s
        FROM {_SESSIONS.stage.name} s JOIN {_SESSIONS.name} f ON f.id = s.fact_id
        WHERE {_MOVED} AND NOT EXISTS (SELECT FROM {_RESCHEDULES.name} x WHERE x.session_id = f.id)"""


def _begin_next(given: frozenset[str]) -> str:
    values = {
        name: f"f.{name}" if name in _INHERITED and name not in given else f"s.{name}" for name in _SESSIONS.content
    } | {
        "partner_id": "%(partner)s",
        "external_id": "s.external_id",
        "scheduled_start": "s.scheduled_start",
        "occurrence": "f.occurrence + 1",
        "is_latest": "true",
        "booked_at": "greatest(s.booked_at, s.recorded_at)",
        "first_known_at": "s.recorded_at",
        "recorded_at": "s.recorded_at",
        "clock": "s.clock",
        "ingested_at": "%(now)s",
        "updated_at": "%(now)s",
    }
    return f"""
        WITH begun AS (
            INSERT INTO {_SESSIONS.name} ({", ".join(values)})
            SELECT {", ".join(values.values())}
            FROM {_SESSIONS.stage.name} s JOIN {_SESSIONS.name} f ON f.id = s.fact_id WHERE {_MOVED}
            RETURNING id, external_id
        )
        UPDATE {_SESSIONS.stage.name} s SET outcome = 'updated', fact_id = b.id, former_tutor_id = f.tutor_id
        FROM begun b, {_SESSIONS.name} f WHERE {_MOVED} AND b.external_id = s.external_id AND f.id = s.fact_id"""
