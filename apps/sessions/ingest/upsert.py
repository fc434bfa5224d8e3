"""One statement applies a batch and keeps the states it replaces; two more say what became of the other rows.

Rows are applied where they are new, or newer and different. ``INSERT … ON CONFLICT DO UPDATE`` locks each row it
meets, so two batches never lose each other's update, and ``RETURNING old, new`` (PostgreSQL 18) hands the replaced
state to the revisions within the same statement.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.sessions.ingest.tables import OPEN, REVISIONS, FactTable
from apps.sessions.models import Entity

READ_FIRST_FROM = 100  # rows; for fewer a read that spares locks costs more than the locks

_SHAPE = "s.wave = %(wave)s AND s.shape = %(shape)s AND s.outcome IS NULL"
_NEWEST = "coalesce(f.recorded_at, '-infinity')"


def apply_rows(
    cursor: CursorWrapper, table: FactTable, given: frozenset[str], scope: dict[str, Any], rows: int
) -> set[str]:
    """Gives every staged row of one wave and shape (``rows`` of them) an outcome.

    ``created``, ``updated``, ``unchanged`` and ``conflict`` are final; ``late``, ``moved`` and ``inconsistent`` are
    left to ``history``, ``moves`` and the report. Answers which outcomes the rows that were not applied got.
    """
    content = tuple(name for name in table.content if name in given)
    if rows >= READ_FIRST_FROM:
        cursor.execute(_mark_unchanged(table, content), scope)
        rows -= cursor.rowcount
    if rows:
        cursor.execute(_upsert(table, content), scope)
        rows -= cursor.rowcount
    if not rows:
        return set()
    cursor.execute(_explain_others(table, content), scope)
    return {outcome for (outcome,) in cursor.fetchall()}


def merged(table: FactTable, column: str, row: str) -> str:
    """What a given column becomes in an update from ``row``."""
    return table.merged.get(column, "{given}").format(given=f"{row}.{column}")


def differs(table: FactTable, content: tuple[str, ...], row: str) -> str:
    """Whether ``row`` says something else than ``f`` in the columns it gives."""
    if not content:
        return "false"
    says = ", ".join(merged(table, name, row) for name in content)
    stands = ", ".join(f"f.{name}" for name in content)
    return f"(({says}) IS DISTINCT FROM ({stands}))"


def replaces_known(table: FactTable, old: str, new: str) -> str:
    """Whether going from ``old`` to ``new`` forgets something. The ordinary way to an outcome, from an open session by
    filling in what was empty, forgets nothing: the row itself says when each became known."""
    if table.spec.entity is not Entity.SESSION:
        return "true"
    filled = " AND ".join(
        f"({old}.{name} IS NULL OR {old}.{name}::text = '' OR {old}.{name} IS NOT DISTINCT FROM {new}.{name})"
        for name in table.content
        if name != "status"
    )
    return f"NOT ({old}.status IN {OPEN} AND {filled})"


def _same_start(table: FactTable) -> str:
    return "f.scheduled_start = s.scheduled_start" if table.spec.entity is Entity.SESSION else "true"


def _mark_unchanged(table: FactTable, content: tuple[str, ...]) -> str:
    """A read before the write: most rows of a repeated import end here without a lock."""
    return f"""
        UPDATE {table.stage.name} s SET outcome = 'unchanged', fact_id = f.id FROM {table.name} f
        WHERE {_SHAPE} AND {table.match} AND {_same_start(table)} AND NOT {table.is_new}
          AND s.recorded_at >= {_NEWEST} AND NOT {differs(table, content, "s")}"""


def _upsert(table: FactTable, content: tuple[str, ...]) -> str:
    values = {item.fills: f"s.{item.fills}" for item in table.spec.fields}
    values |= ({"clock": "s.clock"} if table.has_clock else {}) | table.inserted
    changes = {name: merged(table, name, "excluded") for name in content} | {"recorded_at": "excluded.recorded_at"}
    changes |= ({"clock": "excluded.clock"} if table.has_clock else {}) | table.updated
    consistent = table.consistent.format_map(
        {name: merged(table, name, "excluded") if name in content else f"f.{name}" for name in table.content}
    )
    unmoved = "f.scheduled_start = excluded.scheduled_start" if table.spec.entity is Entity.SESSION else "true"
    newer = f"({_NEWEST} < excluded.recorded_at AND {differs(table, content, 'excluded')})"
    former_tutor = "(a.former).tutor_id" if table.spec.entity is Entity.SESSION else "NULL"
    return f"""
        WITH applied AS (
            INSERT INTO {table.name} AS f ({", ".join(values)})
            SELECT {", ".join(values.values())} FROM {table.stage.name} s WHERE {_SHAPE} ORDER BY {table.order}
            ON CONFLICT {table.conflict} DO UPDATE SET {", ".join(f"{name} = {to}" for name, to in changes.items())}
            WHERE ({table.is_new} OR {newer}) AND {unmoved} AND {consistent}
            RETURNING new AS present, old AS former
        ), kept AS (
            INSERT INTO {REVISIONS} (partner_id, entity, fact_id, state, recorded_at, superseded_at, kept_at)
            SELECT %(partner)s, '{table.spec.entity.value}', (present).id, to_jsonb(former), (former).recorded_at,
                   (present).recorded_at, %(now)s
            FROM applied
            WHERE (former).id IS NOT NULL AND NOT {table.is_new.replace("f.", "(former).")}
              AND {replaces_known(table, "(former)", "(present)")}
            ON CONFLICT DO NOTHING
        )
        UPDATE {table.stage.name} s
        SET fact_id = (a.present).id, former_tutor_id = {former_tutor},
            outcome = CASE WHEN (a.former).id IS NULL OR {table.is_new.replace("f.", "(a.former).")} THEN 'created'
                           ELSE 'updated' END
        FROM applied a WHERE {_SHAPE} AND {_returned_match(table)}"""


def _returned_match(table: FactTable) -> str:
    columns = table.conflict[1 : table.conflict.index(")")].split(", ")
    return " AND ".join(f"(a.present).{name} = s.{name}" for name in columns if name != "partner_id")


def _explain_others(table: FactTable, content: tuple[str, ...]) -> str:
    """Why a row was not applied: the rows met are locked, so this sees what the upsert saw."""
    moved = "WHEN f.scheduled_start <> s.scheduled_start AND s.recorded_at > f.recorded_at THEN 'moved'"
    return f"""
        UPDATE {table.stage.name} s
        SET fact_id = f.id, outcome = CASE
            WHEN s.recorded_at < {_NEWEST} THEN 'late'
            {moved if table.spec.entity is Entity.SESSION else ""}
            WHEN NOT {differs(table, content, "s")} AND {_same_start(table)} THEN 'unchanged'
            WHEN s.recorded_at = f.recorded_at THEN 'conflict'
            ELSE 'inconsistent' END
        FROM {table.name} f WHERE {_SHAPE} AND {table.match} RETURNING s.outcome"""
