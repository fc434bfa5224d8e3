"""The ridge fit is the minimum another implementation finds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from apps.predictions.ml import newton
from apps.predictions.ml.newton import Fitted, fit_ridge


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two nearly equal columns among six, rows of three weights."""
    rng = np.random.default_rng(0)
    design = rng.normal(size=(2_000, 6))
    design[:, 5] = design[:, 4] + rng.normal(0, 1e-3, 2_000)
    label = (rng.random(2_000) < 1 / (1 + np.exp(2 - design[:, 0] - design[:, 4]))).astype(float)
    return design.astype(np.float32), label, rng.integers(1, 4, 2_000).astype(float)


@pytest.mark.parametrize("penalty", [1.0, 50.0])
def test_agrees_with_scikit_learn(data, penalty):
    design, label, weight = data
    found = fit_ridge(design, np.arange(2_000), label, weight, penalty)
    other = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=5_000)
    other.fit(design.astype(float), label, sample_weight=weight)
    np.testing.assert_allclose(found.weights, other.coef_[0], atol=2e-4)
    assert found.intercept == pytest.approx(other.intercept_[0], abs=2e-4)


def test_the_start_and_the_block_do_not_matter(data, monkeypatch):
    design, label, weight = data
    every = np.arange(2_000)
    cold = fit_ridge(design, every, label, weight, 5.0)
    warm = fit_ridge(design, every, label, weight, 5.0, Fitted(-1.0, np.full(6, 3.0)))
    monkeypatch.setattr(newton, "_BLOCK", 97)
    small = fit_ridge(design, every, label, weight, 5.0)
    np.testing.assert_allclose(warm.weights, cold.weights, atol=1e-4)
    np.testing.assert_allclose(small.weights, cold.weights, atol=1e-4)


def test_rows_left_out_have_no_say(data):
    design, label, weight = data
    half = np.arange(1_000)
    spoiled = label.copy()
    spoiled[1_000:] = 1 - spoiled[1_000:]
    assert np.array_equal(
        fit_ridge(design, half, label, weight, 5.0).weights, fit_ridge(design, half, spoiled, weight, 5.0).weights
    )
