"""The stored regression is the fitted one, the trees obey their signs, and both explain themselves exactly."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from apps.predictions.ml.candidates import preferred
from apps.predictions.ml.features import FEATURES
from apps.predictions.ml.regression import Design, Regression
from apps.predictions.ml.trees import Trees, columns_of, fit_trees, matrix


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Random features with missing values and categories; the label leans on three of them."""
    rng = np.random.default_rng(0)
    size = 4_000
    features = pd.DataFrame({name: rng.normal(size=size) for name in FEATURES})
    features["subject"] = rng.integers(1, 5, size).astype(float)
    features["tutor_style"] = np.where(rng.random(size) < 0.2, np.nan, rng.integers(0, 3, size))
    features["tutor_rating"] = np.where(rng.random(size) < 0.3, np.nan, features["tutor_rating"])
    logit = -1 + features["tutor_move_rate"] + (features["subject"] == 2) - features["lead_hours"].abs()
    return features, (rng.random(size) < 1 / (1 + np.exp(-logit))).astype(float)


@pytest.fixture(scope="module")
def regression(table) -> Regression:
    features, label = table
    every = np.ones(len(label), dtype=bool)
    return Design.of(features, every).fit(every, label, 30.0, np.ones(len(label)))


@pytest.fixture(scope="module")
def trees(table) -> Trees:
    features, label = table
    columns = columns_of(features)
    train = (matrix(features, columns), label, np.ones(len(label)))
    return fit_trees("reschedule", train, None, columns, rounds=40, seed=0, nthread=1)


def test_the_evaluator_is_the_fitted_model(table, regression):
    features, label = table
    every = np.ones(len(label), dtype=bool)
    design = Design.of(features, every)
    np.testing.assert_allclose(regression.logits(features), design.logits(regression, every), atol=1e-4)
    assert regression.logits(features).mean() == pytest.approx(np.log(label.mean() / (1 - label.mean())), abs=0.6)


def test_a_spline_learns_a_bend(table, regression):
    features, _ = table
    line = features.iloc[:3].assign(**{name: features[name].iloc[0] for name in FEATURES})
    line["lead_hours"] = [-2.0, 0.0, 2.0]
    low, middle, high = regression.logits(line)
    assert middle > low + 0.8
    assert middle > high + 0.8


def test_storage_changes_no_bit_of_the_regression(table, regression):
    again = Regression.from_dict(json.loads(json.dumps(regression.to_dict())))
    assert again == regression
    assert np.array_equal(again.logits(table[0]), regression.logits(table[0]))


def test_a_value_outside_the_training_range_counts_as_its_edge(table, regression):
    row = table[0].iloc[[0]]
    far = [regression.logits(row.assign(tutor_move_rate=value))[0] for value in (50.0, 5_000.0)]
    assert far[0] == far[1]


def test_contributions_of_the_regression_add_up(table, regression):
    features = table[0].iloc[:200]
    parts, base = regression.contributions(features)
    np.testing.assert_allclose(parts.sum(axis=1) + base, regression.logits(features), atol=1e-9)


def test_contributions_of_the_trees_add_up(table, trees):
    features = table[0].iloc[:200]
    parts, base = trees.contributions(features)
    np.testing.assert_allclose(parts.sum(axis=1) + base, trees.logits(features), atol=1e-9)
    assert np.ptp(base) < 1e-4, "the base takes up rounding alone"


def test_trees_never_lower_the_risk_of_a_higher_rate(table, trees):
    row = table[0].iloc[[7]]
    steps = pd.concat([row.assign(tutor_move_rate=value) for value in np.linspace(-3, 3, 60)])
    risk = trees.logits(steps)
    assert (np.diff(risk) >= 0).all()
    assert risk[-1] > risk[0]


def test_a_row_scores_the_same_alone_and_in_company(table, trees, regression):
    features = table[0].iloc[:50]
    for model in (trees, regression):
        whole = model.logits(features)
        assert [model.logits(features.iloc[[row]])[0] for row in range(50)] == whole.tolist()


def test_evidence_columns_are_not_learned_from(regression, trees):
    kept_out = {name for name, feature in FEATURES.items() if not feature.learned}
    assert kept_out
    assert not kept_out & {term.feature for term in regression.terms}
    assert not kept_out & {column.feature for column in trees.columns}


def test_another_learner_replaces_the_default_only_beyond_chance():
    noise = np.tile([1.0, -1.0], 200)
    base = np.full(400, 1.0)
    assert preferred({"regression": base}) == "regression"
    assert preferred({"regression": base, "trees": base - 0.02 + noise, "mean": base}) == "mean"
    assert preferred({"regression": base - 0.02 + 0.1 * noise, "trees": base, "mean": base}) == "regression"


def test_a_strong_penalty_leaves_the_level_of_every_horizon_right(table):
    features, _ = table
    rng = np.random.default_rng(6)
    features = features.assign(hours_until=rng.choice([24.0, 72.0, 168.0], len(features)))
    rate = features["hours_until"].map({24.0: 0.06, 72.0: 0.12, 168.0: 0.16}).to_numpy()
    label = (rng.random(len(features)) < rate).astype(float)
    every = np.ones(len(label), dtype=bool)
    fitted = Design.of(features, every).fit(every, label, 3_000.0, np.ones(len(label)))
    said = 1 / (1 + np.exp(-fitted.logits(features)))
    for hours in (24.0, 72.0, 168.0):
        there = (features["hours_until"] == hours).to_numpy()
        assert said[there].mean() == pytest.approx(label[there].mean(), abs=0.01)
