"""Which version answers: the champion of a target, moved by promotion and rollback."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from apps.predictions.ml import artifacts
from apps.predictions.ml.model import TrainedModel
from apps.predictions.models import ModelVersion

log = structlog.get_logger(__name__)

_Standing = ModelVersion.Standing


def champion(target: str) -> ModelVersion | None:
    """The version that answers for a target, if there is one."""
    return ModelVersion.objects.filter(target=target, standing=_Standing.CHAMPION).first()


def load_champion(target: str) -> tuple[ModelVersion, TrainedModel] | None:
    """The champion and its model, read once per process and content. Raises ArtifactTamperedError if a file changed."""
    version = champion(target)
    return None if version is None else (version, load_version(version))


def load_version(version: ModelVersion) -> TrainedModel:
    """The model of any version; the manifest's hash in the row decides whether its files are the ones trained."""
    return _load(str(Path(settings.ARTIFACT_DIR) / version.folder), version.manifest_sha256)


@transaction.atomic
def promote(*, version: ModelVersion, now: datetime, is_provisional: bool = False) -> ModelVersion:
    """Make a version the champion of its target; the former champion is retired. Rollback is the same step.

    Loads the artifact first: a version whose files are missing or changed cannot answer and is refused.
    """
    load_version(version)
    rows = ModelVersion.objects.select_for_update().filter(target=version.target)
    locked = {row.pk: row for row in rows.order_by("pk")}
    if locked[version.pk].standing == _Standing.CHAMPION:
        return locked[version.pk]
    rows.filter(standing=_Standing.CHAMPION).update(standing=_Standing.RETIRED)
    rows.filter(pk=version.pk).update(standing=_Standing.CHAMPION, promoted_at=now, is_provisional=is_provisional)
    version.refresh_from_db()
    log.info("model_promoted", target=version.target, version=version.version, is_provisional=is_provisional)
    return version


@transaction.atomic
def promote_first(*, version: ModelVersion, now: datetime) -> bool:
    """Promote provisionally where nothing answers yet, or where only a rate does and this is a model; say whether.

    Training has already compared a model with the shrunken rate: a version that does not beat it has the basis
    ``rate`` and answers with the rate. Replacing a model by another is decided elsewhere, never by the training run.
    """
    present = (
        ModelVersion.objects.select_for_update().filter(target=version.target, standing=_Standing.CHAMPION).first()
    )
    if present is not None and not (present.basis == "rate" and version.basis == "model"):
        return False
    promote(version=version, now=now, is_provisional=True)
    return True


@lru_cache(maxsize=16)
def _load(folder: str, manifest_sha256: str) -> TrainedModel:
    return artifacts.load(Path(folder), manifest_sha256)
