"""Marks that have a tutor scored again; ingestion writes its own in the transaction that changes a fact."""

from __future__ import annotations

from collections.abc import Iterable

from apps.tutors.models import StaleTutor

PRIOR_CHANGED = "prior"
FOUND_WRONG = "verify"
ASKED_FOR = "asked"


def mark_for_scoring(*, tutor_ids: Iterable[int], reason: str) -> int:
    """Have tutors scored again by the next drain; how many were marked."""
    marks = [StaleTutor(tutor_id=tutor_id, reason=reason) for tutor_id in tutor_ids]
    return len(StaleTutor.objects.bulk_create(marks, batch_size=5_000))
