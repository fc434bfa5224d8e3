"""Features: pure functions of the history before ``as_of``, the same for training and for serving."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd

from apps.predictions.ml.feature_prior import FeaturePrior
from apps.predictions.ml.features import context, people, reliability, students, teaching
from apps.predictions.ml.features.asked import Asked
from apps.predictions.ml.features.registry import GROUPS, Feature, Group
from apps.predictions.ml.frames import Frames
from apps.predictions.ml.history import History

__all__ = ["FEATURES", "GROUPS", "Feature", "Group", "build", "feature_hash"]

_PARTS = (reliability, teaching, people, students, context)

FEATURES: dict[str, Feature] = {feature.name: feature for part in _PARTS for feature in part.FEATURES}


def build(frames: Frames, questions: pd.DataFrame, prior: FeaturePrior | None = None) -> pd.DataFrame:
    """One row per question and one float64 column per entry of ``FEATURES``, in that order; NaN where unknown.

    Uses only what was known before ``as_of``. A row depends on its question, on ``prior`` and on the facts about its
    tutor and student: not on other questions, nor on which other tutors the frames hold.
    """
    asked = Asked(History.of_frames(frames), questions, prior or FeaturePrior())
    columns: dict[str, np.ndarray] = {}
    for part in _PARTS:
        columns |= part.compute(asked)
    if set(columns) != set(FEATURES):
        raise ValueError(f"features computed and registered differ: {sorted(set(columns) ^ set(FEATURES))}")
    return pd.DataFrame({name: columns[name] for name in FEATURES}, index=questions.index)


def feature_hash() -> str:
    """sha256 over what every column means; a model refuses to score with another list of features."""
    listed = [[feature.name, feature.unit, feature.words, feature.kind] for feature in FEATURES.values()]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
