"""Logistic regression on natural splines and one-hots: stored as numbers, evaluated by numpy.

Every feature becomes a few columns: a restricted cubic spline (Harrell, *Regression Modeling Strategies*, 2.4.5) for a
number, one column per value for a category, and one for "missing" where training saw that. Log-odds are a sum over
these columns, so a feature's contribution is exact: the sum over its own columns, measured from the training mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.features import FEATURES
from apps.predictions.ml.newton import Fitted, Matrix, fit_ridge

_KNOTS = (0.05, 0.35, 0.65, 0.95)
_EDGES = (0.01, 0.99)
_LEAST_CATEGORY, _LEAST_MISSING = 50, 50
_FREEDOM = 30.0
"""How much less the penalty holds the features of the question itself (group ``base``: hours left, number of the
session). They set the level of every answer; a rate is too high at one horizon and too low at another where a strong
penalty flattens them."""


@dataclass(frozen=True)
class Term:
    """How one feature becomes columns. ``low`` and ``high`` bound it; ``fill`` stands in for a missing value."""

    feature: str
    categories: tuple[float, ...] = ()
    knots: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0
    fill: float = 0.0
    missing: bool = False

    def columns(self, values: Floats) -> list[Floats]:
        """The columns of this feature, unscaled."""
        if self.categories:
            return [(values == category).astype(np.float64) for category in self.categories]
        absent = np.isnan(values)
        x = np.clip(np.where(absent, self.fill, values), self.low, self.high)
        out = [x, *_spline(x, self.knots)]
        return [*out, absent.astype(np.float64)] if self.missing else out


@dataclass(frozen=True)
class Regression:
    """A fitted model: ``logit = intercept + sum((column - mean) / scale * weight)``."""

    terms: tuple[Term, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def logits(self, features: pd.DataFrame) -> Floats:
        """Log-odds of each row."""
        total = np.full(len(features), self.intercept)
        for part in self._parts(features):
            total += part
        return total

    def contributions(self, features: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
        """Log-odds per feature (zero for features without a term) and the base of each row."""
        out = {term.feature: part for term, part in zip(self.terms, self._parts(features), strict=True)}
        table = pd.DataFrame(out, index=features.index)
        return table, np.full(len(features), self.intercept)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Regression:
        def floats(values: Sequence[float]) -> tuple[float, ...]:
            return tuple(float(value) for value in values)

        terms = tuple(
            Term(**{**term, "categories": floats(term["categories"]), "knots": floats(term["knots"])})
            for term in stored["terms"]
        )
        columns = {name: floats(stored[name]) for name in ("means", "scales", "weights")}
        return Regression(terms=terms, intercept=float(stored["intercept"]), **columns)

    def _parts(self, features: pd.DataFrame) -> list[Floats]:
        parts, place = [], 0
        for term in self.terms:
            part = np.zeros(len(features))
            for column in term.columns(features[term.feature].to_numpy(dtype=np.float64)):
                part += (column - self.means[place]) * (self.weights[place] / self.scales[place])
                place += 1
            parts.append(part)
        return parts


@dataclass(frozen=True)
class Design:
    """Training rows as scaled columns, made once and fitted with several penalties."""

    terms: tuple[Term, ...]
    means: Floats
    scales: Floats
    matrix: Matrix

    @staticmethod
    def of(features: pd.DataFrame, fit_rows: NDArray[np.bool_]) -> Design:
        """Knots, categories and scales come from ``fit_rows`` alone; the matrix holds every row."""
        terms = tuple(
            term for name in FEATURES if (term := _term(name, features[name].to_numpy()[fit_rows])) is not None
        )
        columns: list[Matrix] = []
        means, scales = [], []
        for term in terms:
            for column in term.columns(features[term.feature].to_numpy(dtype=np.float64)):
                mean, scale = float(column[fit_rows].mean()), float(column[fit_rows].std()) or 1.0
                scale /= _FREEDOM if FEATURES[term.feature].group == "base" else 1.0
                columns.append(((column - mean) / scale).astype(np.float32))
                means.append(mean)
                scales.append(scale)
        return Design(terms, np.array(means), np.array(scales), np.column_stack(columns))

    def fit(
        self, rows: NDArray[np.bool_], label: Floats, penalty: float, weight: Floats, near: Regression | None = None
    ) -> Regression:
        """L2-penalised fit on ``rows``; ``penalty`` is the ridge on standardised weights, ``near`` where to begin."""
        start = Fitted(near.intercept, np.array(near.weights)) if near is not None else None
        found = fit_ridge(self.matrix, np.flatnonzero(rows), label, weight, penalty, start)
        return Regression(
            self.terms,
            tuple(self.means.tolist()),
            tuple(self.scales.tolist()),
            tuple(found.weights.tolist()),
            found.intercept,
        )

    def logits(self, fitted: Regression, rows: NDArray[np.bool_]) -> Floats:
        """Log-odds of training rows without building their columns again."""
        weights = np.array(fitted.weights, dtype=np.float32)
        return np.asarray(self.matrix[rows] @ weights, dtype=np.float64) + fitted.intercept


def _term(name: str, values: Floats) -> Term | None:
    """How to spread a feature, or None if training says nothing about it."""
    feature = FEATURES[name]
    there = values[~np.isnan(values)]
    if not feature.learned or not len(there):
        return None
    if feature.kind == "category":
        found, count = np.unique(there, return_counts=True)
        kept = tuple(float(value) for value in found[count >= _LEAST_CATEGORY])
        return Term(name, categories=kept) if len(kept) > 1 else None
    low, high = (float(edge) for edge in np.quantile(there, _EDGES))
    absent = len(values) - len(there)
    missing = absent >= _LEAST_MISSING and len(there) >= _LEAST_MISSING
    if low == high:
        low, high = float(there.min()), float(there.max())
    if low == high and not missing:
        return None
    knots = tuple(float(knot) for knot in np.unique(np.quantile(there, _KNOTS)))
    wanted = knots if feature.kind == "number" and len(knots) >= 3 else ()
    return Term(name, knots=wanted, low=low, high=high, fill=float(np.median(there)), missing=missing)


def _spline(x: Floats, knots: tuple[float, ...]) -> list[Floats]:
    """The non-linear columns of a restricted cubic spline: linear outside the outer knots."""
    if len(knots) < 3:
        return []
    last, before = knots[-1], knots[-2]
    unit = (last - knots[0]) ** 2

    def cube(knot: float) -> Floats:
        return np.asarray(np.maximum(x - knot, 0.0) ** 3 / unit)

    return [
        cube(knot) - cube(before) * (last - knot) / (last - before) + cube(last) * (before - knot) / (last - before)
        for knot in knots[:-2]
    ]
