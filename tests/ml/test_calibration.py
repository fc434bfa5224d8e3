"""A sigmoid is used only where it has proved itself on later rows."""

from __future__ import annotations

import numpy as np
import pytest

from apps.predictions.ml.calibration import Calibration, anchored, fit_sigmoid, log_loss, proven_sigmoid


def drawn(seed: int, slope: float, shift: float, size: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Raw log-odds, and labels that happen at ``slope x raw + shift``."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-2, 1.2, size)
    return raw, (rng.random(size) < 1 / (1 + np.exp(-(slope * raw + shift)))).astype(float)


def test_an_overconfident_model_is_bent_back():
    found, losses = proven_sigmoid(*drawn(1, 0.5, -0.6), *drawn(2, 0.5, -0.6))
    assert found.slope == pytest.approx(0.5, abs=0.1)
    assert losses["sigmoid"] < losses["identity"]


def test_a_sigmoid_that_does_not_hold_later_is_refused():
    found, losses = proven_sigmoid(*drawn(1, 0.5, -0.6), *drawn(2, 1.0, 0.0))
    assert found.is_identity
    assert losses["identity"] < losses["sigmoid"]


def test_too_few_of_a_kind_leave_the_model_as_it_is():
    raw = np.linspace(-4, 0, 200)
    label = np.zeros(200)
    label[-29:] = 1
    assert fit_sigmoid(raw, label).is_identity
    label[-30:] = 1
    assert not fit_sigmoid(raw, label).is_identity


def test_a_sigmoid_never_turns_the_order_round():
    raw, label = drawn(3, -1.0, -2.0)
    assert fit_sigmoid(raw, label) == Calibration()


def test_a_model_that_knows_the_new_rate_is_not_corrected_for_it_twice():
    raw, label = drawn(4, 1.0, 0.0)
    of_early_rows = Calibration(1.2, 0.7)  # made up for a rate that has doubled since
    level = anchored(of_early_rows, raw, label, np.ones(len(raw)))
    assert level.slope == 1.2
    assert level.probabilities(raw).mean() == pytest.approx(label.mean(), abs=1e-6)
    assert of_early_rows.probabilities(raw).mean() > 1.2 * label.mean()


def test_the_identity_and_rows_of_one_kind_leave_the_level_alone():
    raw, label = drawn(5, 1.0, 0.3)
    assert anchored(Calibration(), raw, label, np.ones(len(raw))) == Calibration()
    assert anchored(Calibration(1.1, 0.2), raw, np.zeros(len(raw)), np.ones(len(raw))) == Calibration(1.1, 0.2)


def test_log_loss_is_exact():
    assert log_loss(np.array([1.0, 0.0]), np.array([0.0, np.log(3)])) == pytest.approx((np.log(2) + np.log(4)) / 2)
