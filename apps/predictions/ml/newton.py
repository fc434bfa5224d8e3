"""Ridge logistic regression by Newton's method, in blocks of rows, so that memory stays that of the design alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.calibration import losses

Matrix = NDArray[np.float32]

_BLOCK = 16_384
_MOST_STEPS, _SMALL_STEP = 30, 1e-4


@dataclass(frozen=True)
class Fitted:
    """``logit = intercept + design @ weights``."""

    intercept: float
    weights: Floats


def fit_ridge(
    design: Matrix, rows: Ints, label: Floats, weight: Floats, penalty: float, start: Fitted | None = None
) -> Fitted:
    """Minimise ``sum(weight x log loss) + penalty / 2 x |weights|^2`` over ``rows``; the intercept is free.

    ``start`` is where to begin, for example the fit with another penalty. The curvature is summed in single precision
    block by block and the slope in double, so that the minimum found is exact to ``_SMALL_STEP``.
    """
    width = design.shape[1]
    point = np.zeros(width + 1) if start is None else np.append(start.weights, start.intercept)
    ridge = np.append(np.full(width, penalty), 0.0)
    value, slope, curve = _local(design, rows, label, weight, point, ridge)
    for _ in range(_MOST_STEPS):
        step = cho_solve(cho_factor(curve + np.diag(ridge + 1e-9)), slope)
        scale = 1.0
        while True:
            trial = _local(design, rows, label, weight, point - scale * step, ridge)
            if trial[0] <= value + 1e-9 * abs(value) or scale < 1e-3:
                break
            scale /= 2
        point = point - scale * step
        value, slope, curve = trial
        if float(np.abs(step).max()) * scale < _SMALL_STEP:
            break
    return Fitted(float(point[-1]), point[:-1])


def _local(
    design: Matrix, rows: Ints, label: Floats, weight: Floats, point: Floats, ridge: Floats
) -> tuple[float, Floats, Floats]:
    """Loss, slope and curvature (without the ridge's own) at ``point``."""
    width = design.shape[1]
    value, slope = 0.5 * float((ridge * point**2).sum()), ridge * point
    curve = np.zeros((width + 1, width + 1))
    single = point[:-1].astype(np.float32)
    for first in range(0, len(rows), _BLOCK):
        block = rows[first : first + _BLOCK]
        part, truth, mass = design[block], label[block], weight[block]
        logits = (part @ single).astype(np.float64) + point[-1]
        said = expit(logits)
        value += float((mass * losses(truth, logits)).sum())
        left, bend = mass * (said - truth), mass * said * (1 - said)
        slope[:-1] += part.T @ left.astype(np.float32)
        slope[-1] += left.sum()
        scaled = part * np.sqrt(bend).astype(np.float32)[:, None]
        curve[:-1, :-1] += scaled.T @ scaled
        edge = part.T @ bend.astype(np.float32)
        curve[:-1, -1] += edge
        curve[-1, :-1] += edge
        curve[-1, -1] += bend.sum()
    return value, slope, curve
