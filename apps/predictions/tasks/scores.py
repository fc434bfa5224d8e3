"""When scores are computed: every minute for whoever changed, nightly as a check, weekly under a new prior."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.predictions.actions.score_checks import verify_scores
from apps.predictions.actions.scores import DRAIN_JOB, drain_stale_tutors, refit_prior
from tutorscore.accounts.models import Partner
from tutorscore.lib.slots import floor_to_slot, run_once

MINUTE, DAY, WEEK = timedelta(minutes=1), timedelta(days=1), timedelta(weeks=1)
DRAIN_SECONDS = 45  # leaves the rest of the minute, so that ticks do not pile up


@shared_task(name=DRAIN_JOB)
def drain_stale_tutors_task() -> None:
    """Score the tutors whose facts changed or aged since the last minute."""
    _once(DRAIN_JOB, MINUTE, _drain)


@shared_task(name="predictions.verify_scores")
def verify_scores_task() -> None:
    """Compare every stored score with a full recompute."""
    _once("predictions.verify_scores", DAY, _verify)


@shared_task(name="predictions.refit_priors")
def refit_priors_task() -> None:
    """Fit the next prior of every partner and score everyone by it."""
    _once("predictions.refit_priors", WEEK, _refit)


def _once(job: str, every: timedelta, work: Any) -> None:
    now = timezone.now()
    run_once(job, slot_at=floor_to_slot(now, every), lease=timedelta(minutes=10), now=now, work=lambda: work(now))


def _drain(now: datetime) -> dict[str, Any]:
    """Chunk after chunk until nobody waits or the time is up; what is left waits for the next tick."""
    started, tutors, changes = monotonic(), 0, 0
    while monotonic() - started < DRAIN_SECONDS:
        report = drain_stale_tutors(now=now)
        tutors, changes = tutors + len(report.tutor_ids), changes + report.changes
        if not report.tutor_ids:
            break
    return {"tutors": tutors, "changes": changes}


def _verify(now: datetime) -> dict[str, Any]:
    report = verify_scores(now=now)
    return {"checked": report.checked, "waiting": report.waiting, "mismatches": len(report.mismatches)}


def _refit(now: datetime) -> dict[str, Any]:
    partners = Partner.objects.filter(is_scratch=False).order_by("pk")
    return {partner.slug: refit_prior(partner=partner, now=now).version for partner in partners}
