"""Rows that were not applied are kept whole, once, so that people can see, correct and replay them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import JSONField, Value

from apps.sessions.ingest.results import Refusal
from apps.sessions.models import Entity, IngestRun, RejectedRow
from tutorscore.accounts.models import Partner

CELL_LENGTH = 20_000  # characters kept of one value; longer than any value that could be accepted
_BATCH = 2_000


def keep_refusals(
    *, partner: Partner, run: IngestRun | None, entity: Entity, source: str, refusals: Iterable[Refusal]
) -> None:
    """Stores refusals; one that is known already (same source, line and row) is not stored again."""
    kept = []
    for refusal in refusals:
        row = storable(refusal.row)
        kept.append(
            RejectedRow(
                partner=partner,
                run=run,
                entity=entity,
                source=source,
                line=refusal.line,
                field=refusal.field,
                code=refusal.code,
                message=refusal.message[:500],
                row=Value(None, JSONField()) if row is None else row,  # JSON null, not an empty column
                fingerprint=_fingerprint(source, refusal.line, row),
            )
        )
    RejectedRow.objects.bulk_create(kept, batch_size=_BATCH, ignore_conflicts=True)


def storable(value: Any) -> Any:
    """The value as JSON that PostgreSQL can hold: NUL and half surrogates are spelt out, NaN becomes a word."""
    if isinstance(value, Mapping):
        return {storable(str(name)): storable(cell) for name, cell in value.items()}
    if isinstance(value, list | tuple):
        return [storable(cell) for cell in value]
    if isinstance(value, str):
        cut = value if len(value) <= CELL_LENGTH else f"{value[:CELL_LENGTH]}… ({len(value)} characters)"
        return cut.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _fingerprint(source: str, line: int, row: Any) -> str:
    return hashlib.sha256(json.dumps([source, line, row], sort_keys=True).encode()).hexdigest()
