"""Worlds shared by the tests of the learning core."""

from __future__ import annotations

import pytest

from apps.predictions.ml.frames import Frames
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.training import train
from tests.ml.world import EPOCH_END, make_world


@pytest.fixture(scope="session")
def small_world() -> Frames:
    """1,500 sessions of 15 tutors."""
    return make_world(tutors=15, sessions=1_500, seed=1)


@pytest.fixture(scope="session")
def world() -> Frames:
    """6,000 sessions of 60 tutors: enough to learn from."""
    return make_world(tutors=60, sessions=6_000, seed=2)


@pytest.fixture(scope="session")
def reschedule_model(world: Frames) -> TrainedModel:
    """Trained on all of ``world``."""
    return train(world, "reschedule", EPOCH_END, nthread=1)
