"""Rows that are older than what is known: they change nothing that stands, but the past gets their state.

A revision holds from its ``recorded_at`` until the next known state. A late row splits the interval it falls into.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.sessions.ingest.tables import REVISIONS, FactTable
from apps.sessions.ingest.upsert import replaces_known
from apps.sessions.models import Entity

_LATE = "s.wave = %(wave)s AND s.shape = %(shape)s AND s.outcome = 'late'"
_OLD = "r.entity = '{entity}' AND r.fact_id = s.fact_id"


def keep_late_rows(cursor: CursorWrapper, table: FactTable, given: frozenset[str], scope: dict[str, Any]) -> None:
    """Turns ``late`` into ``stale`` (kept), ``unchanged`` (was known) or ``conflict`` (same time, other content)."""
    content = tuple(name for name in table.content if name in given)
    cursor.execute(_compare_with_standing(table, content), scope)
    cursor.execute(_compare_with_present(table, content), scope)
    if table.spec.entity is Entity.SESSION:
        cursor.execute(_pass_over_ordinary_steps(table), scope)
        cursor.execute(_know_earlier(table), scope)
    cursor.execute(_shorten_former(table), scope)
    cursor.execute(_keep(table), scope)


def _compare_with_standing(table: FactTable, content: tuple[str, ...]) -> str:
    """Against the revision that stood at the row's time, if there is one."""
    says = ", ".join(f"s.{name}" for name in content) or "NULL"
    stood = ", ".join(f"old.{name}" for name in content) or "NULL"
    return f"""
        UPDATE {table.stage.name} s
        SET outcome = CASE WHEN ({says}) IS NOT DISTINCT FROM ({stood}) THEN 'unchanged' ELSE 'conflict' END
        FROM {REVISIONS} r CROSS JOIN LATERAL jsonb_populate_record(NULL::{table.name}, r.state) old
        WHERE {_LATE} AND {_OLD.format(entity=table.spec.entity.value)}
          AND r.recorded_at <= s.recorded_at AND s.recorded_at < r.superseded_at
          AND (r.recorded_at = s.recorded_at OR ({says}) IS NOT DISTINCT FROM ({stood}))"""


def _compare_with_present(table: FactTable, content: tuple[str, ...]) -> str:
    """Against the state of a former occurrence, where the row is no older than that: an end is not overwritten."""
    says = ", ".join(f"s.{name}" for name in content) or "NULL"
    stands = ", ".join(f"f.{name}" for name in content) or "NULL"
    return f"""
        UPDATE {table.stage.name} s
        SET outcome = CASE WHEN ({says}) IS NOT DISTINCT FROM ({stands}) THEN 'unchanged' ELSE 'conflict' END
        FROM {table.name} f WHERE {_LATE} AND f.id = s.fact_id AND f.recorded_at <= s.recorded_at"""


def _pass_over_ordinary_steps(table: FactTable) -> str:
    """An open state on the ordinary way to what stands is no history, once it is known that it was known."""
    return f"""
        UPDATE {table.stage.name} s SET outcome = 'unchanged' FROM {table.name} f
        WHERE {_LATE} AND f.id = s.fact_id AND NOT {replaces_known(table, "s", "f")}
          AND (f.booked_at IS NOT NULL OR f.first_known_at <= s.recorded_at)"""


def _know_earlier(table: FactTable) -> str:
    return f"""
        UPDATE {table.name} f SET first_known_at = coalesce(s.booked_at, s.recorded_at), updated_at = %(now)s
        FROM {table.stage.name} s
        WHERE {_LATE} AND f.id = s.fact_id AND f.booked_at IS NULL
          AND f.first_known_at > coalesce(s.booked_at, s.recorded_at)"""


def _shorten_former(table: FactTable) -> str:
    return f"""
        UPDATE {REVISIONS} r SET superseded_at = s.recorded_at FROM {table.stage.name} s
        WHERE {_LATE} AND {_OLD.format(entity=table.spec.entity.value)}
          AND r.recorded_at < s.recorded_at AND s.recorded_at < r.superseded_at"""


def _keep(table: FactTable) -> str:
    """The state is the row's own; what it leaves out is taken as not yet known then, never from what came later."""
    clock = ["'clock', s.clock"] if table.has_clock else []
    columns = ["'recorded_at', s.recorded_at", *clock, *(f"'{name}', s.{name}" for name in table.content)]
    ordinary = replaces_known(table, "s", "f")
    return f"""
        WITH kept AS (
            INSERT INTO {REVISIONS} (partner_id, entity, fact_id, state, recorded_at, superseded_at, kept_at)
            SELECT %(partner)s, '{table.spec.entity.value}', f.id,
                   to_jsonb(f) || jsonb_build_object({", ".join(columns)}), s.recorded_at,
                   least(f.recorded_at, (SELECT min(r.recorded_at) FROM {REVISIONS} r
                                         WHERE {_OLD.format(entity=table.spec.entity.value)}
                                           AND r.recorded_at > s.recorded_at)),
                   %(now)s
            FROM {table.stage.name} s JOIN {table.name} f ON f.id = s.fact_id
            WHERE {_LATE} AND {ordinary}
        )
        UPDATE {table.stage.name} s SET outcome = 'stale' WHERE {_LATE}"""
