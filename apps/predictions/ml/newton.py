"""Ridge logistic regression by Newton's method, in blocks of rows, so that memory stays that of the design alone.

A curvature costs as much as dozens of slopes, so it is kept for as long as the steps it gives shrink the slope fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.calibration import losses

Matrix = NDArray[np.float32]

_BLOCK = 16_384
_MOST_STEPS, _SMALL_STEP = 60, 1e-4
_FAST = 0.25  # a step with an old curvature has to leave less of the slope than this


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
    objective = _Objective(design, rows, label, weight, np.append(np.full(width, penalty), 0.0))
    value, slope, bend = objective.slope_at(point)
    factor = cho_factor(objective.curve(bend))
    for _ in range(_MOST_STEPS):
        step = cho_solve(factor, slope)
        scale = 1.0
        while True:
            trial = objective.slope_at(point - scale * step)
            if trial[0] <= value + 1e-9 * abs(value) or scale < 1e-3:
                break
            scale /= 2
        point = point - scale * step
        before, (value, slope, bend) = slope, trial
        if float(np.abs(step).max()) * scale < _SMALL_STEP:
            break
        if scale < 1 or np.linalg.norm(slope) > _FAST * np.linalg.norm(before):
            factor = cho_factor(objective.curve(bend))
    return Fitted(float(point[-1]), point[:-1])


@dataclass(frozen=True)
class _Objective:
    """The loss over ``rows`` with its ridge, and its derivatives."""

    design: Matrix
    rows: Ints
    label: Floats
    weight: Floats
    ridge: Floats

    def slope_at(self, point: Floats) -> tuple[float, Floats, Floats]:
        """Loss and slope at ``point``, and the weight of each row in the curvature there."""
        value, slope = 0.5 * float((self.ridge * point**2).sum()), self.ridge * point
        single, bends = point[:-1].astype(np.float32), []
        for block, part in self._blocks():
            truth, mass = self.label[block], self.weight[block]
            logits = (part @ single).astype(np.float64) + point[-1]
            said = expit(logits)
            value += float((mass * losses(truth, logits)).sum())
            left = mass * (said - truth)
            slope[:-1] += part.T @ left.astype(np.float32)
            slope[-1] += left.sum()
            bends.append(mass * said * (1 - said))
        return value, slope, np.concatenate([np.zeros(0), *bends])

    def curve(self, bend: Floats) -> Floats:
        """The matrix of second derivatives where rows weigh ``bend``."""
        curve = np.diag(self.ridge + 1e-9)
        first = 0
        for block, part in self._blocks():
            mass = bend[first : first + len(block)]
            first += len(block)
            scaled = part * np.sqrt(mass).astype(np.float32)[:, None]
            curve[:-1, :-1] += scaled.T @ scaled
            edge = part.T @ mass.astype(np.float32)
            curve[:-1, -1] += edge
            curve[-1, :-1] += edge
            curve[-1, -1] += mass.sum()
        return curve

    def _blocks(self) -> Iterator[tuple[Ints, Matrix]]:
        for first in range(0, len(self.rows), _BLOCK):
            block = self.rows[first : first + _BLOCK]
            yield block, self.design[block]
