"""The tutor score: 0 to 100, the plain sum of named drivers, each computed from shrunken 90-day metrics.

A driver's points are whole numbers, so that the parts shown always add up to the score shown. The interval treats the
parts as independent and linear around their posterior means (delta method) and the sum as normal; that is an
approximation, good enough to tell a score of 48 ± 5 from one of 48 ± 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.frames import NEVER, Frames
from apps.predictions.ml.metric import COUNT, RATE
from apps.predictions.ml.metrics import (
    METRICS,
    MINIMUM_SESSIONS,
    RESCHEDULE_ALERT_PROBABILITY,
    RESCHEDULE_LIMIT,
    TREND_METRICS,
    TRENDS,
    WINDOWS_DAYS,
    metrics_of,
)
from apps.predictions.ml.prior import INTERVAL, RATING_METRIC, Prior
from apps.predictions.ml.weights import WEIGHTS, WEIGHTS_VERSION, Driver, Part, level_of
from apps.predictions.ml.windows import TutorFacts

SCORE_DAYS = 90
_DIGITS = 6


@dataclass(frozen=True)
class ScoreResult:
    """Where a tutor stands; ``score`` and its interval are None below the minimum volume.

    ``drivers``: key, name, points, of, value and n (of its first metric), metrics and sentence.
    ``metrics``: ``{metric: {window: {value, n, count, low, high}}}``; count for counts and rates, the 90 % interval for
    shrunken metrics where n > 0. A value nothing is known of is None.
    ``next_change_at``: µs at which time alone changes a window, None if it never does.
    """

    tutor_id: int
    as_of: int
    weights_version: int
    score: float | None
    score_low: float | None
    score_high: float | None
    level: str
    sessions_90d: int
    drivers: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    reschedule_rate_90d: float | None = None
    rating_90d: float | None = None
    over_reschedule_limit: bool = False
    reschedule_alert_probability: float | None = None
    next_change_at: int | None = None


@dataclass(frozen=True)
class Measured:
    """What a score is made from: sums of many tutors at one moment, independent of any prior or weight."""

    tutor_ids: Ints
    as_of: int
    sums: pd.DataFrame
    next_change_at: Ints


def measure(frames: Frames, tutor_ids: Ints, as_of: int, *, facts: TutorFacts | None = None) -> Measured:
    """Read the frames once; ``score_measured`` may then be asked under several priors and weights."""
    facts = facts or TutorFacts.of(frames)
    ids = np.asarray(tutor_ids, dtype=np.int64)
    moments = np.full(len(ids), as_of, dtype=np.int64)
    sums = facts.sums(ids, moments, WINDOWS_DAYS)
    return Measured(ids, as_of, sums, facts.next_change(ids, moments, WINDOWS_DAYS))


def score_tutors(
    frames: Frames, tutor_ids: Ints, as_of: int, prior: Prior, *, weights_version: int = WEIGHTS_VERSION
) -> list[ScoreResult]:
    """Score every tutor as known at ``as_of`` (µs), in the order given."""
    return score_measured(measure(frames, tutor_ids, as_of), prior, weights_version=weights_version)


def score_measured(measured: Measured, prior: Prior, *, weights_version: int = WEIGHTS_VERSION) -> list[ScoreResult]:
    """Score what was measured under one prior and one set of weights."""
    table = metrics_of(measured.sums, measured.tutor_ids)
    fields = _metric_fields(table, prior)
    points, drivers = _driver_points(table, prior, WEIGHTS[weights_version])
    spread = _score_sd(table, prior, WEIGHTS[weights_version])
    chance = _alert_probability(table, prior)
    resolved = table["sessions", "90d", "count"].to_numpy()
    results = []
    for place, tutor_id in enumerate(measured.tutor_ids.tolist()):
        metrics = {key: {window: columns[place] for window, columns in by.items()} for key, by in fields.items()}
        enough = resolved[place] >= MINIMUM_SESSIONS
        score = float(points[place].sum()) if enough else None
        low, high = _around(score, float(spread[place]))
        rate = metrics["reschedule_rate"]["90d"]["value"]
        changes_at = int(measured.next_change_at[place])
        results.append(
            ScoreResult(
                tutor_id=tutor_id,
                as_of=measured.as_of,
                weights_version=weights_version,
                score=score,
                score_low=low,
                score_high=high,
                level=level_of(score),
                sessions_90d=int(resolved[place]),
                drivers=[_driver(driver, points[place], i, metrics) for i, driver in enumerate(drivers)]
                if enough
                else [],
                metrics=metrics,
                reschedule_rate_90d=rate,
                rating_90d=metrics[RATING_METRIC]["90d"]["value"],
                over_reschedule_limit=bool(enough and rate is not None and rate > RESCHEDULE_LIMIT),
                reschedule_alert_probability=chance[place],
                next_change_at=None if changes_at >= NEVER else changes_at,
            )
        )
    return results


def is_reschedule_alert(probability: float | None) -> bool:
    """The posterior alert rule: P(rate > 15 %) on 90 days is above 0.9; None means too few sessions to say."""
    return probability is not None and probability > RESCHEDULE_ALERT_PROBABILITY


def _driver_points(table: pd.DataFrame, prior: Prior, drivers: tuple[Driver, ...]) -> tuple[Floats, tuple[Driver, ...]]:
    """Whole points, tutors x drivers."""
    columns = [np.rint(sum(part.earned(_posterior_mean(table, prior, part)) for part in d.parts)) for d in drivers]
    return np.stack(columns, axis=1), drivers


def _score_sd(table: pd.DataFrame, prior: Prior, drivers: tuple[Driver, ...]) -> Floats:
    variance = np.zeros(len(table))
    for part in (part for driver in drivers for part in driver.parts):
        variance += (part.slope * _posterior_sd(table, prior, part)) ** 2
    return np.sqrt(variance)


def _around(score: float | None, sd: float) -> tuple[float | None, float | None]:
    if score is None:
        return None, None
    reach = float(special.ndtri((1 + INTERVAL) / 2)) * sd
    return round(max(score - reach, 0.0), 1), round(min(score + reach, 100.0), 1)


def _posterior_mean(table: pd.DataFrame, prior: Prior, part: Part) -> Floats:
    count, n = _evidence(table, part.metric, f"{SCORE_DAYS}d")
    shrunk = prior.rating if part.metric == RATING_METRIC else prior.rates[part.metric]
    return shrunk.posterior_mean(count, n)


def _posterior_sd(table: pd.DataFrame, prior: Prior, part: Part) -> Floats:
    count, n = _evidence(table, part.metric, f"{SCORE_DAYS}d")
    if part.metric == RATING_METRIC:
        return prior.rating.posterior_sd(n)
    return prior.rates[part.metric].posterior_sd(count, n)


def _evidence(table: pd.DataFrame, metric: str, window: str) -> tuple[Floats, Floats]:
    return table[metric, window, "count"].to_numpy(), table[metric, window, "n"].to_numpy()


def _alert_probability(table: pd.DataFrame, prior: Prior) -> list[float | None]:
    """P(rate > limit) without sessions inside a leave; None below the minimum volume."""
    count, n = _evidence(table, "reschedule_rate_adjusted", f"{SCORE_DAYS}d")
    chance = prior.rates["reschedule_rate_adjusted"].chance_above(RESCHEDULE_LIMIT, count, n)
    return [
        round(probability, _DIGITS) if sessions >= MINIMUM_SESSIONS else None
        for probability, sessions in zip(chance.tolist(), n.tolist(), strict=True)
    ]


def _metric_fields(table: pd.DataFrame, prior: Prior) -> dict[str, dict[str, list[dict[str, float | None]]]]:
    """Per metric and window one small dictionary a tutor."""
    fields: dict[str, dict[str, list[dict[str, float | None]]]] = {}
    for key, metric in METRICS.items():
        fields[key] = {}
        for days in WINDOWS_DAYS:
            window = f"{days}d"
            count, n = _evidence(table, key, window)
            columns = {"value": table[key, window, "value"].to_numpy(), "n": n}
            if metric.unit in (COUNT, RATE):
                columns["count"] = count
            fields[key][window] = _rows(columns | _interval(key, count, n, prior))
    for key in TREND_METRICS:
        for short, long in TRENDS:
            window = f"{short}v{long}"
            fields[key][window] = _rows({name: table[key, window, name].to_numpy() for name in ("value", "n")})
    return fields


def _interval(key: str, count: Floats, n: Floats, prior: Prior) -> dict[str, Floats]:
    if key == RATING_METRIC:
        low, high = prior.rating.interval(count, n)
    elif key in prior.rates:
        low, high = prior.rates[key].interval(count, n)
    else:
        return {}
    return {"low": np.where(n > 0, low, np.nan), "high": np.where(n > 0, high, np.nan)}


def _rows(columns: Mapping[str, Floats]) -> list[dict[str, float | None]]:
    lists = [np.round(values, _DIGITS).tolist() for values in columns.values()]
    return [
        {name: None if value != value else value for name, value in zip(columns, row, strict=True)}
        for row in zip(*lists, strict=True)
    ]


def _driver(
    driver: Driver, points: Floats, place: int, metrics: dict[str, dict[str, dict[str, float | None]]]
) -> dict[str, Any]:
    window = f"{SCORE_DAYS}d"
    main = metrics[driver.parts[0].metric][window]
    return {
        "key": driver.key,
        "name": driver.name,
        "points": float(points[place]),
        "of": driver.points,
        "value": main["value"],
        "n": main["n"],
        "metrics": [part.metric for part in driver.parts],
        "sentence": _sentence(driver, {part.metric: metrics[part.metric][window] for part in driver.parts}),
    }


def _sentence(driver: Driver, figures: dict[str, dict[str, float | None]]) -> str:
    said = [METRICS[key].sentence.format(**figure, days=SCORE_DAYS) for key, figure in figures.items() if figure["n"]]
    return "; ".join(said) or f"nothing known in {SCORE_DAYS} days, counted as is usual here"
