"""One batch of raw rows of one entity: prepared without a database, then applied in one transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import structlog
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg2.errorcodes import DEADLOCK_DETECTED

from apps.sessions.ingest import history, latecomers, moves, references
from apps.sessions.ingest.entities import EntitySpec
from apps.sessions.ingest.marks import mark_stale_tutors
from apps.sessions.ingest.rejects import storable
from apps.sessions.ingest.results import MESSAGES, REFUSED, BatchReport, Refusal, RowOutcome, RowResult
from apps.sessions.ingest.rows import RowValidator, ValidRow
from apps.sessions.ingest.stage import Lines, encode
from apps.sessions.ingest.tables import TABLES, FactTable
from apps.sessions.ingest.upsert import apply_rows
from apps.sessions.models import Entity
from tutorscore.accounts.models import Partner

log = structlog.get_logger(__name__)

DEADLOCK_TRIES = 5
_DEADLOCK_PAUSE_SECONDS = 0.05

NumberedRow = tuple[int, Any]


@dataclass(frozen=True)
class PreparedBatch:
    """Validated rows, ready for COPY. ``steps`` counts the rows of each wave and shape, in the order of applying."""

    spec: EntitySpec
    valid: dict[int, ValidRow]
    refused: list[Refusal]
    columns: list[str]
    copied: bytes
    steps: dict[tuple[int, int], int]
    shapes: dict[int, frozenset[str]]


def prepare(validator: RowValidator, rows: Iterable[NumberedRow]) -> PreparedBatch:
    """Validates and encodes numbered rows; a row may be a refusal already. Touches no database."""
    valid: dict[int, ValidRow] = {}
    refused: list[Refusal] = []
    for line, raw in rows:
        checked = raw if isinstance(raw, Refusal) else validator.check(line, raw)
        if isinstance(checked, ValidRow):
            valid[line] = checked
        else:
            refused.append(checked)
    waves = _waves(validator.spec, list(valid.values()))
    columns = TABLES[validator.spec.entity].stage.columns(validator.columns)
    steps = dict(sorted(Counter((wave, row.shape) for wave, row in waves).items()))
    return PreparedBatch(validator.spec, valid, refused, columns, encode(columns, waves), steps, validator.shapes)


def apply_batch(*, partner: Partner, batch: PreparedBatch, now: datetime, row_by_row: bool) -> BatchReport:
    """Applies a batch and accounts for all its rows. Atomic; a deadlock with another batch is tried again."""
    report = BatchReport()
    for refusal in batch.refused:
        _report_refusal(report, batch.spec, refusal, row_by_row)
    for outcome, code, lines in _apply_until_no_deadlock(partner, batch, now) if batch.valid else []:
        if outcome == "inconsistent":
            outcome, code = RowOutcome.REJECTED.value, "inconsistent"
        if outcome in REFUSED:
            for line in lines:
                _report_refusal(report, batch.spec, _refusal(batch, line, outcome, code or outcome), row_by_row)
            continue
        report.outcomes[RowOutcome(outcome).value] += len(lines)
        if row_by_row:
            name = batch.spec.fields[0].column
            report.results += [RowResult(line, batch.valid[line].values[name], outcome) for line in lines]
    return report


def _apply_until_no_deadlock(partner: Partner, batch: PreparedBatch, now: datetime) -> list[Lines]:
    for tries in range(1, DEADLOCK_TRIES + 1):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                return _apply(cursor, partner, batch, now)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) != DEADLOCK_DETECTED or tries == DEADLOCK_TRIES:
                raise
            log.warning("ingest_deadlock", entity=batch.spec.entity.value, partner=partner.pk, tries=tries)
            time.sleep(_DEADLOCK_PAUSE_SECONDS * tries)
    raise AssertionError("the last try returns or raises")


def _apply(cursor: CursorWrapper, partner: Partner, batch: PreparedBatch, now: datetime) -> list[Lines]:
    table = TABLES[batch.spec.entity]
    table.stage.fill(cursor, batch.columns, batch.copied, len(batch.steps))
    scope = {"partner": partner.pk, "now": now}
    references.resolve(cursor, table, scope, len(batch.valid))
    for (wave, shape), rows in batch.steps.items():
        _apply_shape(cursor, table, batch.shapes[shape], scope | {"wave": wave, "shape": shape}, rows)
    if table.spec.entity is Entity.RESCHEDULE:
        moves.assume_ends_from_requests(cursor, scope)
    mark_stale_tutors(cursor, table, scope)
    return table.stage.outcomes(cursor)


def _apply_shape(
    cursor: CursorWrapper, table: FactTable, given: frozenset[str], scope: dict[str, Any], rows: int
) -> None:
    """Rows of one wave that give the same fields."""
    entity = table.spec.entity
    if entity is Entity.RESCHEDULE:
        latecomers.adopt_derived(cursor, scope)
    left = apply_rows(cursor, table, given, scope, rows)
    if entity is Entity.SESSION and "moved" in left:
        moves.begin_next_occurrences(cursor, given, scope)
    if "late" in left:
        if entity is Entity.SESSION:
            latecomers.place_former_starts(cursor, scope)
        history.keep_late_rows(cursor, table, given, scope)


def _waves(spec: EntitySpec, rows: list[ValidRow]) -> list[tuple[int, ValidRow]]:
    """Versions of one fact are applied one after the other, oldest first, whatever their order in the batch."""
    key = itemgetter(*spec.key)
    if len({key(row.values) for row in rows}) == len(rows):
        return [(0, row) for row in rows]
    versions: dict[Any, list[ValidRow]] = {}
    for row in rows:
        versions.setdefault(key(row.values), []).append(row)
    return [
        (wave, row)
        for same in versions.values()
        for wave, row in enumerate(sorted(same, key=lambda row: (row.recorded_at, row.line)))
    ]


def _refusal(batch: PreparedBatch, line: int, outcome: str, code: str) -> Refusal:
    field = batch.spec.fields[0].name if code.startswith("unknown_") else ""
    return Refusal(line, batch.valid[line].raw, code, field, MESSAGES[code], outcome)


def _report_refusal(report: BatchReport, spec: EntitySpec, refusal: Refusal, row_by_row: bool) -> None:
    report.refusals.append(refusal)
    report.outcomes[refusal.outcome] += 1
    if row_by_row:
        name = _name_of(spec, refusal.row)
        report.results.append(
            RowResult(refusal.line, name, refusal.outcome, refusal.code, refusal.field, refusal.message)
        )


def _name_of(spec: EntitySpec, raw: Any) -> str:
    """The id a refused row goes by in an answer, as far as it can be read."""
    name = raw.get(spec.fields[0].name, "") if isinstance(raw, Mapping) else ""
    return storable(name[:64]) if isinstance(name, str) else ""
