"""A trained model: everything needed to turn a row of features into a probability, and to say why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.calibration import Calibration
from apps.predictions.ml.feature_prior import FeaturePrior
from apps.predictions.ml.policy import Policy
from apps.predictions.ml.rate import Rate
from apps.predictions.ml.regression import Regression
from apps.predictions.ml.trees import Trees

MODEL, RATE = "model", "rate"


@dataclass(frozen=True)
class TrainedModel:
    """The learner of one target with its prior, calibration and policies.

    ``basis`` is ``rate`` where there was too little to learn from, or where nothing learned beat the tutor's own
    steadied rate: predictions are then that rate. ``usual`` is the rate of the population asked about; ``reference``
    the mean contribution of each feature there, from which reasons are measured. ``training`` tells what it was made
    from (window, rows, figures of every candidate), ``metrics`` how it did on the last block.
    """

    target: str
    basis: str
    learner: str
    prior: FeaturePrior
    rate: Rate
    regression: Regression | None
    trees: Trees | None
    calibration: Calibration
    usual: float
    policies: dict[str, Policy]
    feature_hash: str
    reference: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        """The one in force: mail the riskiest share."""
        return self.policies["top_share"]

    def logits(self, features: pd.DataFrame, nthread: int = 1) -> Floats:
        """Calibrated log-odds of each row."""
        return self.calibration.logits(self._raw(features, nthread))

    def probabilities(self, features: pd.DataFrame, nthread: int = 1) -> Floats:
        """Calibrated probability of each row. Nothing is clipped."""
        return np.asarray(expit(self.logits(features, nthread)), dtype=np.float64)

    def contributions(self, features: pd.DataFrame, nthread: int = 1) -> tuple[pd.DataFrame, Floats]:
        """Calibrated log-odds per feature, measured from ``reference``, and the base: their sum is ``logits``."""
        table, base = self._raw_contributions(features, nthread)
        table = table * self.calibration.slope
        base = self.calibration.slope * base + self.calibration.shift
        for name, mean in self.reference.items():
            table[name] -= mean
            base = base + mean
        return table, base

    def _raw(self, features: pd.DataFrame, nthread: int) -> Floats:
        learned = [part.logits(features) for part in (self.regression,) if part is not None]
        learned += [part.logits(features, nthread) for part in (self.trees,) if part is not None]
        return np.mean(learned, axis=0) if learned else self.rate.logits(features)

    def _raw_contributions(self, features: pd.DataFrame, nthread: int) -> tuple[pd.DataFrame, Floats]:
        parts = [part.contributions(features) for part in (self.regression,) if part is not None]
        parts += [part.contributions(features, nthread) for part in (self.trees,) if part is not None]
        if not parts:
            own = self.rate.logits(features)
            return pd.DataFrame({self.rate.feature: own}, index=features.index), np.zeros(len(features))
        table = parts[0][0]
        for other, _ in parts[1:]:
            table = table.add(other, fill_value=0.0)
        return table / len(parts), np.mean([base for _, base in parts], axis=0)
