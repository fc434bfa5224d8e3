"""Weekly figures: untreated rows of the champion's decisions, weighted, once per moment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.predictions.actions.evaluation import evaluate_models
from apps.predictions.models import Outcome, PerformanceLog
from tests.factories import NOON, ModelVersionFactory, PredictionFactory

pytestmark = pytest.mark.django_db

NOW = NOON + timedelta(days=20)


def outcome(version, probability, label, *, sent=False, treated=False, propensity=1.0, **attributes):
    prediction = PredictionFactory(
        model_version=version, probability=probability, should_send_alert=sent, is_decision=True, **attributes
    )
    return Outcome.objects.create(
        session=prediction.session,
        target=prediction.target,
        prediction=prediction,
        label=label,
        known_at=NOON + timedelta(days=8),
        was_treated=treated,
        propensity=propensity,
    )


def test_figures_are_weighted_and_leave_out_the_treated_and_unlabelled():
    version = ModelVersionFactory()
    outcome(version, 0.8, True, sent=True, propensity=0.5)
    outcome(version, 0.6, False, sent=True)
    outcome(version, 0.2, False)
    outcome(version, 0.1, True)
    outcome(version, 0.9, True, sent=True, treated=True)
    outcome(version, 0.9, None, sent=True)
    (log,) = evaluate_models(now=NOW)
    assert (log.sample_size, log.positives) == (4, 2)
    assert log.precision == pytest.approx(2 / 3)
    assert log.recall == pytest.approx(2 / 3)
    assert log.accuracy == pytest.approx(3 / 5)
    assert log.brier == pytest.approx((2 * 0.04 + 0.36 + 0.04 + 0.81) / 5)
    assert log.auc_roc == pytest.approx((2 * 2 + 0) / (3 * 2))
    assert (log.details["treated"], log.details["unlabelled"]) == (1, 1)
    assert log.details["base_rate"] == pytest.approx(3 / 5)


def test_only_decisions_of_the_champion_inside_the_window_count():
    champion = ModelVersionFactory()
    former = ModelVersionFactory(standing="retired")
    outcome(champion, 0.3, False)
    outcome(former, 0.3, True)
    outcome(champion, 0.3, True, as_of=NOW - timedelta(days=31))
    (log,) = evaluate_models(now=NOW, window_days=30)
    assert (log.model_version, log.sample_size, log.positives) == (champion, 1, 0)


def test_too_few_rows_are_said_plainly():
    ModelVersionFactory()
    (log,) = evaluate_models(now=NOW)
    assert (log.sample_size, log.accuracy, log.auc_roc, log.brier_skill) == (0, None, None, None)


def test_second_evaluation_of_a_moment_adds_nothing():
    outcome(ModelVersionFactory(), 0.3, False)
    assert evaluate_models(now=NOW) == evaluate_models(now=NOW)
    assert PerformanceLog.objects.count() == 1
