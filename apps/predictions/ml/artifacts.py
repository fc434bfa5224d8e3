"""Models on disk: text and UBJ only, every byte vouched for by a manifest, never a half-written folder.

A folder holds ``model.json`` (regression, prior, calibration, policies), ``trees.ubj`` where trees are used,
``metadata.json``, ``metrics.json``, ``model_card.md``, ``reliability.png`` and ``manifest.json`` with the sha256 of
every other file. Its own sha256 is the identity of the model: whoever loads it says which one is expected.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from apps.predictions.ml.calibration import Calibration
from apps.predictions.ml.card import model_card, reliability_plot
from apps.predictions.ml.feature_prior import FeaturePrior
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.policy import Policy
from apps.predictions.ml.rate import Rate
from apps.predictions.ml.regression import Regression
from apps.predictions.ml.trees import Column, Trees

MANIFEST = "manifest.json"
FORMAT = 1
_LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn", "xgboost")


class ArtifactTamperedError(Exception):
    """A file of a model is missing, unexpected, or not the one that was saved."""


def save(
    model: TrainedModel, folder: Path, *, partners: Sequence[str] = (), clocks: Mapping[str, int] | None = None,
    code_version: str = "",
) -> str:  # fmt: skip
    """Write the model to ``folder``, which must not exist, and return the sha256 of its manifest.

    Everything is written beside it first and renamed in one step, so that a kill leaves no folder or a whole one.
    ``partners`` are those whose rows were learned from; ``clocks`` counts sessions by how their recording time came
    about, because an assumed clock is an assumption of the model.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; a model version is never overwritten")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        files = _contents(model, _metadata(model, partners, clocks or {}, code_version))
        for name, content in files.items():
            _write(beside / name, content)
        manifest = _json({"format": FORMAT, "files": {name: _sha256(content) for name, content in files.items()}})
        _write(beside / MANIFEST, manifest)
        beside.chmod(0o755)
        beside.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return _sha256(manifest)


def load(folder: Path, manifest_sha256: str) -> TrainedModel:
    """The model in ``folder``; every byte is checked before any of it is parsed.

    Raises ``ArtifactTamperedError`` if the manifest is not the expected one or a file differs from it.
    """
    manifest = _read(folder / MANIFEST)
    if _sha256(manifest) != manifest_sha256:
        raise ArtifactTamperedError(f"{folder}: the manifest is not the one that was registered")
    expected: dict[str, str] = json.loads(manifest)["files"]
    files = {name: _read(folder / name) for name in expected}
    for name, content in files.items():
        if _sha256(content) != expected[name]:
            raise ArtifactTamperedError(f"{folder / name}: the content is not what was saved")
    return _model(json.loads(files["model.json"]), json.loads(files["metrics.json"]), files.get("trees.ubj"))


def _contents(model: TrainedModel, metadata: dict[str, Any]) -> dict[str, bytes]:
    files = {
        "model.json": _json(_parts(model)),
        "metadata.json": _json(metadata),
        "metrics.json": _json(model.metrics),
        "model_card.md": model_card(model, metadata).encode(),
        "reliability.png": reliability_plot(model),
    }
    if model.trees is not None:
        files["trees.ubj"] = model.trees.ubj
    return files


def _parts(model: TrainedModel) -> dict[str, Any]:
    trees = model.trees
    return {
        "target": model.target, "basis": model.basis, "learner": model.learner, "usual": model.usual,
        "feature_hash": model.feature_hash, "prior": model.prior.to_dict(), "rate": model.rate.to_dict(),
        "regression": model.regression.to_dict() if model.regression else None,
        "trees": {"columns": [asdict(column) for column in trees.columns], "rounds": trees.rounds} if trees else None,
        "calibration": asdict(model.calibration), "reference": model.reference, "training": model.training,
        "policies": {name: policy.to_dict() for name, policy in model.policies.items()},
    }  # fmt: skip


def _model(stored: dict[str, Any], metrics: dict[str, Any], ubj: bytes | None) -> TrainedModel:
    trees = None
    if stored["trees"] is not None:
        if ubj is None:
            raise ArtifactTamperedError("the model names trees, but trees.ubj is not part of the manifest")
        columns = tuple(Column(**column) for column in stored["trees"]["columns"])
        trees = Trees(columns, ubj, stored["trees"]["rounds"])
    return TrainedModel(
        target=stored["target"], basis=stored["basis"], learner=stored["learner"], usual=stored["usual"],
        feature_hash=stored["feature_hash"], prior=FeaturePrior.from_dict(stored["prior"]), rate=Rate(**stored["rate"]),
        regression=Regression.from_dict(stored["regression"]) if stored["regression"] else None, trees=trees,
        calibration=Calibration(**stored["calibration"]), reference=stored["reference"],
        policies={name: Policy(**policy) for name, policy in stored["policies"].items()},
        training=stored["training"], metrics=metrics,
    )  # fmt: skip


def _metadata(
    model: TrainedModel, partners: Sequence[str], clocks: Mapping[str, int], code_version: str
) -> dict[str, Any]:
    return {
        "target": model.target, "basis": model.basis, "learner": model.learner, "training": model.training,
        "partners": list(partners), "clocks": dict(clocks), "feature_hash": model.feature_hash,
        "code_version": code_version, "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }  # fmt: skip


def _json(value: object) -> bytes:
    return json.dumps(_finite(value), indent=1, allow_nan=False).encode()


def _finite(value: object) -> object:
    """JSON knows no NaN: it becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactTamperedError(f"{path}: cannot be read ({error.strerror})") from error


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
