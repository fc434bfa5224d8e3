"""The honest fallback: the tutor's own steadied rate, brought to the horizon asked about. Also the bar to beat."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import log_expit, logit

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.targets import TARGETS

RATE_FEATURE = {
    "first_session_poor": "tutor_poor_rate",
    "reschedule": "tutor_move_rate",
    "no_show_tutor": "tutor_no_show_rate",
    "no_show_student": "tutor_absent_students",
}


@dataclass(frozen=True)
class Rate:
    """``logit p = trust x logit(tutor's steadied rate) + shift + slope x log(hours until the start)``.

    ``trust`` in [0, 1] is how much a tutor's rate says about later sessions; at 0 everyone gets the usual rate.

    Hours beyond ``most_hours``, the longest horizon learned from, count as that: a slope is not drawn further.
    """

    feature: str
    shift: float
    slope: float
    most_hours: float
    trust: float = 1.0

    def logits(self, features: pd.DataFrame) -> Floats:
        told = self.shift + self.slope * _log_hours(features, self.most_hours)
        return np.asarray(self.trust * _own(features, self.feature) + told, dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def fit_rate(target: str, features: pd.DataFrame, label: Floats) -> Rate:
    """Trust, shift and slope by maximum likelihood, lightly held where the rate stands as it is."""
    most_hours = TARGETS[target].longest_hours
    hours = _log_hours(features, most_hours)
    own = _own(features, RATE_FEATURE[target])
    middle = float(own.mean()) if len(own) else 0.0
    varied = len(hours) > 0 and hours.std() > 1e-6

    def loss(parameters: Floats) -> float:
        shift, slope, trust = parameters
        logits = middle + trust * (own - middle) + shift + (slope * hours if varied else 0.0)
        fit = -float((label * log_expit(logits) + (1 - label) * log_expit(-logits)).sum())
        return fit + 0.5 * float(shift**2 + slope**2 + (trust - 1) ** 2)

    bounds = [(None, None), (None, None), (0.0, 1.0)]
    shift, slope, trust = (float(one) for one in minimize(loss, [0.0, 0.0, 1.0], method="L-BFGS-B", bounds=bounds).x)
    return Rate(RATE_FEATURE[target], shift + (1 - trust) * middle, slope if varied else 0.0, most_hours, trust)


def _own(features: pd.DataFrame, name: str) -> Floats:
    rate = np.clip(features[name].to_numpy(dtype=np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(logit(rate), dtype=np.float64)


def _log_hours(features: pd.DataFrame, most_hours: float) -> Floats:
    hours = np.clip(features["hours_until"].to_numpy(dtype=np.float64), 0.5, most_hours)
    return np.asarray(np.log(hours / 24), dtype=np.float64)
