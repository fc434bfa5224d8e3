"""Predictions as pages show them: odds beside the usual rate, reasons that add up, the one worth naming first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from apps.predictions.ml.targets import BANDS, TARGETS, Target
from apps.predictions.models import Prediction, RiskLevel
from apps.predictions.risk_selectors import SEVERITY
from tutorscore.front.charts import odds_strip, weight_bar
from tutorscore.front.levels import Look, look

OTHER = "other"
SHORT_WORDS = {
    "first_session_poor": "poor first",
    "reschedule": "reschedule",
    "no_show_tutor": "tutor no\u2011show",
    "no_show_student": "student no\u2011show",
}


class Reason(NamedTuple):
    """A group of contributions in log-odds; ``bar`` is drawn against the largest of its list."""

    words: str
    weight: float
    bar: SafeString


@dataclass(frozen=True)
class Risk:
    """One answer about one session. ``usual`` is the rate the estimate is measured from, where the model stated it."""

    prediction: Prediction

    @property
    def target(self) -> Target:
        return TARGETS[self.prediction.target]

    @property
    def short(self) -> str:
        return SHORT_WORDS[self.prediction.target]

    @property
    def probability(self) -> float:
        return self.prediction.probability

    @property
    def level(self) -> str:
        return self.prediction.level

    @property
    def look(self) -> Look:
        return look(self.prediction.level)

    @property
    def is_tinted(self) -> bool:
        return self.prediction.level != RiskLevel.LOW

    @property
    def is_rate(self) -> bool:
        """Too little was known for a model: the answer is the tutor's own steadied rate."""
        return self.prediction.basis == "rate"

    @property
    def is_early(self) -> bool:
        return self.prediction.hours_ahead > self.target.longest_hours

    @property
    def usual(self) -> float | None:
        return _explained(self.prediction).get("usual")

    @property
    def base(self) -> float | None:
        return _explained(self.prediction).get("base")

    @property
    def total(self) -> float | None:
        return _explained(self.prediction).get("logit")

    @property
    def strip(self) -> SafeString:
        return odds_strip(self.probability, self.usual, BANDS[self.target.bands])

    @property
    def reasons(self) -> list[Reason]:
        """Every group, heaviest first, what is not named last; with base they add up to ``total``."""
        groups = _explained(self.prediction).get("reasons", [])
        largest = max((abs(group["contribution"]) for group in groups), default=1.0)
        return [
            Reason(group["words"], group["contribution"], weight_bar(group["contribution"], largest))
            for group in groups
        ]

    @property
    def main_reason(self) -> str:
        """The heaviest named reason that adds risk; empty where none does."""
        groups = _explained(self.prediction).get("reasons", [])
        raising = [group for group in groups if group["contribution"] > 0 and group["group"] != OTHER]
        return max(raising, key=lambda group: group["contribution"])["words"] if raising else ""


def worst(risks: Iterable[Risk]) -> Risk | None:
    """The risk of the highest level; among equals the one furthest above its usual rate."""
    return max(risks, key=lambda risk: (SEVERITY[RiskLevel(risk.level)], _times_usual(risk)), default=None)


def in_order(predictions: Mapping[str, Prediction]) -> list[Risk]:
    """Risks in the order of the targets."""
    return [Risk(predictions[name]) for name in TARGETS if name in predictions]


def _times_usual(risk: Risk) -> float:
    return risk.probability / risk.usual if risk.usual else risk.probability


def _explained(prediction: Prediction) -> dict[str, Any]:
    return prediction.reasons if isinstance(prediction.reasons, dict) else {}
