"""Answering questions with a trained model: one call for many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Mask
from apps.predictions.ml.explain import explain
from apps.predictions.ml.features import build, feature_hash
from apps.predictions.ml.frames import Frames
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.targets import TARGETS, level

_SMALL_BATCH = 2_000  # below this, threads cost more than they bring


def predict(
    model: TrainedModel, frames: Frames, questions: pd.DataFrame, reasons: bool | Mask = True, *, nthread: int = 2
) -> pd.DataFrame:
    """``probability``, ``logit``, ``basis``, ``level``, ``early``, ``reasons`` per question, in its order.

    ``early`` marks questions further ahead than the longest horizon learned. ``reasons`` holds what
    ``explain.explain`` says, None for rows not asked for (``reasons`` False, or False in the mask).
    """
    return score(model, prepare(model, frames, questions), reasons, nthread=nthread)


def prepare(model: TrainedModel, frames: Frames, questions: pd.DataFrame) -> pd.DataFrame:
    """The features of ``questions`` as ``model`` learned them; refuses a model made for another list of features."""
    if model.feature_hash != feature_hash():
        raise ValueError(f"the {model.target} model was trained on other features; train it again")
    return build(frames, questions, model.prior)


def score(
    model: TrainedModel, features: pd.DataFrame, reasons: bool | Mask = True, *, nthread: int = 2
) -> pd.DataFrame:
    """``predict`` for features that ``prepare`` has built."""
    threads = nthread if len(features) >= _SMALL_BATCH else 1
    logit = model.logits(features, threads)
    probability = 1 / (1 + np.exp(-logit))
    wanted = np.broadcast_to(np.asarray(reasons, dtype=bool), len(features))
    said: list[dict[str, Any] | None] = [None] * len(features)
    whys = explain(model, features[wanted], logit[wanted], threads)
    for row, why in zip(np.flatnonzero(wanted), whys, strict=True):
        said[row] = why
    return pd.DataFrame({
        "probability": probability,
        "logit": logit,
        "basis": model.basis,
        "level": [level(model.target, float(p)) for p in probability],
        "early": features["hours_until"].to_numpy() > TARGETS[model.target].longest_hours,
        "reasons": pd.Series(said, dtype=object),
    }).set_index(features.index)  # fmt: skip
