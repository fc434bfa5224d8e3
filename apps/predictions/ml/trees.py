"""Boosted trees of depth 3 (XGBoost) that may not contradict what is known for sure about a feature's direction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.features import FEATURES

_MOST_ROUNDS, _PATIENCE = 500, 25
_LEAST_CATEGORY = 50


@dataclass(frozen=True)
class Column:
    """One input column: a feature, or one value of a category."""

    feature: str
    category: float | None = None

    @property
    def name(self) -> str:
        return self.feature if self.category is None else f"{self.feature}={self.category:g}"


@dataclass(frozen=True)
class Trees:
    """A fitted booster as UBJ bytes, and the columns it reads."""

    columns: tuple[Column, ...]
    ubj: bytes
    rounds: int

    @cached_property
    def booster(self) -> xgb.Booster:
        booster = xgb.Booster()
        booster.load_model(bytearray(self.ubj))
        return booster

    def logits(self, features: pd.DataFrame, nthread: int = 1) -> Floats:
        """Log-odds of each row; one call for many rows, one thread for few."""
        return self._predict(features, nthread).astype(np.float64)

    def contributions(self, features: pd.DataFrame, nthread: int = 1) -> tuple[pd.DataFrame, Floats]:
        """Exact TreeSHAP log-odds per feature, and the base of each row.

        XGBoost sums in single precision; the base takes up the rounding, so that base and contributions add up to
        ``logits`` in double precision.
        """
        parts = self._predict(features, nthread, pred_contribs=True).astype(np.float64)
        summed: dict[str, Floats] = {}
        for place, column in enumerate(self.columns):
            summed[column.feature] = summed.get(column.feature, 0.0) + parts[:, place]
        table = pd.DataFrame(summed, index=features.index)
        return table, self.logits(features, nthread) - table.to_numpy().sum(axis=1)

    def gain_shares(self) -> dict[str, float]:
        """Share of the total gain by feature, largest first."""
        gains: dict[str, float] = {}
        scores = self.booster.get_score(importance_type="total_gain")
        for column in self.columns:
            gain = scores.get(column.name, 0.0)
            gains[column.feature] = gains.get(column.feature, 0.0) + float(np.sum(gain))
        total = sum(gains.values()) or 1.0
        return {name: gain / total for name, gain in sorted(gains.items(), key=lambda item: -item[1])}

    def _predict(self, features: pd.DataFrame, nthread: int, pred_contribs: bool = False) -> NDArray[np.float32]:
        if features.empty:  # XGBoost answers, but warns of it each time
            return np.zeros((0, len(self.columns) + 1) if pred_contribs else 0, dtype=np.float32)
        self.booster.set_param({"nthread": nthread})
        names = [column.name for column in self.columns]
        data = xgb.DMatrix(matrix(features, self.columns), feature_names=names, nthread=nthread)
        return np.asarray(self.booster.predict(data, output_margin=not pred_contribs, pred_contribs=pred_contribs))


def columns_of(features: pd.DataFrame) -> tuple[Column, ...]:
    """The input columns for these training rows: features with anything to say, categories that are frequent."""
    columns: list[Column] = []
    for name, feature in FEATURES.items():
        values = features[name].to_numpy()
        if not feature.learned or np.isnan(values).all():
            continue
        if feature.kind == "category":
            found, count = np.unique(values[~np.isnan(values)], return_counts=True)
            columns += [Column(name, float(value)) for value in found[count >= _LEAST_CATEGORY]]
        else:
            columns.append(Column(name))
    return tuple(columns)


def matrix(features: pd.DataFrame, columns: tuple[Column, ...]) -> NDArray[np.float32]:
    """Input columns as float32, NaN where unknown."""
    out = np.empty((len(features), len(columns)), dtype=np.float32)
    for place, column in enumerate(columns):
        values = features[column.feature].to_numpy()
        out[:, place] = values if column.category is None else values == column.category
    return out


def fit_trees(
    target: str,
    train: tuple[NDArray[np.float32], Floats, Floats],
    watch: tuple[NDArray[np.float32], Floats, Floats] | None,
    columns: tuple[Column, ...],
    *,
    rounds: int = _MOST_ROUNDS,
    seed: int,
    nthread: int,
) -> Trees:
    """Fit on ``train`` (columns, labels, weights); with ``watch`` stop once its log loss no longer falls."""
    signs = tuple(FEATURES[c.feature].signs.get(target, 0) if c.category is None else 0 for c in columns)
    parameters = {
        "objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist", "max_depth": 3,
        "learning_rate": 0.06, "min_child_weight": 10.0, "subsample": 0.7, "colsample_bytree": 0.5,
        "reg_lambda": 5.0, "max_bin": 64, "monotone_constraints": signs, "seed": seed, "nthread": nthread,
    }  # fmt: skip
    names = [column.name for column in columns]
    data = xgb.QuantileDMatrix(train[0], train[1], weight=train[2], feature_names=names, max_bin=64, nthread=nthread)
    if watch is None:
        booster = xgb.train(parameters, data, num_boost_round=rounds)
        return Trees(columns, bytes(booster.save_raw("ubj")), rounds)
    judge = xgb.QuantileDMatrix(
        watch[0], watch[1], weight=watch[2], feature_names=names, ref=data, max_bin=64, nthread=nthread
    )
    booster = xgb.train(
        parameters, data, num_boost_round=rounds, evals=[(judge, "later")], early_stopping_rounds=_PATIENCE,
        verbose_eval=False,
    )  # fmt: skip
    best = booster.best_iteration + 1
    return Trees(columns, bytes(booster[:best].save_raw("ubj")), best)
