"""When sessions are predicted, outcomes joined, models evaluated and trained.

The hourly pass belongs to the alerts, which decide on what it says; the pass here answers new bookings within a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.predictions.actions.evaluation import evaluate_models
from apps.predictions.actions.outcomes import record_outcomes
from apps.predictions.actions.predictions import predict_changed
from apps.predictions.actions.training import TrainingInProgressError, train_target
from apps.predictions.ml.targets import TARGETS
from tutorscore.accounts.models import Partner
from tutorscore.lib.models import Heartbeat
from tutorscore.lib.slots import floor_to_slot, run_once

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
TRAINING_SECONDS = 3_600

PREDICT_CHANGED = "predictions.predict_changed"


@shared_task(name=PREDICT_CHANGED)
def predict_changed_task() -> None:
    """Answer the sessions booked or changed since the last minute; what a long pause left, the hourly pass finds."""
    _once(PREDICT_CHANGED, MINUTE, _predict_changed)


@shared_task(name="predictions.record_outcomes")
def record_outcomes_task() -> None:
    """Join the outcomes that have matured."""
    _once("predictions.record_outcomes", DAY, _record_outcomes)


@shared_task(name="predictions.evaluate_models")
def evaluate_models_task() -> None:
    """Say how the champions did."""
    _once("predictions.evaluate_models", WEEK, _evaluate)


@shared_task(
    name="predictions.train_models",
    acks_late=False,
    time_limit=TRAINING_SECONDS,
    soft_time_limit=TRAINING_SECONDS - 60,
)
def train_models_task() -> None:
    """Train a version of every target on its own queue; acknowledged early, because a restart begins anew anyway."""
    _once("predictions.train_models", WEEK, _train, lease=timedelta(seconds=TRAINING_SECONDS))


def _once(
    job: str, every: timedelta, work: Callable[[datetime], dict[str, Any]], lease: timedelta = 10 * MINUTE
) -> None:
    now = timezone.now()
    run_once(job, slot_at=floor_to_slot(now, every), lease=lease, now=now, work=lambda: work(now))


def _partners() -> list[Partner]:
    return list(Partner.objects.filter(is_scratch=False).order_by("pk"))


def _predict_changed(now: datetime) -> dict[str, Any]:
    last = Heartbeat.objects.filter(job=PREDICT_CHANGED).values_list("beat_at", flat=True).first()
    # A minute more than the last tick: a row counts from its transaction's beginning and is seen from its end.
    since = max(last - MINUTE, now - HOUR) if last else now - HOUR
    return {partner.slug: predict_changed(partner=partner, now=now, since=since).to_dict() for partner in _partners()}


def _record_outcomes(now: datetime) -> dict[str, Any]:
    return {partner.slug: record_outcomes(partner=partner, now=now).to_dict() for partner in _partners()}


def _evaluate(now: datetime) -> dict[str, Any]:
    return {log.target: {"sample_size": log.sample_size, "auc_roc": log.auc_roc} for log in evaluate_models(now=now)}


def _train(now: datetime) -> dict[str, Any]:
    partners = [partner for partner in _partners() if partner.trains_models]
    return {target: _train_one(target, partners, now) for target in TARGETS} if partners else {}


def _train_one(target: str, partners: list[Partner], now: datetime) -> str:
    try:
        version = train_target(target=target, partners=partners, known_by=now, now=now)
    except TrainingInProgressError:
        return "another process is training it"
    return f"version {version.version}, {version.get_standing_display().lower()}, basis {version.basis}"
