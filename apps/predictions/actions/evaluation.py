"""How the champions did: weekly figures on decided sessions that nothing reached, weighted to stand for all."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from django.db.models import F

from apps.predictions.ml.monitoring import Performance, performance
from apps.predictions.models import ModelVersion, Outcome, PerformanceLog

WINDOW_DAYS = 90


def evaluate_models(*, now: datetime, window_days: int = WINDOW_DAYS) -> list[PerformanceLog]:
    """One row per champion about its decisions of the last ``window_days`` whose outcome is known by ``now``.

    Labels of rows that a mail, call or intervention reached are left out; the others weigh one over the chance of
    having stayed untreated. A second call at the same ``now`` answers with the same rows.
    """
    champions = ModelVersion.objects.filter(standing=ModelVersion.Standing.CHAMPION).order_by("target")
    return [_evaluate(version, now, window_days) for version in champions]


def _evaluate(version: ModelVersion, now: datetime, window_days: int) -> PerformanceLog:
    rows = _outcomes(version, now, window_days)
    judged = rows[rows["label"].notna() & ~rows["was_treated"].astype(bool)]
    found = performance(
        judged["label"].to_numpy(dtype=np.float64),
        judged["probability"].to_numpy(dtype=np.float64),
        judged["chosen"].to_numpy(dtype=bool),
        1 / judged["propensity"].to_numpy(dtype=np.float64),
        judged["tutor_id"].to_numpy(dtype=np.int64),
    )
    log, _ = PerformanceLog.objects.get_or_create(
        model_version=version,
        as_of=now,
        time_window_days=window_days,
        defaults=_columns(found) | {"target": version.target, "details": _details(found, rows)},
    )
    return log


def _outcomes(version: ModelVersion, now: datetime, window_days: int) -> pd.DataFrame:
    names = ["label", "was_treated", "propensity", "probability", "chosen", "tutor_id"]
    rows = Outcome.objects.filter(
        prediction__model_version=version,
        prediction__is_decision=True,
        prediction__as_of__gt=now - timedelta(days=window_days),
        prediction__as_of__lte=now,
        known_at__lte=now,
        session__partner__is_scratch=False,
    ).order_by("session_id")
    values = rows.values_list(
        "label",
        "was_treated",
        "propensity",
        F("prediction__probability"),
        F("prediction__should_send_alert"),
        F("prediction__tutor_id"),
    )
    return pd.DataFrame(values, columns=names)


def _columns(found: Performance) -> dict[str, float | int | None]:
    columns = asdict(found)
    for name in ("base_rate", "mean_probability"):
        del columns[name]
    return columns | {"brier_skill": found.brier_skill.value if found.brier_skill else None}


def _details(found: Performance, rows: pd.DataFrame) -> dict[str, object]:
    """What the columns leave out: the interval of the skill, the rates, and the rows that could not count."""
    return {
        "base_rate": found.base_rate,
        "mean_probability": found.mean_probability,
        "brier_skill": asdict(found.brier_skill) if found.brier_skill else None,
        "treated": int(rows["was_treated"].sum()),
        "unlabelled": int(rows["label"].isna().sum()),
    }
