"""Train one target: claim the run, learn, put the artifact in place, register the version, let it stand or wait."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.db.models.functions import Now

from apps.predictions.actions.models import promote_first
from apps.predictions.datasets import load_frames
from apps.predictions.ml import artifacts
from apps.predictions.ml.targets import TARGETS
from apps.predictions.ml.training import train
from apps.predictions.models import ModelVersion, TrainingRun
from apps.predictions.moments import to_microseconds
from apps.sessions.models import Clock, TutoringSession
from tutorscore.accounts.models import Partner

log = structlog.get_logger(__name__)


class TrainingInProgressError(RuntimeError):
    """Another process is training this target right now; its version will do."""


def train_target(
    *, target: str, partners: Sequence[Partner], known_by: datetime, now: datetime, promote: bool = True
) -> ModelVersion:
    """Learn one target from the partners' facts known by ``known_by`` and register the version.

    The row of the version is written only after its folder is in place. The first version of a target becomes its
    champion if ``promote``, and so does the first one that beats the rate where a rate answers until then; every other
    version waits as a candidate. Raises TrainingInProgressError if another process trains the target.
    """
    if not partners:
        raise ValueError(f"no partner to learn {target} from: mark one with trains_models")
    run = _claim(target, known_by)
    try:
        with transaction.atomic():
            TrainingRun.objects.select_for_update().get(pk=run.pk, state=TrainingRun.State.RUNNING)
            version = _learn(target, partners, known_by)
            if promote:
                promote_first(version=version, now=now)
            TrainingRun.objects.filter(pk=run.pk).update(
                state=TrainingRun.State.DONE, finished_at=Now(), model_version=version
            )
    except BaseException as error:
        _fail(run, f"{type(error).__name__}: {error}")
        raise
    log.info(
        "model_trained", target=target, version=version.version, basis=version.basis, known_by=known_by.isoformat()
    )
    return version


def _claim(target: str, known_by: datetime) -> TrainingRun:
    """A running row of our own. A running row whose lock is free belongs to a process that died."""
    with transaction.atomic():
        held = TrainingRun.objects.filter(target=target, state=TrainingRun.State.RUNNING)
        for dead in held.select_for_update(skip_locked=True):
            _fail(dead, "the process that trained it ended without a word")
    try:
        with transaction.atomic():
            return TrainingRun.objects.create(target=target, trained_until=known_by)
    except IntegrityError as error:
        raise TrainingInProgressError(f"{target} is being trained by another process") from error


def _fail(run: TrainingRun, why: str) -> None:
    TrainingRun.objects.filter(pk=run.pk, state=TrainingRun.State.RUNNING).update(
        state=TrainingRun.State.FAILED, finished_at=Now(), error=why[:500]
    )


def _learn(target: str, partners: Sequence[Partner], known_by: datetime) -> ModelVersion:
    partner_ids = [partner.pk for partner in partners]
    frames = load_frames(partner_ids=partner_ids, known_by=known_by)
    model = train(frames, TARGETS[target], known_by=to_microseconds(known_by))
    number = _next_number(target)
    folder = Path(target) / str(number)
    manifest = artifacts.save(
        model,
        Path(settings.ARTIFACT_DIR) / folder,
        partners=[partner.slug for partner in partners],
        clocks=_clocks(partner_ids, known_by),
    )
    version = ModelVersion.objects.create(
        target=target,
        version=number,
        basis=model.basis,
        folder=str(folder),
        manifest_sha256=manifest,
        trained_until=known_by,
        metrics=finite(model.metrics),
        policy=model.policy.to_dict(),
    )
    version.partners.set(partners)
    return version


def _next_number(target: str) -> int:
    """One past the highest known; folders of runs that never reached their row are left alone, never overwritten."""
    rows = ModelVersion.objects.filter(target=target).values_list("version", flat=True)
    place = Path(settings.ARTIFACT_DIR) / target
    folders = [int(path.name) for path in place.iterdir() if path.name.isdigit()] if place.is_dir() else []
    return max([0, *rows, *folders]) + 1


def _clocks(partner_ids: Sequence[int], known_by: datetime) -> dict[str, int]:
    """Sessions by how their recording time came about: an assumed clock is an assumption of the model."""
    known = TutoringSession.objects.filter(partner_id__in=partner_ids, first_known_at__lte=known_by)
    counts = known.order_by("clock").values_list("clock").annotate(Count("id"))
    return {str(Clock(clock).label): rows for clock, rows in counts}


def finite(figures: Any) -> Any:
    """The same figures with NaN and infinity, which JSON does not know, as None."""
    if isinstance(figures, dict):
        return {str(name): finite(value) for name, value in figures.items()}
    if isinstance(figures, list | tuple):
        return [finite(value) for value in figures]
    if isinstance(figures, float):
        return figures if math.isfinite(figures) else None
    return figures
