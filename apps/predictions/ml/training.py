"""Training one target: from facts known by a date to a model that says how good it is, or that it is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from apps.predictions.ml.asof import Floats, Ints, Mask
from apps.predictions.ml.calibration import Calibration, anchored, log_loss, proven_sigmoid
from apps.predictions.ml.candidates import MEAN, REGRESSION, TREES, Chosen, Rows, choose, refit
from apps.predictions.ml.evaluation import figures, odds
from apps.predictions.ml.exposures import untreated
from apps.predictions.ml.feature_prior import FeaturePrior, fit_feature_prior
from apps.predictions.ml.features import build, feature_hash
from apps.predictions.ml.frames import Frames
from apps.predictions.ml.history import History
from apps.predictions.ml.labels import labels
from apps.predictions.ml.model import MODEL, RATE, TrainedModel
from apps.predictions.ml.policy import FORMER_THRESHOLD, fixed, for_precision, read_out, top_share
from apps.predictions.ml.questions import training_questions
from apps.predictions.ml.rate import Rate, fit_rate
from apps.predictions.ml.regression import Design
from apps.predictions.ml.splitting import Blocks, split
from apps.predictions.ml.targets import TARGETS, Target

LEAST_ROWS, LEAST_POSITIVES = 600, 60  # below these, in the fitting block, a model is a guess
LEAST_JUDGED_POSITIVES = 8
ASKED_WEIGHT = 3.0
"""A first session counts as three later ones where both are learned from: it is what the question is about. Weights
follow from the question, never from the answer, so that probabilities keep their meaning."""
_REFERENCE_ROWS = 2_000


def train(frames: Frames, target: Target | str, known_by: int, *, seed: int = 0, nthread: int = 2) -> TrainedModel:
    """The best model of ``target`` that facts known by ``known_by`` (microseconds) allow.

    Settings are chosen on the middle block and judged on the last; the model in use is then fitted with these
    settings on all blocks. Falls back to the tutor's steadied rate, and says so, when the rows are too few or when
    that rate was as good. Treated rows are left out.
    """
    # Products of tall, narrow matrices gain nothing from more threads of BLAS, which only wait for each other.
    with threadpool_limits(1, "blas"):
        return _train(frames, TARGETS[target] if isinstance(target, str) else target, known_by, seed, nthread)


def _train(frames: Frames, target: Target, known_by: int, seed: int, nthread: int) -> TrainedModel:
    questions = training_questions(frames, target, known_by)
    questions = questions[untreated(frames, questions)].sort_values("as_of", kind="stable", ignore_index=True)
    answers = labels(frames, questions, target, known_by)
    as_of, known_at = questions["as_of"].to_numpy(), answers["known_at"].to_numpy()
    blocks = split(as_of, known_at)
    prior = fit_feature_prior(History.of_frames(frames), blocks.choose_from)
    features = build(frames, questions, prior)
    rows = _rows(target, questions, features, answers["label"].to_numpy(dtype=np.float64))
    cluster = questions["tutor_id"].to_numpy()
    model = _fitted(target, rows, blocks, prior, cluster, seed=seed, nthread=nthread)
    made_from = {
        "known_by": int(known_by), "seed": seed, "asked_from": int(as_of.min()) if len(as_of) else None,
        "asked_to": int(as_of.max()) if len(as_of) else None, "tutors": len(np.unique(cluster)),
        "students": int(questions["student_id"].nunique()),
    }  # fmt: skip
    return replace(model, training=model.training | made_from)


def _rows(target: Target, questions: pd.DataFrame, features: pd.DataFrame, label: Floats) -> Rows:
    first = features["pair_first"].to_numpy() > 0
    asked = first if target.first_sessions_only else np.ones(len(label), dtype=bool)
    headline = asked & (questions["hours_ahead"].to_numpy() == target.default_hours)
    return Rows(features, label, np.where(asked, ASKED_WEIGHT, 1.0), asked, headline)


def _fitted(
    target: Target, rows: Rows, blocks: Blocks, prior: FeaturePrior, cluster: Ints, *, seed: int, nthread: int
) -> TrainedModel:
    rate = _rate(target, rows, blocks.fit)
    usual = _usual(rows)
    counts = _counts(rows, blocks)
    plain = TrainedModel(
        target=target.name, basis=RATE, learner=RATE, prior=prior, rate=rate, regression=None, trees=None,
        calibration=Calibration(), usual=usual, policies={}, feature_hash=feature_hash(),
    )  # fmt: skip
    fallback = replace(plain, rate=_rate(target, rows, np.ones(len(rows.label), dtype=bool)))
    judged = blocks.judge & rows.headline
    if not _enough(rows, blocks):
        return _finished(fallback, rows, judged, cluster, counts | {"why_rate": "not enough data"}, plain, seed)
    design = Design.of(rows.features, blocks.fit)
    chosen = choose(target.name, rows, design, blocks.fit, blocks.choose, seed=seed, nthread=nthread)
    twin, losses = _calibrated_twin(plain, rows, chosen, blocks, nthread)
    beaten = log_loss(rows.label[judged], rate.logits(rows.features[judged]))
    plainest = log_loss(rows.label[judged], np.full(int(judged.sum()), _base(rows, blocks)))
    told = counts | {
        "candidates_log_loss": chosen.losses, "penalty": chosen.penalty, "rounds": chosen.rounds,
        "calibration_log_loss": losses, "log_loss": log_loss(rows.label[judged], twin.logits(rows.features[judged])),
        "rate_log_loss": beaten, "base_log_loss": plainest, "gain_shares": _gains(chosen),
    }  # fmt: skip
    if told["log_loss"] >= min(beaten, plainest):
        return _finished(fallback, rows, judged, cluster, told | {"why_rate": "no better than the rate"}, plain, seed)
    regression, trees = refit(target.name, rows, design, chosen, seed=seed, nthread=nthread)
    final = replace(twin, regression=regression, trees=trees, calibration=Calibration())
    later = (blocks.choose | blocks.judge) & rows.asked
    level = anchored(
        twin.calibration, final.logits(rows.features[later], nthread), rows.label[later], rows.weight[later]
    )
    final = replace(final, calibration=level)
    return _finished(final, rows, judged, cluster, told, twin, seed, nthread)


def _rate(target: Target, rows: Rows, fit: Mask) -> Rate:
    """The baseline, fitted on what is asked about; on every row where that is too little."""
    own = fit & rows.asked
    own = own if rows.label[own].sum() >= 20 else fit
    return fit_rate(target.name, rows.features[own], rows.label[own])


def _usual(rows: Rows) -> float:
    """Rate of the population asked about, held off 0 and 1 by half an observation."""
    label = rows.label[rows.headline]
    return float((label.sum() + 0.5) / (len(label) + 1.0))


def _base(rows: Rows, blocks: Blocks) -> float:
    """Log-odds of always saying the rate of the earlier blocks."""
    return odds(float(rows.label[(blocks.fit | blocks.choose) & rows.headline].mean()))


def _enough(rows: Rows, blocks: Blocks) -> bool:
    fitted = rows.label[blocks.fit]
    judged = rows.label[blocks.judge & rows.asked].sum(), rows.label[blocks.choose & rows.asked].sum()
    return (
        len(fitted) >= LEAST_ROWS
        and min(fitted.sum(), (1 - fitted).sum()) >= LEAST_POSITIVES
        and min(judged) >= LEAST_JUDGED_POSITIVES
    )


def _calibrated_twin(
    plain: TrainedModel, rows: Rows, chosen: Chosen, blocks: Blocks, nthread: int
) -> tuple[TrainedModel, dict[str, float]]:
    """The model as fitted on the first block alone: what the later blocks may judge.

    Its sigmoid is fitted on every later row, weighted, and has to prove itself on the rows asked about after these.
    """
    twin = replace(
        plain, basis=MODEL, learner=chosen.learner,
        regression=chosen.regression if chosen.learner in (REGRESSION, MEAN) else None,
        trees=chosen.trees if chosen.learner in (TREES, MEAN) else None,
    )  # fmt: skip
    choose, judge = blocks.choose, blocks.judge & rows.asked
    raw = [twin.logits(rows.features[mask], nthread) for mask in (choose, judge)]
    calibration, losses = proven_sigmoid(
        raw[0], rows.label[choose], raw[1], rows.label[judge], weight=rows.weight[choose]
    )
    return replace(twin, calibration=calibration), losses


def _finished(
    model: TrainedModel, rows: Rows, judged: Mask, cluster: Ints, told: dict[str, Any], twin: TrainedModel,
    seed: int, nthread: int = 1,
) -> TrainedModel:  # fmt: skip
    """Figures on the last block (by the twin), policies, and the reference that reasons are measured from."""
    features, label = rows.features[judged], rows.label[judged]
    probability = twin.probabilities(features, nthread)
    before = rows.label[rows.headline & ~judged]
    base = float(before.mean()) if len(before) else model.usual
    policies = {
        "top_share": top_share(probability), "fixed": fixed(FORMER_THRESHOLD),
        "precision": for_precision(probability),
    }  # fmt: skip
    own = twin.rate.logits(features)
    metrics: dict[str, Any] = {
        "model": figures(label, probability, base, cluster[judged], seed),
        "rate": figures(label, 1 / (1 + np.exp(-own)), base, cluster[judged], seed),
        "policies": {name: read_out(policy, label, probability) for name, policy in policies.items()},
        "judged_by": f"the {twin.basis} fitted on the first block",
    }
    model = replace(model, policies=policies, metrics=metrics, training=told)
    return replace(model, reference=_reference(model, rows.features[rows.headline], nthread))


def _reference(model: TrainedModel, features: pd.DataFrame, nthread: int) -> dict[str, float]:
    """Mean contribution of each feature over the latest rows asked about."""
    if not len(features):
        return {}
    table, _ = model.contributions(features.iloc[-_REFERENCE_ROWS:], nthread)
    return {str(name): float(mean) for name, mean in table.mean().items()}


def _counts(rows: Rows, blocks: Blocks) -> dict[str, Any]:
    names = {"fit": blocks.fit, "choose": blocks.choose, "judge": blocks.judge}
    return {
        "rows": len(rows.label), "positives": int(rows.label.sum()),
        "rows_asked": int(rows.asked.sum()), "positives_asked": int(rows.label[rows.asked].sum()),
        "blocks": {name: {"rows": int(mask.sum()), "positives": int(rows.label[mask].sum())}
                   for name, mask in names.items()},
        "choose_from": blocks.choose_from, "judge_from": blocks.judge_from,
    }  # fmt: skip


def _gains(chosen: Chosen) -> dict[str, float]:
    shares = chosen.trees.gain_shares() if chosen.trees is not None else {}
    return dict(list(shares.items())[:20])
