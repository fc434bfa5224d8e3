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
    """``logit p = logit(tutor's steadied rate) + shift + slope x log(hours until the start)``.

    Hours beyond ``most_hours``, the longest horizon learned from, count as that: a slope is not drawn further.
    """

    feature: str
    shift: float
    slope: float
    most_hours: float

    def logits(self, features: pd.DataFrame) -> Floats:
        own = logit(np.clip(features[self.feature].to_numpy(dtype=np.float64), 1e-4, 1 - 1e-4))
        return np.asarray(own + self.shift + self.slope * _log_hours(features, self.most_hours), dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def fit_rate(target: str, features: pd.DataFrame, label: Floats) -> Rate:
    """Shift and slope by maximum likelihood; the tutor's rate itself is left as it is."""
    most_hours = TARGETS[target].longest_hours
    hours = _log_hours(features, most_hours)
    plain = Rate(RATE_FEATURE[target], 0.0, 0.0, most_hours)
    own = plain.logits(features)
    varied = len(hours) > 0 and hours.std() > 1e-6

    def loss(parameters: Floats) -> float:
        logits = own + parameters[0] + (parameters[1] * hours if varied else 0.0)
        fit = -float((label * log_expit(logits) + (1 - label) * log_expit(-logits)).sum())
        return fit + 0.5 * float((parameters**2).sum())

    found = minimize(loss, np.zeros(2), method="BFGS").x
    return Rate(plain.feature, float(found[0]), float(found[1]) if varied else 0.0, most_hours)


def _log_hours(features: pd.DataFrame, most_hours: float) -> Floats:
    hours = np.clip(features["hours_until"].to_numpy(dtype=np.float64), 0.5, most_hours)
    return np.asarray(np.log(hours / 24), dtype=np.float64)
