"""Marks "score this tutor again", written in the transaction that changed the facts."""

from __future__ import annotations

from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.sessions.ingest.results import CHANGING
from apps.sessions.ingest.tables import MARKS, FactTable


def mark_stale_tutors(cursor: CursorWrapper, table: FactTable, scope: dict[str, Any]) -> None:
    """One mark per tutor whose facts a batch changed; a session that changed hands marks both tutors."""
    if not table.tutor:
        return
    cursor.execute(
        f"""
        INSERT INTO {MARKS} (tutor_id, reason, marked_at)
        SELECT DISTINCT x.tutor_id, '{table.spec.entity.value}', %(now)s
        FROM {table.stage.name} s CROSS JOIN LATERAL (VALUES ({table.tutor}), (s.former_tutor_id)) AS x(tutor_id)
        WHERE s.outcome = ANY(%(changing)s) AND x.tutor_id IS NOT NULL ORDER BY 1""",
        scope | {"changing": list(CHANGING)},
    )
