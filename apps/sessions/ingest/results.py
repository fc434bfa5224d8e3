"""What became of a row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices


class RowOutcome(TextChoices):
    """Every row that comes in gets exactly one of these."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"  # says nothing that was not known
    STALE = "stale"  # older than what is known: kept in history
    CONFLICT = "conflict"  # same time, other content: not applied
    REJECTED = "rejected"


CHANGING = (RowOutcome.CREATED.value, RowOutcome.UPDATED.value, RowOutcome.STALE.value)
REFUSED = (RowOutcome.CONFLICT.value, RowOutcome.REJECTED.value)

MESSAGES = {
    "conflict": "Another row with the same recorded_at says something else; send the right one with a later time.",
    "unknown_session": "No session with this id is known; send the session first, then replay this row.",
    "unknown_tutor": "No tutor with this id is known; send the tutor first, then replay this row.",
    "inconsistent": "Together with what is known, an end would lie before its beginning.",
}


@dataclass(frozen=True, slots=True)
class RowResult:
    """``line`` is the line of a file or the position in a request, from 1; ``field`` is empty for whole rows."""

    line: int
    external_id: str
    outcome: str
    code: str = ""
    field: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not applied, with everything needed to show, correct and replay it."""

    line: int
    row: Any
    code: str
    field: str
    message: str
    outcome: str = RowOutcome.REJECTED.value


@dataclass
class BatchReport:
    """``outcomes`` counts every row of a batch; ``results`` holds the rows one by one where they were asked for."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    results: list[RowResult] = field(default_factory=list)
