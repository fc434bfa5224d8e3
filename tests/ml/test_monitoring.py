"""Weighted figures equal the plain ones at equal weights, and undo a thinning whose chances are known."""

from __future__ import annotations

import numpy as np
import pytest

from apps.predictions.ml import evaluation
from apps.predictions.ml.monitoring import performance, weighted_ece


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    probability = rng.beta(1, 5, n)
    label = (rng.random(n) < probability).astype(float)
    return label, probability, rng.integers(0, 50, n)


def test_equal_weights_give_the_plain_figures():
    label, probability, tutor = rows(3_000)
    chosen = probability >= 0.3
    found = performance(label, probability, chosen, np.ones(3_000), tutor)
    precision, recall = evaluation.precision_recall(label, chosen)
    assert (found.precision, found.recall) == (pytest.approx(precision), pytest.approx(recall))
    assert found.auc_roc == pytest.approx(evaluation.auc(label, probability))
    assert found.brier == pytest.approx(evaluation.brier(label, probability))
    assert found.brier_skill.value == pytest.approx(evaluation.brier_skill(label, probability, label.mean()))
    assert found.ece == pytest.approx(evaluation.ece(label, probability))
    assert found.brier_skill.low < found.brier_skill.value < found.brier_skill.high


def test_weights_undo_a_thinning():
    """Risky rows are mostly treated and gone; the few left, weighted, tell the figures of all."""
    label, probability, tutor = rows(40_000)
    chance = np.where(probability >= 0.3, 0.2, 1.0)
    kept = np.random.default_rng(1).random(40_000) < chance
    args = [values[kept] for values in (label, probability, probability >= 0.3)]
    whole = performance(label, probability, probability >= 0.3, np.ones(40_000), tutor)
    weighted = performance(*args, 1 / chance[kept], tutor[kept])
    thinned = performance(*args, np.ones(kept.sum()), tutor[kept])
    assert weighted.base_rate == pytest.approx(whole.base_rate, abs=0.006)
    assert weighted.recall == pytest.approx(whole.recall, abs=0.02)
    assert abs(thinned.recall - whole.recall) > 0.1


def test_calibration_error_is_the_gap():
    label, probability = np.array([1.0, 0.0, 1.0, 0.0]), np.full(4, 0.8)
    assert weighted_ece(label, probability, np.ones(4), bins=1) == pytest.approx(0.3)
    assert weighted_ece(label, probability, np.array([4.0, 1, 4, 1]), bins=1) == pytest.approx(0.0)


def test_one_class_has_no_auc_and_no_skill():
    found = performance(np.zeros(5), np.full(5, 0.2), np.zeros(5, dtype=bool), np.ones(5), np.arange(5))
    assert (found.auc_roc, found.brier_skill, found.precision, found.recall) == (None, None, None, None)
    assert found.accuracy == 1.0
