"""A saved model comes back as it was, or not at all."""

from __future__ import annotations

import json

import numpy as np
import pytest

from apps.predictions.ml import artifacts
from apps.predictions.ml.artifacts import ArtifactTamperedError, load, save
from apps.predictions.ml.frames import Frames
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.questions import decision_questions
from apps.predictions.ml.scoring import predict
from apps.predictions.ml.targets import TARGETS
from tests.ml.test_explain import both, features
from tests.ml.world import EPOCH, EPOCH_END

__all__ = ["both", "features"]


def test_a_saved_model_answers_to_the_bit(tmp_path, world: Frames, both: TrainedModel):
    folder = tmp_path / "reschedule" / "1"
    loaded = load(folder, save(both, folder, partners=["demo"], clocks={"partner": 10}))
    asked = decision_questions(world, TARGETS["reschedule"], 24.0, EPOCH, EPOCH_END).iloc[-50:]
    one, other = predict(both, world, asked), predict(loaded, world, asked)
    assert np.array_equal(one["probability"], other["probability"])
    assert one["reasons"].tolist() == other["reasons"].tolist()
    assert loaded.policies == both.policies
    assert loaded.prior == both.prior


def test_the_folder_tells_what_the_model_was_made_from(tmp_path, both: TrainedModel):
    save(both, tmp_path / "1", partners=["demo"], clocks={"partner": 10, "assumed": 2}, code_version="abc")
    told = json.loads((tmp_path / "1" / "metadata.json").read_text())
    assert told["partners"] == ["demo"]
    assert told["clocks"] == {"partner": 10, "assumed": 2}
    assert {"numpy", "scikit-learn", "xgboost"} <= set(told["libraries"])
    assert told["training"]["rows"] > 1_000
    card = (tmp_path / "1" / "model_card.md").read_text()
    assert "# Reschedule" in card
    assert "2 sessions by assumed, 10 sessions by partner" in card
    assert (tmp_path / "1" / "reliability.png").read_bytes().startswith(b"\x89PNG")
    json.loads((tmp_path / "1" / "metrics.json").read_text())


@pytest.mark.parametrize(
    "name", ["model.json", "trees.ubj", "metadata.json", "metrics.json", "model_card.md", "manifest.json"]
)
def test_a_changed_byte_is_refused_before_it_is_parsed(tmp_path, monkeypatch, both: TrainedModel, name):
    folder = tmp_path / "1"
    manifest = save(both, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    monkeypatch.setattr(artifacts, "_model", lambda *parts: pytest.fail("parsed a tampered artifact"))
    with pytest.raises(ArtifactTamperedError):
        load(folder, manifest)


def test_a_missing_file_is_refused(tmp_path, both: TrainedModel):
    manifest = save(both, tmp_path / "1")
    (tmp_path / "1" / "trees.ubj").unlink()
    with pytest.raises(ArtifactTamperedError, match="cannot be read"):
        load(tmp_path / "1", manifest)


def test_a_version_is_never_overwritten(tmp_path, both: TrainedModel):
    manifest = save(both, tmp_path / "1")
    with pytest.raises(FileExistsError):
        save(both, tmp_path / "1")
    load(tmp_path / "1", manifest)


def test_a_failure_half_way_leaves_no_folder(tmp_path, monkeypatch, both: TrainedModel):
    written = []

    def write(path, content):
        written.append(path)
        if len(written) == 3:
            raise OSError("disk full")
        path.write_bytes(content)

    monkeypatch.setattr(artifacts, "_write", write)
    with pytest.raises(OSError, match="disk full"):
        save(both, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_nothing_in_a_folder_can_run_code(tmp_path, both: TrainedModel):
    save(both, tmp_path / "1")
    endings = {path.suffix for path in (tmp_path / "1").iterdir()}
    assert endings == {".json", ".ubj", ".md", ".png"}
