"""How past answers turned out, where chance kept some rows from being treated.

Rows that were reached are left out by the caller: what was done about them changed how they ended. The rows left stand
for them too, so each weighs 1 / the probability of having stayed untreated (inverse propensity weighting; Horvitz and
Thompson 1952). With equal weights every figure is the plain one of ``evaluation``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.evaluation import BINS, Interval, auc

_DRAWS, _NULL_DRAWS = 400, 100


@dataclass(frozen=True)
class Performance:
    """Figures of one window; None where the rows cannot say. ``chosen`` is the policy's recorded answer."""

    sample_size: int
    positives: int
    base_rate: float | None
    mean_probability: float | None
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    auc_roc: float | None
    brier: float | None
    brier_skill: Interval | None
    ece: float | None
    ece_of_perfect: float | None


def performance(
    label: Floats, probability: Floats, chosen: NDArray[np.bool_], weight: Floats, cluster: Ints, seed: int = 0
) -> Performance:
    """Weighted figures of answers whose labels (0/1) are known; skill is against always saying the window's own rate.

    The interval (95 %) is a bootstrap over ``cluster`` (tutors), because sessions of one tutor are alike.
    """
    if not len(label):
        return Performance(0, 0, *[None] * 11)
    base = _mean(label, weight)
    hit = _mean(label * chosen, weight)
    precision, recall = _ratio(hit, _mean(chosen.astype(np.float64), weight)), _ratio(hit, base)
    return Performance(
        sample_size=len(label),
        positives=int(label.sum()),
        base_rate=base,
        mean_probability=_mean(probability, weight),
        accuracy=_mean((label > 0.5) == chosen, weight),
        precision=precision,
        recall=recall,
        f1=_ratio(2 * hit, _mean(chosen.astype(np.float64), weight) + base),
        auc_roc=_finite(auc(label, probability, weight)),
        brier=_mean((label - probability) ** 2, weight),
        brier_skill=_skill(label, probability, weight, cluster, seed),
        ece=weighted_ece(label, probability, weight),
        ece_of_perfect=_null_ece(probability, weight, seed),
    )


def weighted_ece(label: Floats, probability: Floats, weight: Floats, bins: int = BINS) -> float:
    """Expected calibration error over bins of equal weight."""
    order = np.argsort(probability, kind="stable")
    mass = weight[order]
    middle = np.cumsum(mass) - mass / 2
    place = np.minimum((middle / mass.sum() * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=mass * (label - probability)[order], minlength=bins)
    return float(np.abs(gap).sum() / mass.sum())


def _skill(label: Floats, probability: Floats, weight: Floats, cluster: Ints, seed: int) -> Interval | None:
    """Brier skill; None where all labels are equal, and then nothing could be skilled."""
    base = _mean(label, weight)
    error, reference = weight * (label - probability) ** 2, weight * (label - base) ** 2
    if reference.sum() <= 0:
        return None
    _, code = np.unique(cluster, return_inverse=True)
    size = int(code.max()) + 1
    errors, references = np.bincount(code, error, size), np.bincount(code, reference, size)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, size, (_DRAWS, size))
    total = references[drawn].sum(axis=1)
    kept = total > 0
    low, high = np.quantile(1 - errors[drawn].sum(axis=1)[kept] / total[kept], [0.025, 0.975])
    return Interval(float(1 - error.sum() / reference.sum()), float(low), float(high))


def _null_ece(probability: Floats, weight: Floats, seed: int) -> float:
    """The ECE a perfect model would show on average with these rows."""
    rng = np.random.default_rng(seed)
    draws = [
        weighted_ece((rng.random(len(probability)) < probability).astype(np.float64), probability, weight)
        for _ in range(_NULL_DRAWS)
    ]
    return float(np.mean(draws))


def _mean(values: Floats | NDArray[np.bool_], weight: Floats) -> float:
    return float(np.average(values, weights=weight))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
