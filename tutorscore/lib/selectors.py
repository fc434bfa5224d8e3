"""Reads of the machinery: when jobs last finished."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tutorscore.lib.models import Heartbeat


def last_beats(jobs: Iterable[str]) -> dict[str, datetime]:
    """When each job last finished; jobs that never did are left out."""
    return dict(Heartbeat.objects.filter(job__in=list(jobs)).values_list("job", "beat_at"))
