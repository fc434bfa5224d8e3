"""The doors of ingestion: rows handed over by code or API, files of an export, one corrected row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import structlog
from django.db import transaction

from apps.sessions.ingest.batches import NumberedRow, PreparedBatch, apply_batch, prepare
from apps.sessions.ingest.csv_rows import CsvRows, UnreadableFileError
from apps.sessions.ingest.entities import ENTITIES
from apps.sessions.ingest.exports import ExportFile, open_export
from apps.sessions.ingest.rejects import keep_refusals
from apps.sessions.ingest.results import BatchReport, RowOutcome, RowResult
from apps.sessions.ingest.rows import RowValidator
from apps.sessions.models import Clock, Entity, IngestRun, RejectedRow, TutoringSession
from tutorscore.accounts.models import Partner

log = structlog.get_logger(__name__)

AssumedClock = Literal["partner", "event"]
Progress = Callable[[str, int, float], None]  # entity, rows so far, seconds so far

CHUNK_ROWS = 20_000  # rows of a file that are committed together


def ingest_rows(
    *,
    partner: Partner,
    entity: Entity,
    rows: Iterable[Any],
    now: datetime,
    source: str,
    assume_recorded_at: AssumedClock = "partner",
    run: IngestRun | None = None,
    keep_rejects: bool = True,
) -> list[RowResult]:
    """Applies a small batch in one transaction; one result per row, in the order of the rows.

    Rows are dictionaries with the contract's names; values may be strings as in a file or JSON values.
    """
    validator = RowValidator(ENTITIES[entity], now=now, assume_event_clock=assume_recorded_at == "event")
    batch = prepare(validator, enumerate(rows, start=1))
    with transaction.atomic():
        report = apply_batch(partner=partner, batch=batch, now=now, row_by_row=True)
        if keep_rejects and report.refusals:
            run = run or _finished_run(partner, entity, source, report, now)
            keep_refusals(partner=partner, run=run, entity=entity, source=source, refusals=report.refusals)
    return sorted(report.results, key=lambda result: result.line)


@dataclass
class FileReport:
    """What became of one file; ``error`` says why nothing of it could be read."""

    entity: Entity
    outcomes: Counter[str] = field(default_factory=Counter)
    unknown_columns: list[str] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        return sum(self.outcomes.values())


@dataclass
class ImportReport:
    """``usable_sessions`` of all ended ``sessions`` carry a stated or assumed ``recorded_at``: training needs it."""

    run: IngestRun
    files: list[FileReport] = field(default_factory=list)
    usable_sessions: int = 0
    sessions: int = 0

    @property
    def refused(self) -> int:
        return sum(report.outcomes[RowOutcome.REJECTED] + report.outcomes[RowOutcome.CONFLICT] for report in self.files)


def import_export(
    *,
    partner: Partner,
    path: Path,
    now: datetime,
    assume_recorded_at: AssumedClock | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Imports a folder or zip, chunk by chunk. A killed import is run again: what is in stays and counts as unchanged.

    Raises ``UnreadableFileError`` when there is no export at ``path``; one bad file is reported and the others go on.
    """
    assumed = Clock.EVENT if assume_recorded_at == "event" else ""
    with open_export(path) as files:
        run = IngestRun.objects.create(partner=partner, door="files", source=path.name[:255], assumed_clock=assumed)
        report = ImportReport(run)
        for file in files:
            report.files.append(_import_file(run, file, now, progress))
    run.finished_at = now
    run.save(update_fields=["finished_at"])
    sessions = TutoringSession.objects.of_partner(partner)
    report.sessions = sessions.ended().count()
    report.usable_sessions = sessions.usable_for_training().count()
    return report


def replay_rejected(*, row: RejectedRow, corrected: dict[str, Any], now: datetime, by: str) -> RowResult:
    """Sends a corrected row through the same door; when it is accepted the rejected row counts as resolved."""
    with transaction.atomic():
        (result,) = ingest_rows(
            partner=row.partner,
            entity=Entity(row.entity),
            rows=[corrected],
            now=now,
            source=f"replay of {row.pk}",
            keep_rejects=False,
        )
        if result.outcome not in (RowOutcome.REJECTED, RowOutcome.CONFLICT):
            RejectedRow.objects.filter(pk=row.pk, resolved_at=None).update(resolved_at=now)
    log.info("rejected_row_replayed", row=row.pk, outcome=result.outcome, code=result.code, by=by)
    return result


def _import_file(run: IngestRun, file: ExportFile, now: datetime, progress: Progress | None) -> FileReport:
    report = FileReport(file.entity)
    begun = monotonic()
    try:
        with file.open() as stream:
            _import_rows(run, file, CsvRows(stream), report, now, progress, begun)
    except UnreadableFileError as unreadable:
        report.error = str(unreadable)
    report.seconds = monotonic() - begun
    return report


def _import_rows(
    run: IngestRun,
    file: ExportFile,
    rows: CsvRows,
    report: FileReport,
    now: datetime,
    progress: Progress | None,
    begun: float,
) -> None:
    spec = ENTITIES[file.entity]
    missing = [name for name in spec.required if name not in rows.columns]
    if missing:
        raise UnreadableFileError(f"{file.place.name} lacks the required columns {', '.join(missing)}.")
    report.unknown_columns = spec.unknown_names(rows.columns)
    validator = RowValidator(spec, now=now, assume_event_clock=run.assumed_clock == Clock.EVENT)
    for prepared in _prepared_ahead(validator, iter(rows)):
        with transaction.atomic():
            batch = apply_batch(partner=run.partner, batch=prepared, now=now, row_by_row=False)
            keep_refusals(
                partner=run.partner,
                run=run,
                entity=file.entity,
                source=f"{run.source}/{file.place.name}"[:255],
                refusals=batch.refusals,
            )
            report.outcomes += batch.outcomes
            _note_progress(run, report)
        if progress:
            progress(file.entity.value, report.rows, monotonic() - begun)


def _prepared_ahead(validator: RowValidator, rows: Iterator[NumberedRow]) -> Iterator[PreparedBatch]:
    """Chunks of a file; while the database applies one, a thread prepares the next."""

    def next_chunk() -> PreparedBatch | None:
        chunk = list(islice(rows, CHUNK_ROWS))
        return prepare(validator, chunk) if chunk else None

    with ThreadPoolExecutor(max_workers=1) as ahead:
        coming = ahead.submit(next_chunk)
        while prepared := coming.result():
            coming = ahead.submit(next_chunk)
            yield prepared


def _note_progress(run: IngestRun, report: FileReport) -> None:
    run.outcomes[report.entity.value] = dict(report.outcomes)
    run.save(update_fields=["outcomes"])


def _finished_run(partner: Partner, entity: Entity, source: str, report: BatchReport, now: datetime) -> IngestRun:
    return IngestRun.objects.create(
        partner=partner,
        door="api",
        source=source[:255],
        finished_at=now,
        outcomes={entity.value: dict(report.outcomes)},
    )
