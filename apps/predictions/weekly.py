"""A tutor's metrics week by week, by the same functions as the score: what the small lines of the tutor page show."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from django.core.cache import cache

from apps.predictions.datasets import load_frames
from apps.predictions.ml.metrics import METRICS, window_metrics
from apps.predictions.models import TutorScore
from apps.predictions.moments import to_microseconds
from apps.tutors.models import Tutor

WEEKS = 12
KEPT_SECONDS = 60 * 60

Weeks = dict[str, list[float | None]]


def weekly_metrics(tutor: Tutor, score: TutorScore, now: datetime) -> Weeks:
    """Per metric its value over 7 days at the end of each of the last twelve weeks, oldest first; None where unknown.

    Kept for an hour or until the tutor is scored anew, whichever comes first.
    """
    key = f"weekly_metrics:{tutor.pk}:{score.computed_at:%Y%m%d%H%M%S%f}"
    found: Weeks | None = cache.get(key)
    if found is None:
        found = _weekly_metrics(tutor, now)
        cache.set(key, found, KEPT_SECONDS)
    return found


def _weekly_metrics(tutor: Tutor, now: datetime) -> Weeks:
    frames = load_frames(partner_ids=[tutor.partner_id], tutor_ids=[tutor.pk], known_by=now)
    moments = [to_microseconds(now - timedelta(weeks=back)) for back in range(WEEKS - 1, -1, -1)]
    ids = np.full(WEEKS, tutor.pk, dtype=np.int64)
    table = window_metrics(frames, ids, np.array(moments, dtype=np.int64), windows_days=(7,))
    return {
        key: [None if value != value else float(value) for value in table[key, "7d", "value"].to_numpy()]
        for key in METRICS
    }
