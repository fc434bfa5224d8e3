"""Reasons add up, speak plainly, and keep to themselves what is not for the reader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.predictions.ml.calibration import Calibration
from apps.predictions.ml.evaluation import odds
from apps.predictions.ml.explain import NAMED, OTHER, explain
from apps.predictions.ml.features import FEATURES, GROUPS, build
from apps.predictions.ml.frames import Frames
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.questions import decision_questions
from apps.predictions.ml.reasons import sentence
from apps.predictions.ml.targets import TARGETS
from apps.predictions.ml.trees import columns_of, fit_trees, matrix
from tests.ml.world import EPOCH, EPOCH_END


@pytest.fixture(scope="module")
def features(world: Frames, reschedule_model: TrainedModel):
    asked = decision_questions(world, TARGETS["reschedule"], 24.0, EPOCH, EPOCH_END).iloc[-120:]
    return build(world, asked, reschedule_model.prior)


@pytest.fixture(scope="module")
def both(features, reschedule_model: TrainedModel) -> TrainedModel:
    """Regression and trees averaged, bent by a sigmoid: the whole stack."""
    columns = columns_of(features)
    label = (np.arange(len(features)) % 3 == 0).astype(float)
    train = (matrix(features, columns), label, np.ones(len(label)))
    trees = fit_trees("reschedule", train, None, columns, rounds=20, seed=0, nthread=1)
    return replace(reschedule_model, learner="mean", trees=trees, calibration=Calibration(0.8, -0.3))


def why_of(model, features):
    return explain(model, features, model.logits(features))


@pytest.mark.parametrize("kind", ["regression", "both", "rate"])
def test_base_and_contributions_are_the_calibrated_log_odds(features, reschedule_model, both, kind):
    bare = replace(reschedule_model, regression=None, trees=None, basis="rate", calibration=Calibration(), reference={})
    model = {"regression": reschedule_model, "both": both, "rate": bare}[kind]
    logits = model.logits(features)
    table, _ = model.contributions(features)
    for row, why in enumerate(explain(model, features, logits)):
        summed = why["base"] + sum(reason["contribution"] for reason in why["reasons"])
        assert summed == pytest.approx(logits[row], abs=1e-6)
        for reason in why["reasons"][:-1]:
            whole = table[[name for name in table if FEATURES[name].group == reason["group"]]].iloc[row]
            assert reason["contribution"] == pytest.approx(whole.sum(), abs=1e-9)
            listed = {name: weight for name, _, weight in reason["features"]}
            assert listed == pytest.approx({name: whole[name] for name in listed}, abs=1e-6)
            assert abs(whole.drop(list(listed))).max() < NAMED or len(listed) == len(whole)
            assert abs(reason["contribution"]) >= NAMED
            assert max(listed.values(), key=abs) == pytest.approx(whole[whole.abs().idxmax()], abs=1e-6)


def test_contributions_that_do_not_add_up_are_refused(features, both):
    with pytest.raises(ArithmeticError, match="contributions sum to"):
        explain(both, features, both.logits(features) + 0.001)


def test_the_base_is_the_usual_rate(features, both):
    why = why_of(both, features.iloc[:1])[0]
    assert why["base"] == odds(both.usual)
    assert why["usual"] == both.usual


def test_hidden_groups_are_counted_but_never_named(features, both):
    hidden = {name for name, group in GROUPS.items() if not group.shown}
    assert hidden == {"base", "season", "student_ratings"}
    for why in why_of(both, features):
        groups = [reason["group"] for reason in why["reasons"]]
        assert groups[-1] == OTHER
        assert not hidden & set(groups)
        named = {name for reason in why["reasons"] for name, _, _ in reason["features"]}
        assert not {name for name in named if not FEATURES[name].shown}


def test_reasons_come_largest_first(features, both):
    for why in why_of(both, features):
        weights = [abs(reason["contribution"]) for reason in why["reasons"][:-1]]
        assert weights == sorted(weights, reverse=True)


def test_every_shown_group_has_words(features, both):
    row = dict(zip(features.columns, features.iloc[5], strict=True))
    for name, group in GROUPS.items():
        if group.shown:
            assert sentence(name, row) or group.words
    said = {reason["group"]: reason["words"] for reason in why_of(both, features.iloc[[5]])[0]["reasons"]}
    assert said["moves"].endswith(("moved by the tutor", "in the last 7 days", "to go by"))


def test_words_count_and_never_judge():
    row = dict.fromkeys(FEATURES, 0.0) | {"tutor_sessions_90d": 96.0, "tutor_moves_90d": 21.0, "tutor_moves_7d": 1.0}
    assert sentence("moves", row) == "21 of 96 sessions in 90 days moved by the tutor, 1 of them in the last 7 days"
    row |= {"tutor_first_sessions": 3.0, "tutor_first_poor": 2.0}
    assert sentence("first_sessions", row) == "2 of 3 first sessions so far rated below 3"
    assert sentence("booking", row | {"lead_hours": 19.4}) == "Booked 19 hours ahead"
    assert sentence("timing", row | {"hour": 21.25, "weekday": 4.0}) == "Friday 21:15, tutor's time"
    every = " ".join(sentence(group, row) for group in GROUPS).lower()
    assert not [word for word in ("bad", "failing", "guaranteed", "poor tutor") if word in every]


def test_no_rows_need_no_reasons(features, both):
    assert why_of(both, features.iloc[:0]) == []
