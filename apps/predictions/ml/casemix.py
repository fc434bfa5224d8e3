"""Case mix: what a session of this kind usually brings, whoever the tutor or the student is.

What a tutor did is compared with what the same sessions would usually bring: the difference, decayed, is a steadier
sign of the tutor than a raw rate when tutors get different sessions. Only things settled when a session was booked
are used, so that the expectation of a past session never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from apps.predictions.ml.asof import Floats, Ints, Mask
from apps.predictions.ml.frames import HOUR, MINUTE, NEVER
from apps.predictions.ml.history import Facts, History
from apps.predictions.ml.localtime import hour_of_day, weekday
from apps.predictions.ml.newton import Matrix, fit_ridge

_LEAD_HOURS = np.array([12.0, 24.0, 48.0, 96.0, 168.0, 336.0])
_LEAST_ROWS, _LEAST_HITS = 500, 25
_RIDGE = 10.0


@dataclass(frozen=True)
class CaseMix:
    """Additive effects by bucket: ``tables[name][bucket]``; an unseen bucket adds nothing.

    ``is_rate``: the sum is a log-odds and ``expected`` a probability; else the sum is the expected value itself.
    ``spread`` is the variance between tutors: of log-odds for a rate, else in units of the variance within a tutor.
    """

    intercept: float
    tables: dict[str, dict[int, float]]
    spread: float
    is_rate: bool = True

    def expected(self, history: History, facts: Facts) -> Floats:
        """What the session of each fact would usually bring."""
        total = np.full(len(facts), self.intercept)
        for name, bucket in history.about(facts, "buckets", lambda: buckets(history, facts)).items():
            table = self.tables.get(name, {})
            keys = np.array(sorted(table), dtype=np.int64)
            if not len(keys):
                continue
            weights = np.array([table[int(key)] for key in keys])
            place = np.minimum(np.searchsorted(keys, bucket), len(keys) - 1)
            total += np.where(keys[place] == bucket, weights[place], 0.0)
        return np.asarray(expit(total), dtype=np.float64) if self.is_rate else total

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> CaseMix:
        tables = {
            name: {int(key): float(weight) for key, weight in table.items()} for name, table in stored["tables"].items()
        }
        return CaseMix(float(stored["intercept"]), tables, float(stored["spread"]), bool(stored["is_rate"]))


def buckets(history: History, facts: Facts) -> dict[str, Ints]:
    """The kind of session behind each fact, as small integers."""
    start, booked = history.of("start", facts), history.of("booked_at", facts)
    minutes = (history.of("end", facts) - start) // MINUTE
    local = history.local_start[facts.row]
    lead = np.searchsorted(_LEAD_HOURS, (start - np.minimum(booked, start)) / HOUR)
    return {
        "subject": history.of("subject_id", facts),
        "index": np.searchsorted(np.array([1, 2, 4, 8]), history.earlier_of(facts), side="right"),
        "lead": np.where(booked < NEVER, lead, -1),
        "hour": (hour_of_day(local) // 3).astype(np.int64),
        "weekday": weekday(local),
        "minutes": np.searchsorted(np.array([45, 75, 105]), minutes),
        "replacement": (history.of("replaces_id", facts) != 0).astype(np.int64),
    }


def fit_rate_mix(history: History, facts: Facts, hit: Mask) -> CaseMix:
    """Ridge logistic regression on the buckets; with too few rows everybody gets the plain rate."""
    rate = float(np.clip((hit.sum() + 1) / (len(hit) + 20), 0.001, 0.999))
    if len(hit) < _LEAST_ROWS or hit.sum() < _LEAST_HITS or (~hit).sum() < _LEAST_HITS:
        return CaseMix(float(logit(rate)), {}, 0.3)
    design, names = _columns(history, facts)
    fitted = fit_ridge(design, np.arange(len(hit)), hit.astype(np.float64), np.ones(len(hit)), _RIDGE)
    expected = np.asarray(expit(design @ fitted.weights + fitted.intercept), dtype=np.float64)
    spread = _spread(history.of("tutor_id", facts), hit - expected, expected * (1 - expected))
    return CaseMix(fitted.intercept, _tables(names, fitted.weights), spread)


def fit_mean_mix(history: History, facts: Facts, value: Floats, usual: float) -> CaseMix:
    """Ridge regression on the buckets; with too few rows everybody gets the plain mean, or ``usual`` without rows."""
    if len(value) < _LEAST_ROWS:
        return CaseMix(float(value.mean()) if len(value) else usual, {}, 0.1, is_rate=False)
    from sklearn.linear_model import Ridge  # a second to import, which processes that only answer need not wait for

    design, names = _columns(history, facts)
    fitted = Ridge(alpha=_RIDGE).fit(design, value)
    left = value - np.asarray(fitted.predict(design), dtype=np.float64)
    within = max(float(left.var()), 1e-9)
    spread = _spread(history.of("tutor_id", facts), left / within**0.5, np.ones(len(value)))
    return CaseMix(float(fitted.intercept_), _tables(names, fitted.coef_), spread, is_rate=False)


def _columns(history: History, facts: Facts) -> tuple[Matrix, list[tuple[str, int]]]:
    columns, names = [], []
    for name, bucket in buckets(history, facts).items():
        for value in np.unique(bucket):
            columns.append(bucket == value)
            names.append((name, int(value)))
    return np.column_stack(columns).astype(np.float32), names


def _tables(names: list[tuple[str, int]], weights: Floats) -> dict[str, dict[int, float]]:
    tables: dict[str, dict[int, float]] = {}
    for (name, value), weight in zip(names, weights, strict=True):
        tables.setdefault(name, {})[value] = float(weight)
    return tables


def _spread(group: Ints, surplus: Floats, variance: Floats) -> float:
    """Between-group variance by moments: E[(sum of surplus)^2] = sum v + s2 (sum v)^2."""
    _, code = np.unique(group, return_inverse=True)
    total, own = np.bincount(code, weights=surplus), np.bincount(code, weights=variance)
    excess = float((total**2 - own).sum() / (own**2).sum())
    return float(np.clip(excess, 0.02, 4.0))
