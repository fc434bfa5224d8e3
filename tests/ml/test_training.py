"""Training learns what is there, says when there is nothing, and never looks past its date."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from apps.predictions.ml import training
from apps.predictions.ml.evaluation import auc
from apps.predictions.ml.exposures import untreated
from apps.predictions.ml.frames import DAY, HOUR, Frames
from apps.predictions.ml.labels import labels
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.questions import decision_questions
from apps.predictions.ml.scoring import predict, prepare
from apps.predictions.ml.targets import TARGETS
from apps.predictions.ml.training import train
from tests.ml.mutation import changed_from
from tests.ml.world import EPOCH, EPOCH_END, Rows, at, make_world

CUT = EPOCH + 270 * DAY


@pytest.fixture(scope="module")
def cut_model(world: Frames) -> TrainedModel:
    return train(world, "reschedule", CUT, nthread=1)


def test_the_model_ranks_and_weighs_later_sessions(world, cut_model):
    asked = decision_questions(world, TARGETS["reschedule"], 24.0, CUT, EPOCH_END)
    label = labels(world, asked, TARGETS["reschedule"], EPOCH_END)["label"].to_numpy()
    there = ~np.isnan(label)
    said = predict(cut_model, world, asked, reasons=False)["probability"].to_numpy()
    assert cut_model.basis == "model"
    assert auc(label[there], said[there]) > 0.64
    assert said[there].mean() == pytest.approx(label[there].mean(), abs=0.025)


def test_what_became_known_later_changes_no_bit_of_the_model(world, cut_model):
    again = train(changed_from(world, CUT + 1), "reschedule", CUT, nthread=1)
    assert again.regression == cut_model.regression
    assert again.prior == cut_model.prior
    assert again.policies == cut_model.policies


def test_a_constant_seed_gives_the_same_model(world, cut_model):
    again = train(world, "reschedule", CUT, nthread=1)
    assert repr(again) == repr(cut_model)


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_answers_show_no_skill(world, monkeypatch, seed):
    rng = np.random.default_rng(seed)

    def shuffled(*arguments: object) -> pd.DataFrame:
        answers = labels(*arguments)
        return answers.assign(label=rng.permutation(answers["label"].to_numpy()))

    monkeypatch.setattr(training, "labels", shuffled)
    told = train(world, "reschedule", EPOCH_END, nthread=1).metrics["model"]
    assert told["brier_skill"]["low"] <= 0
    assert 0.35 < told["auc"]["value"] < 0.65


def test_a_model_no_better_than_the_usual_rate_is_not_used(world, monkeypatch):
    """The learner is made to answer with noise around the truth it found: then the steadied rate must answer."""
    honest = TrainedModel.logits

    def noisy(self: TrainedModel, features: pd.DataFrame, nthread: int = 1) -> np.ndarray:
        spoiled = 4 * np.sin(1e4 * features["lead_hours"].to_numpy())
        return honest(self, features, nthread) + (spoiled if self.basis == "model" else 0.0)

    monkeypatch.setattr(TrainedModel, "logits", noisy)
    model = train(world, "reschedule", EPOCH_END, nthread=1)
    assert (model.basis, model.training["why_rate"]) == ("rate", "no better than the rate")
    assert model.regression is None


def test_few_rows_give_the_rate_and_say_so():
    frames = make_world(tutors=5, sessions=300, seed=3)
    model = train(frames, "first_session_poor", EPOCH_END, nthread=1)
    assert (model.basis, model.learner) == ("rate", "rate")
    asked = decision_questions(frames, TARGETS["first_session_poor"], 24.0, EPOCH, EPOCH_END)
    said = predict(model, frames, asked)
    assert set(said["basis"]) == {"rate"}
    assert said["probability"].between(0, 1).all()
    assert said["reasons"].iloc[0]["reasons"][0]["group"] == "ratings"


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_no_history_at_all_still_gives_an_answer(target):
    frames = Rows().session(1, start=100).frames()
    model = train(frames, target, at(50), nthread=1)
    asked = decision_questions(frames, TARGETS[target], 24.0, at(0), EPOCH_END)
    assert model.basis == "rate"
    assert 0 < predict(model, frames, asked)["probability"].iloc[0] < 1


def test_treated_rows_teach_nothing():
    rows = Rows()
    for number, start in enumerate((100, 1_000, 1_700, 1_900), start=1):
        rows.session(number, start=start, booked=start - 50, student=number)
    reached = pd.DataFrame({"tutor_id": [1], "session_id": [2], "reached_at": [at(990)]})
    frames = dataclasses.replace(rows.frames(), exposures=reached)
    asked = decision_questions(frames, TARGETS["reschedule"], 24.0, at(0), EPOCH_END)
    assert untreated(frames, asked).tolist() == [True, False, False, True]


def test_training_leaves_treated_rows_out(world):
    tutors = world.tutors["tutor_id"].to_numpy()[:30]
    weekly = np.arange(EPOCH, CUT, 20 * DAY)
    reached = pd.DataFrame({
        "tutor_id": np.repeat(tutors, len(weekly)), "session_id": 0, "reached_at": np.tile(weekly, len(tutors)),
    })  # fmt: skip
    model = train(dataclasses.replace(world, exposures=reached), "reschedule", CUT, nthread=1)
    assert model.training["tutors"] == world.tutors["tutor_id"].nunique() - 30


def test_a_model_of_other_features_is_refused(world, cut_model):
    old = dataclasses.replace(cut_model, feature_hash="0" * 64)
    asked = decision_questions(world, TARGETS["reschedule"], 24.0, CUT, CUT + DAY)
    with pytest.raises(ValueError, match="train it again"):
        prepare(old, world, asked)


def test_reasons_are_given_where_asked_for(world, cut_model):
    asked = decision_questions(world, TARGETS["reschedule"], 24.0, CUT, EPOCH_END).iloc[:4]
    said = predict(cut_model, world, asked, reasons=np.array([True, False, False, True]))
    assert said["reasons"].notna().tolist() == [True, False, False, True]


def test_questions_beyond_the_longest_horizon_are_early_estimates(world, cut_model):
    asked = decision_questions(world, TARGETS["reschedule"], 24.0, CUT, EPOCH_END).iloc[:2].copy()
    asked["as_of"] = asked["start"] - np.array([168, 169]) * HOUR
    assert predict(cut_model, world, asked, reasons=False)["early"].tolist() == [False, True]
