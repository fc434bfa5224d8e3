"""Making "30 in 100" mean 30 in 100: a sigmoid on log-odds, kept only if it proves itself on later rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_expit

from apps.predictions.ml.asof import Floats

_LEAST_OF_EACH = 30  # a sigmoid on fewer poor or fewer good rows is noise
_PULL = 10.0  # how firmly slope and shift are held at 1 and 0, in pseudo-observations of the score


@dataclass(frozen=True)
class Calibration:
    """``calibrated log-odds = slope x log-odds + shift``; identity by default."""

    slope: float = 1.0
    shift: float = 0.0

    def logits(self, raw: Floats) -> Floats:
        return np.asarray(self.slope * raw + self.shift, dtype=np.float64)

    def probabilities(self, raw: Floats) -> Floats:
        return np.asarray(expit(self.logits(raw)), dtype=np.float64)

    @property
    def is_identity(self) -> bool:
        return (self.slope, self.shift) == (1.0, 0.0)


def fit_sigmoid(raw: Floats, label: Floats, weight: Floats | None = None, pull: float = _PULL) -> Calibration:
    """Platt's sigmoid by maximum likelihood, lightly held at the identity; identity where a class is rare."""
    if min(label.sum(), (1 - label).sum()) < _LEAST_OF_EACH:
        return Calibration()
    weight = np.ones(len(raw)) if weight is None else weight

    def loss(parameters: Floats) -> float:
        fit = float((weight * losses(label, parameters[0] * raw + parameters[1])).sum())
        return fit + 0.5 * pull * float((parameters[0] - 1) ** 2 + parameters[1] ** 2)

    found = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return Calibration(float(found[0]), float(found[1])) if found[0] > 0 else Calibration()


def proven_sigmoid(
    raw: Floats, label: Floats, later_raw: Floats, later_label: Floats, weight: Floats | None = None
) -> tuple[Calibration, dict[str, float]]:
    """The sigmoid of one block if it lowers the log loss of the block after, else identity; both losses beside it.

    ``weight`` belongs to the rows of the first block.
    """
    fitted = fit_sigmoid(raw, label, weight)
    plain = log_loss(later_label, later_raw)
    bent = log_loss(later_label, fitted.logits(later_raw))
    chosen = fitted if bent < plain else Calibration()
    return chosen, {"identity": plain, "sigmoid": bent}


def anchored(fitted: Calibration, raw: Floats, label: Floats, weight: Floats) -> Calibration:
    """The same slope with the shift at which the mean said is the mean that happened on these rows.

    A sigmoid found for a model of early rows also makes up for what the rate has become since. The model that has
    learned from all rows knows that already; moved by the same shift, it would count the change twice.
    """
    if fitted.is_identity or not 0 < label.sum() < len(label):
        return fitted

    def excess(shift: float) -> float:
        return float(np.average(expit(fitted.slope * raw + shift) - label, weights=weight))

    return Calibration(fitted.slope, float(brentq(excess, -30.0, 30.0)))


def log_loss(label: Floats, logits: Floats) -> float:
    """Mean negative log-likelihood, from log-odds; NaN without rows."""
    return float(losses(label, logits).mean()) if len(label) else float("nan")


def losses(label: Floats, logits: Floats) -> Floats:
    """Negative log-likelihood of each row, from log-odds."""
    return np.asarray(-(label * log_expit(logits) + (1 - label) * log_expit(-logits)), dtype=np.float64)
