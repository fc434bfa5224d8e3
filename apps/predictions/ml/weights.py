"""How much each part of a tutor's work counts in the score, and where the levels begin. Hand-set and versioned.

Every part follows one rule: all points at the best value, half of them at the metric's concern threshold, none as far
beyond it again. So the thresholds stand in ``metrics`` alone. docs/scores.md gives the reason for every weight. A new
set of weights gets a new version; old ones stay, so that a change of weights can be told from a change of the tutor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.metrics import METRICS

WEIGHTS_VERSION = 1


@dataclass(frozen=True)
class Part:
    """``points`` for one metric, all of them at ``best``."""

    metric: str
    points: float
    best: float

    @property
    def worst(self) -> float:
        """The value from which on no points are given."""
        concern = METRICS[self.metric].concern
        if concern is None:
            raise ValueError(f"metric {self.metric} has no concern threshold; the score cannot scale it")
        return 2 * concern - self.best

    def earned(self, value: Floats) -> Floats:
        """Points for each value."""
        return self.points * np.clip((value - self.worst) / (self.best - self.worst), 0.0, 1.0)

    @property
    def slope(self) -> float:
        """Points per unit of the metric."""
        return self.points / abs(self.best - self.worst)


@dataclass(frozen=True)
class Driver:
    """A named part of the score."""

    key: str
    name: str
    parts: tuple[Part, ...]

    @property
    def points(self) -> float:
        """What the driver is worth at most."""
        return sum(part.points for part in self.parts)


WEIGHTS: dict[int, tuple[Driver, ...]] = {
    1: (
        Driver(
            "reliability",
            "Reliability",
            (Part("reschedule_rate_adjusted", 18.0, 0.0), Part("no_show_rate_adjusted", 12.0, 0.0)),
        ),
        Driver("punctuality", "Punctuality", (Part("late_start_rate", 10.0, 0.0), Part("early_end_rate", 5.0, 0.0))),
        Driver("first_sessions", "First sessions", (Part("first_session_success", 20.0, 1.0),)),
        Driver("ratings", "Ratings", (Part("mean_rating", 20.0, 5.0),)),
        Driver("continuity", "Continuity", (Part("repeat_student_rate", 15.0, 1.0),)),
    ),
}

NOT_ENOUGH_DATA = "not_enough_data"

# Lowest score of each level, best first. 50 is what a tutor at every concern threshold scores.
LEVELS: tuple[tuple[float, str], ...] = (
    (85.0, "exemplary"),
    (75.0, "strong"),
    (65.0, "developing"),
    (50.0, "needs_attention"),
    (0.0, "at_risk"),
)


def level_of(score: float | None) -> str:
    """The level of a score; None, a tutor below the minimum volume, is "not enough data"."""
    if score is None:
        return NOT_ENOUGH_DATA
    return next(level for lowest, level in LEVELS if score >= lowest)
