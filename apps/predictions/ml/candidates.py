"""Learners that compete: the spline regression, boosted trees, and the mean of their log-odds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Mask
from apps.predictions.ml.calibration import losses
from apps.predictions.ml.regression import Design, Regression
from apps.predictions.ml.trees import Trees, columns_of, fit_trees, matrix

REGRESSION, TREES, MEAN = "regression", "trees", "mean"

PENALTIES = (30.0, 150.0, 700.0, 3000.0)
TREES_FROM_ROWS = 10_000


@dataclass(frozen=True)
class Rows:
    """The training table: features, labels, weights, and two kinds of rows.

    ``asked`` are rows the question is really about: learners are chosen and calibrated on them. ``headline`` are
    those of them at the default horizon: figures, policies and the usual rate speak of these.
    """

    features: pd.DataFrame
    label: Floats
    weight: Floats
    asked: Mask
    headline: Mask


@dataclass(frozen=True)
class Chosen:
    """The learner that did best on the later block, its settings, and every candidate's log loss there."""

    learner: str
    penalty: float
    rounds: int
    regression: Regression
    trees: Trees | None
    losses: dict[str, float]


def choose(target: str, rows: Rows, design: Design, fit: Mask, later: Mask, *, seed: int, nthread: int) -> Chosen:
    """Fit every candidate on ``fit`` and keep one by its log loss on ``later``.

    Settings (penalty, number of trees) go by every later row, because few of them are asked about; the learner goes by
    the asked rows. The mean of both learners is the default, see ``preferred``.
    """
    label, weight = rows.label[later], rows.weight[later]
    fitted: dict[float, Regression] = {}
    for penalty in PENALTIES:
        near = next(reversed(fitted.values()), None)
        fitted[penalty] = design.fit(fit, rows.label, penalty, rows.weight, near)
    scores = {value: design.logits(one, later) for value, one in fitted.items()}
    penalty = min(PENALTIES, key=lambda value: float(np.average(losses(label, scores[value]), weights=weight)))
    asked = rows.asked[later]
    found = {REGRESSION: losses(label[asked], scores[penalty][asked])}
    trees: Trees | None = None
    if int(fit.sum()) >= TREES_FROM_ROWS:
        trees = _trees(target, rows, fit, later, seed=seed, nthread=nthread)
        raised = trees.logits(rows.features[later & rows.asked], nthread)
        found[TREES] = losses(label[asked], raised)
        found[MEAN] = losses(label[asked], (raised + scores[penalty][asked]) / 2)
    means = {name: float(loss.mean()) for name, loss in found.items()}
    return Chosen(preferred(found), penalty, trees.rounds if trees else 0, fitted[penalty], trees, means)


def preferred(found: dict[str, Floats]) -> str:
    """The default (the mean of both, else the regression), unless another is better beyond chance.

    Beyond chance: by more than two standard errors of the paired differences. A few hundred rows cannot tell learners
    apart that are equally good, and the mean of two is the safer of equals.
    """
    default = MEAN if MEAN in found else REGRESSION
    best = min(found, key=lambda name: float(found[name].mean()))
    gain = found[default] - found[best]
    if len(gain) < 2 or gain.mean() <= 2 * gain.std(ddof=1) / np.sqrt(len(gain)):
        return default
    return best


def refit(
    target: str, rows: Rows, design: Design, chosen: Chosen, *, seed: int, nthread: int
) -> tuple[Regression | None, Trees | None]:
    """The chosen learner with its settings on every row; parts it does not use are None."""
    every = np.ones(len(rows.label), dtype=bool)
    regression = trees = None
    if chosen.learner in (REGRESSION, MEAN):
        regression = design.fit(every, rows.label, chosen.penalty, rows.weight, chosen.regression)
    if chosen.learner in (TREES, MEAN) and chosen.trees is not None:
        columns = chosen.trees.columns
        train = (matrix(rows.features, columns), rows.label, rows.weight)
        trees = fit_trees(target, train, None, columns, rounds=chosen.rounds, seed=seed, nthread=nthread)
    return regression, trees


def _trees(target: str, rows: Rows, fit: Mask, later: Mask, *, seed: int, nthread: int) -> Trees:
    columns = columns_of(rows.features[fit])
    values = matrix(rows.features, columns)
    train, watch = ((values[mask], rows.label[mask], rows.weight[mask]) for mask in (fit, later))
    return fit_trees(target, train, watch, columns, seed=seed, nthread=nthread)
