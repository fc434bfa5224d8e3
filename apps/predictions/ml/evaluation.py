"""How good the probabilities are, said the same way for every target: against the usual rate, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.calibration import fit_sigmoid, log_loss

BINS = 15
_DRAWS, _NULL_DRAWS = 200, 200


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def auc(label: Floats, score: Floats, weight: Floats | None = None) -> float:
    """Probability that a positive row scores above a negative one, ties half; NaN when a class is missing."""
    return _auc_sorted(*_ranked(label, score), weight)


def brier(label: Floats, probability: Floats) -> float:
    """Mean squared error of the probabilities."""
    return float(np.mean((label - probability) ** 2)) if len(label) else float("nan")


def brier_skill(label: Floats, probability: Floats, base: float) -> float:
    """Share of the error of always saying ``base`` that the probabilities remove; NaN if there is no error."""
    reference = brier(label, np.full(len(label), base))
    return 1 - brier(label, probability) / reference if reference else float("nan")


def ece(label: Floats, probability: Floats, bins: int = BINS) -> float:
    """Expected calibration error over ``bins`` bins of equal mass."""
    if not len(label):
        return float("nan")
    table = reliability(label, probability, bins)
    return float((table[:, 2] * np.abs(table[:, 1] - table[:, 0])).sum() / table[:, 2].sum())


def null_ece(probability: Floats, seed: int = 0, bins: int = BINS) -> float:
    """The ECE a perfect model would show on average at this size: labels drawn from the probabilities themselves."""
    rng = np.random.default_rng(seed)
    draws = [ece((rng.random(len(probability)) < probability).astype(float), probability, bins)
             for _ in range(_NULL_DRAWS if len(probability) < 20_000 else 20)]  # fmt: skip
    return float(np.mean(draws))


def reliability(label: Floats, probability: Floats, bins: int = BINS) -> Floats:
    """Per bin of equal mass: mean probability, share that happened, rows. Bins without rows are left out."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return np.array([[probability[part].mean(), label[part].mean(), len(part)] for part in parts]).reshape(-1, 3)


def calibration_line(label: Floats, probability: Floats) -> tuple[float, float]:
    """Slope and shift of what happened against what was said, in log-odds; (NaN, NaN) when a class is rare."""
    if min(label.sum(), (1 - label).sum()) < 30:
        return float("nan"), float("nan")
    line = fit_sigmoid(logit(np.clip(probability, 1e-6, 1 - 1e-6)), label, pull=0.0)
    return line.slope, line.shift


def confusion(label: Floats, chosen: np.ndarray) -> dict[str, int]:
    """Counts of hits and misses of a yes/no decision."""
    positive, yes = label > 0.5, np.asarray(chosen, dtype=bool)
    return {
        "true_positive": int((positive & yes).sum()), "false_positive": int((~positive & yes).sum()),
        "false_negative": int((positive & ~yes).sum()), "true_negative": int((~positive & ~yes).sum()),
    }  # fmt: skip


def precision_recall(label: Floats, chosen: np.ndarray) -> tuple[float, float]:
    """Precision and recall of a yes/no decision, NaN where undefined."""
    table = confusion(label, chosen)
    hits = table["true_positive"]
    said, there = hits + table["false_positive"], hits + table["false_negative"]
    return (hits / said if said else float("nan")), (hits / there if there else float("nan"))


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    z, share = 1.959964, hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def figures(label: Floats, probability: Floats, base: float, cluster: Ints, seed: int = 0) -> dict[str, object]:
    """Everything a model card says about these rows; intervals from a bootstrap over tutors (``cluster``)."""
    slope, shift = calibration_line(label, probability)
    intervals = _bootstrap(label, probability, base, cluster, seed)
    return {
        "rows": len(label), "positives": int(label.sum()), "base_rate": float(label.mean()) if len(label) else None,
        "mean_probability": float(probability.mean()) if len(label) else None,
        "auc": _with(auc(label, probability), intervals["auc"]),
        "brier": brier(label, probability),
        "brier_skill": _with(brier_skill(label, probability, base), intervals["brier_skill"]),
        "log_loss": log_loss(label, logit(np.clip(probability, 1e-9, 1 - 1e-9))),
        "ece": ece(label, probability), "ece_of_a_perfect_model": null_ece(probability, seed) if len(label) else None,
        "calibration_slope": slope, "calibration_shift": shift,
        "reliability": reliability(label, probability).tolist(),
    }  # fmt: skip


def _with(value: float, interval: tuple[float, float]) -> dict[str, float]:
    return {"value": value, "low": interval[0], "high": interval[1]}


def _bootstrap(
    label: Floats, probability: Floats, base: float, cluster: Ints, seed: int
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals; whole tutors are drawn, because sessions of one tutor are alike."""
    rng = np.random.default_rng(seed)
    _, code = np.unique(cluster, return_inverse=True)
    size = int(code.max()) + 1 if len(code) else 0
    ranked = _ranked(label, probability)
    error, reference = (label - probability) ** 2, (label - base) ** 2
    draws: dict[str, list[float]] = {"auc": [], "brier_skill": []}
    for _ in range(_DRAWS if size > 1 else 0):
        weight = np.bincount(rng.integers(0, size, size), minlength=size)[code].astype(np.float64)
        draws["auc"].append(_auc_sorted(*ranked, weight))
        total = float((weight * reference).sum())
        draws["brier_skill"].append(1 - float((weight * error).sum()) / total if total else float("nan"))
    return {name: _percentiles(np.array(values)) for name, values in draws.items()}


def _percentiles(values: Floats) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _ranked(label: Floats, score: Floats) -> tuple[Floats, Ints, Ints]:
    """Labels in order of score, the order itself, and the tie group of each row."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    tie = np.cumsum(np.append(0, ordered[1:] != ordered[:-1])) if len(score) else np.zeros(0, dtype=np.int64)
    return label[order], order.astype(np.int64), tie.astype(np.int64)


def _auc_sorted(label: Floats, order: Ints, tie: Ints, weight: Floats | None = None) -> float:
    if not len(label):
        return float("nan")
    mass = np.ones(len(label)) if weight is None else weight[order]
    good = np.bincount(tie, weights=mass * (1 - label))
    bad = np.bincount(tie, weights=mass * label)
    if not good.sum() or not bad.sum():
        return float("nan")
    below = np.cumsum(good) - good
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))


def odds(probability: float) -> float:
    """Log-odds of a probability."""
    return float(logit(np.clip(probability, 1e-6, 1 - 1e-6)))
