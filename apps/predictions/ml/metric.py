"""What a metric is: a count, or a ratio of two sums of ``windows.tutor_window_sums``, with its words and limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats

COUNT, RATE, RATING, POINTS, MINUTES = "count", "rate", "rating", "points", "minutes"


@dataclass(frozen=True)
class Metric:
    """One figure about a tutor.

    ``top`` and ``bottom`` name sums; ``excused_*`` are taken off them. ``minimum`` is the ``n`` below which pages say
    "too few". ``concern`` and ``good`` bound the zones worth a word; ``higher_is_better`` is None where neither is.
    ``sentence`` is formatted with ``value``, ``count``, ``n`` and ``days``.
    """

    key: str
    name: str
    words: str
    unit: str
    top: str
    sentence: str
    bottom: str = ""
    excused_top: str = ""
    excused_bottom: str = ""
    divisor: float = 1.0
    higher_is_better: bool | None = None
    minimum: int = 1
    concern: float | None = None
    good: float | None = None

    def count(self, sums: pd.DataFrame, days: int) -> Floats:
        """The numerator in the unit of its sum."""
        return _less(sums, self.top, self.excused_top, days) / self.divisor

    def n(self, sums: pd.DataFrame, days: int) -> Floats:
        """What the figure is a figure of: the denominator, or the count itself."""
        return _less(sums, self.bottom, self.excused_bottom, days) if self.bottom else self.count(sums, days)

    def value(self, sums: pd.DataFrame, days: int) -> Floats:
        """The figure itself; NaN where there is nothing to divide by."""
        return ratio(self.count(sums, days), self.n(sums, days)) if self.bottom else self.count(sums, days)

    def is_concern(self, value: float) -> bool:
        """Whether a value is on the wrong side of the concern threshold."""
        if self.concern is None or self.higher_is_better is None:
            return False
        return value < self.concern if self.higher_is_better else value > self.concern


def ratio(top: Floats, bottom: Floats) -> Floats:
    """``top / bottom``, NaN where ``bottom`` is 0."""
    divided: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return divided


def _less(sums: pd.DataFrame, name: str, excused: str, days: int) -> Floats:
    total = sums[f"{name}_{days}d"].to_numpy(dtype=np.float64)
    return total - sums[f"{excused}_{days}d"].to_numpy(dtype=np.float64) if excused else total
