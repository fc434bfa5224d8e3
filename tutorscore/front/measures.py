"""A tutor's metrics as pages show them: value with its raw counts and range, or "too few"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.predictions.ml.metric import COUNT, MINUTES, POINTS, RATE, RATING, Metric
from apps.predictions.ml.metrics import METRICS
from apps.predictions.models import TutorScore
from tutorscore.front.formats import number, percent, span_of_minutes

# The order of the tutor page: what hurts most first.
SHOWN = (
    "no_show_rate",
    "reschedule_rate",
    "short_notice",
    "late_start_rate",
    "mean_rating",
    "first_session_success",
    "objectives_met",
    "engagement",
    "repeat_student_rate",
    "response_time",
)

# The least span a small line is drawn over in full height, in the metric's unit: less than this is noise.
FINEST_SPAN = {COUNT: 4.0, RATE: 0.2, RATING: 1.0, POINTS: 20.0, MINUTES: 60.0}


@dataclass(frozen=True)
class Measure:
    """One metric over one window; ``low`` and ``high`` bound the 90 % interval where one was computed."""

    metric: Metric
    value: float | None
    count: float | None
    n: int
    low: float | None = None
    high: float | None = None

    @property
    def is_thin(self) -> bool:
        return self.value is None or self.n < self.metric.minimum

    @property
    def is_concern(self) -> bool:
        return not self.is_thin and self.value is not None and self.metric.is_concern(self.value)

    @property
    def text(self) -> str:
        return "too few" if self.is_thin and self.metric.unit != COUNT else shown(self.metric, self.value)

    @property
    def raw(self) -> str:
        """The counts behind the value: ``19 of 143``, ``68 rated``."""
        if self.metric.unit == COUNT:
            return ""
        if self.metric.unit == RATE:
            return f"{round(self.count or 0)} of {self.n}"
        return f"{self.n} rated" if self.metric.unit == RATING else f"of {self.n}"

    @property
    def likely(self) -> str:
        if self.low is None or self.high is None or self.is_thin:
            return ""
        if self.metric.unit == RATE:
            return f"{100 * self.low:.0f} to {percent(self.high, 0)}"
        return f"{shown(self.metric, self.low)} to {shown(self.metric, self.high)}"


def measure(score: TutorScore | None, key: str, days: int) -> Measure:
    """A metric of a stored score; without a score it is a measure of nothing."""
    stored: Mapping[str, Any] = {} if score is None else score.metrics.get(key, {}).get(f"{days}d", {})
    return Measure(
        metric=METRICS[key],
        value=stored.get("value"),
        count=stored.get("count"),
        n=int(stored.get("n") or 0),
        low=stored.get("low"),
        high=stored.get("high"),
    )


def shown(metric: Metric, value: float | None) -> str:
    """A value in its metric's unit."""
    if metric.unit == RATE:
        return percent(value)
    if metric.unit == MINUTES and value is not None:
        return span_of_minutes(value)
    return number(value, 0 if metric.unit in (COUNT, POINTS) else 1)
