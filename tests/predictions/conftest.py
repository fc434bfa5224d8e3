"""Champions to predict with: learned once a run from an invented world, registered per test."""

from __future__ import annotations

import pytest

from apps.predictions.ml import artifacts
from apps.predictions.ml.targets import TARGETS
from apps.predictions.ml.training import train
from apps.predictions.models import ModelVersion
from tests.factories import ModelVersionFactory
from tests.ml.world import make_world


@pytest.fixture(scope="session")
def learned(tmp_path_factory) -> dict[str, dict]:
    """Per target what the row of a trained model says: a learned one for reschedules, a rate for first sessions."""
    place = tmp_path_factory.mktemp("learned")
    worlds = {"reschedule": make_world(tutors=40, sessions=6_000), "first_session_poor": make_world(10, 1_000)}
    made = {}
    for target, frames in worlds.items():
        model = train(frames, TARGETS[target], known_by=int(frames.sessions["end"].max()), nthread=1)
        made[target] = {
            "target": target,
            "version": 1,
            "folder": f"{target}/1",
            "manifest_sha256": artifacts.save(model, place / target / "1"),
            "basis": model.basis,
            "policy": model.policy.to_dict(),
        }
    assert [row["basis"] for row in made.values()] == ["model", "rate"]
    return {"place": place, **made}


@pytest.fixture
def make_champion(learned, settings):
    """A call that registers the learned model of a target as its champion."""

    def make(target: str = "reschedule", **attributes) -> ModelVersion:
        settings.ARTIFACT_DIR = learned["place"]
        return ModelVersionFactory(**learned[target] | attributes)

    return make
