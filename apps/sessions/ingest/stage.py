"""The staging table of a batch: a temporary table per entity, filled by COPY, in which SQL writes what became of rows.

The table lives as long as its connection and is emptied at every commit, so that a single posted row does not pay for
creating one. Its name carries a hash of its columns: after a change of columns a pooled connection makes a new one.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import Any

from django.db.backends.utils import CursorWrapper

from apps.sessions.ingest.entities import EntitySpec
from apps.sessions.ingest.rows import ValidRow
from tutorscore.lib.copy_text import CELL

ANALYZE_FROM = 500  # rows; below it the planner's guess does no harm
INDEX_FROM = 20  # steps; many versions of one fact would otherwise read the whole table once per version

_WORKING_COLUMNS = {"line": "integer", "wave": "smallint", "shape": "smallint", "clock": "text"}
# Filled in by SQL: the keys behind references, the fact a row belongs to, and what became of the row.
_RESOLVED_COLUMNS = {
    "tutor_id": "bigint",
    "student_id": "bigint",
    "subject_id": "bigint",
    "session_id": "bigint",
    "fact_id": "bigint",
    "former_tutor_id": "bigint",
    "outcome": "text",
    "code": "text",
}

Lines = tuple[str, str, list[int]]  # outcome, code, the lines that share them


class Stage:
    """Staged rows of one entity. Columns that no row of a batch gives are not copied: they take their default."""

    def __init__(self, spec: EntitySpec) -> None:
        self.spec = spec
        fields = {field.column: f"{field.sql_type} DEFAULT {_literal(field.default)}" for field in spec.fields}
        columns = _WORKING_COLUMNS | fields | _RESOLVED_COLUMNS
        self._definition = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self._fields = tuple(fields)
        digest = hashlib.sha256(self._definition.encode()).hexdigest()[:8]
        self.name = f"stage_{spec.entity.value}_{digest}"

    def columns(self, given: Iterable[str]) -> list[str]:
        """The columns to copy when the rows of a batch give these fields."""
        wanted = frozenset(given)
        return [*_WORKING_COLUMNS, *(name for name in self._fields if name in wanted)]

    def fill(self, cursor: CursorWrapper, columns: list[str], copied: bytes, steps: int) -> None:
        """Replaces the staged rows by those of ``copied`` (see ``encode``), to be applied in so many steps."""
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {self.name} ({self._definition}) ON COMMIT DELETE ROWS")
        cursor.execute(f"DELETE FROM {self.name}")
        cursor.copy_expert(f"COPY {self.name} ({', '.join(columns)}) FROM STDIN", io.BytesIO(copied))
        rows = cursor.rowcount
        if steps >= INDEX_FROM:
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {self.name}_step ON {self.name} (wave, shape)")
        if rows >= ANALYZE_FROM:
            if "external_id" in self._fields:
                # Statistics know nothing of a new partner: the planner takes its facts for a single row and starts from
                # them. With this index that costs a look-up per fact, without it a scan of the stage per fact.
                cursor.execute(f"CREATE INDEX IF NOT EXISTS {self.name}_key ON {self.name} (external_id)")
            cursor.execute(f"ANALYZE {self.name}")

    def outcomes(self, cursor: CursorWrapper) -> list[Lines]:
        """What became of the rows: every line once."""
        cursor.execute(f"SELECT outcome, coalesce(code, ''), array_agg(line) FROM {self.name} GROUP BY outcome, code")
        return list(cursor.fetchall())


def encode(columns: list[str], waves: Iterable[tuple[int, ValidRow]]) -> bytes:
    """Rows in the text format of COPY."""
    names = columns[len(_WORKING_COLUMNS) - 1 :]  # the clock is among the values of a row
    encoders = CELL
    lines = []
    for wave, row in waves:
        values = row.values
        cells = [encoders[type(value)](value) for value in map(values.__getitem__, names)]
        lines.append(f"{row.line}\t{wave}\t{row.shape}\t" + "\t".join(cells))
    lines.append("")
    return "\n".join(lines).encode()


def _literal(value: Any) -> str:
    """A default as SQL; defaults are constants of the specs."""
    if value is None:
        return "NULL"
    return "'{}'" if value == [] else f"'{value}'"
