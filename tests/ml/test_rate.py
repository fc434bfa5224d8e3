"""The fallback trusts a tutor's rate as far as it says something about later sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from apps.predictions.ml.features import FEATURES
from apps.predictions.ml.rate import fit_rate


def rows(size: int = 6_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    features = pd.DataFrame(0.0, index=range(size), columns=list(FEATURES))
    features["hours_until"] = 24.0
    features["tutor_no_show_rate"] = rng.beta(2, 60, size)
    return features


def drawn(probability: np.ndarray) -> np.ndarray:
    return (np.random.default_rng(1).random(len(probability)) < probability).astype(float)


def test_a_rate_that_holds_later_is_trusted():
    features = rows()
    rate = fit_rate("no_show_tutor", features, drawn(features["tutor_no_show_rate"].to_numpy()))
    assert rate.trust > 0.85
    assert rate.shift == pytest.approx(0.0, abs=0.5)


def test_a_rate_that_says_nothing_gives_everyone_the_usual_rate():
    features = rows()
    label = drawn(np.full(len(features), 0.03))
    rate = fit_rate("no_show_tutor", features, label)
    said = 1 / (1 + np.exp(-rate.logits(features)))
    assert rate.trust < 0.15
    assert said.mean() == pytest.approx(label.mean(), rel=0.02)


def test_the_level_follows_the_hours_left():
    features = rows().assign(hours_until=np.tile([24.0, 48.0], 3_000))
    probability = np.where(features["hours_until"] == 24.0, 0.02, 0.06)
    rate = fit_rate("no_show_tutor", features, drawn(probability))
    said = 1 / (1 + np.exp(-rate.logits(features)))
    assert said[::2].mean() == pytest.approx(0.02, abs=0.006)
    assert said[1::2].mean() == pytest.approx(0.06, abs=0.01)


def test_without_rows_the_rate_stands_as_it_is():
    rate = fit_rate("no_show_tutor", rows(0), np.zeros(0))
    assert (rate.trust, rate.shift, rate.slope) == (1.0, 0.0, 0.0)
