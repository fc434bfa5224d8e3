"""Figures about probabilities, against hand-worked cases and another implementation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from apps.predictions.ml.evaluation import (
    auc,
    brier,
    brier_skill,
    calibration_line,
    ece,
    figures,
    null_ece,
    reliability,
    wilson,
)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    probability = np.round(rng.beta(1, 5, 3_000), 2)
    return (rng.random(3_000) < probability).astype(float), probability


def test_auc_and_brier_agree_with_scikit_learn(drawn):
    assert auc(*drawn) == pytest.approx(roc_auc_score(*drawn), abs=1e-12)
    assert brier(*drawn) == pytest.approx(brier_score_loss(*drawn), abs=1e-12)


def test_weighted_auc_counts_a_row_as_often_as_its_weight(drawn):
    label, probability = drawn
    weight = np.random.default_rng(0).integers(0, 4, len(label))
    twice = np.repeat(np.arange(len(label)), weight)
    assert auc(label, probability, weight.astype(float)) == pytest.approx(auc(label[twice], probability[twice]))


def test_one_class_has_no_auc():
    assert np.isnan(auc(np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_skill_of_the_base_rate_is_zero(drawn):
    label, _ = drawn
    assert brier_skill(label, np.full(len(label), label.mean()), label.mean()) == 0.0


def test_ece_is_the_mean_gap_of_equal_bins():
    probability = np.repeat([0.1, 0.6], 50)
    label = np.concatenate([np.repeat([1.0, 0.0], [10, 40]), np.repeat([1.0, 0.0], [25, 25])])
    assert ece(label, probability, bins=2) == pytest.approx((0.1 + 0.1) / 2)
    np.testing.assert_allclose(reliability(label, probability, bins=2), [[0.1, 0.2, 50], [0.6, 0.5, 50]])


def test_a_perfect_model_shows_about_its_null_ece(drawn):
    label, probability = drawn
    assert ece(label, probability) == pytest.approx(null_ece(probability), rel=0.5)
    assert ece(label, np.minimum(1.0, probability * 2)) > 3 * null_ece(probability)


def test_calibration_slope_finds_overconfidence(drawn):
    label, probability = drawn
    inner = (probability > 0) & (probability < 1)
    label, probability = label[inner], probability[inner]
    assert calibration_line(label, probability)[0] == pytest.approx(1.0, abs=0.1)
    odds = probability / (1 - probability)
    assert calibration_line(label, odds**2 / (1 + odds**2))[0] == pytest.approx(0.5, abs=0.06)


def test_wilson_interval_of_known_cases():
    assert wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert wilson(0, 0) == (0.0, 1.0)


def test_intervals_hold_the_value_and_widen_when_tutors_are_few(drawn):
    label, probability = drawn
    many = figures(label, probability, 0.17, np.arange(len(label)))["auc"]
    few = figures(label, probability, 0.17, np.arange(len(label)) % 6)["auc"]
    assert many["low"] < many["value"] < many["high"]
    assert few["value"] == many["value"]
