"""Scoring tutors: all of them, those that changed, and a check that the two agree.

One chunk of tutors is one transaction: their marks are locked, their facts read, whole windows computed, the rows
upserted and exactly those marks deleted. An advisory lock per tutor keeps a worker from writing an older reading over a
newer one; it never makes ingestion wait. Facts committed later bring marks of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import structlog
from django.db import connection, transaction

from apps.predictions.actions.priors import CHUNK, add_prior, current_prior, parameters_of
from apps.predictions.actions.score_rows import Cause, Step, changes, score_row, upsert_scores
from apps.predictions.datasets import load_frames, tutor_chunks
from apps.predictions.ml.score import Measured, ScoreResult, measure, score_measured
from apps.predictions.ml.weights import WEIGHTS_VERSION
from apps.predictions.models import MetricPrior, ScoreChange, TutorScore
from apps.predictions.moments import to_microseconds
from apps.tutors.models import StaleTutor, Tutor
from tutorscore.accounts.models import Partner

log = structlog.get_logger(__name__)

DRAIN_JOB = "predictions.drain_stale_tutors"
"""The minute's job: whose last beat says how fresh scores are."""

Progress = Callable[[int], None]

_LOCK_CLASS = 7_201  # the advisory locks of tutor scores


@dataclass
class RescoreReport:
    """``tutors`` scored and ``changes`` written to history."""

    tutors: int = 0
    changes: int = 0


@dataclass
class DrainReport:
    """Who was scored again, how many marks that answered, and the lines of history it wrote."""

    tutor_ids: list[int] = field(default_factory=list)
    marks: int = 0
    changes: int = 0


def rescore_tutors(
    *, partner: Partner, now: datetime, tutor_ids: Sequence[int] | None = None, progress: Progress | None = None
) -> RescoreReport:
    """Score tutors of a partner anew, all by default; ``progress`` is told how many after each chunk."""
    prior = current_prior(partner=partner, now=now)
    chosen = None if tutor_ids is None else set(tutor_ids)
    report = RescoreReport()
    for chunk in tutor_chunks(partner.pk, CHUNK):
        ids = chunk if chosen is None else [tutor_id for tutor_id in chunk if tutor_id in chosen]
        if not ids:
            continue
        with transaction.atomic():
            _lock_tutors(ids)
            marks = StaleTutor.objects.filter(tutor_id__in=ids).select_for_update(skip_locked=True)
            mark_ids = list(marks.values_list("pk", flat=True))
            report.changes += _score(partner, ids, prior, now)
            StaleTutor.objects.filter(pk__in=mark_ids).delete()
        report.tutors += len(ids)
        if progress:
            progress(report.tutors)
    return report


@transaction.atomic
def drain_stale_tutors(*, now: datetime, limit: int = CHUNK) -> DrainReport:
    """Score up to ``limit`` tutors that are marked, or out of whose windows a fact has aged since.

    Tutors another worker is busy with are left to it; their marks stay.
    """
    marks = _claim_marks(limit)
    due = TutorScore.objects.filter(next_change_at__lte=now).order_by("next_change_at")
    aged = due.exclude(tutor_id__in=marks).values_list("tutor_id", flat=True)[: max(limit - len(marks), 0)]
    free = _try_lock_tutors([*marks, *aged])
    report = DrainReport(tutor_ids=free)
    by_partner: dict[int, list[int]] = defaultdict(list)
    for tutor_id, partner_id in Tutor.objects.filter(pk__in=free).order_by("pk").values_list("pk", "partner_id"):
        by_partner[partner_id].append(tutor_id)
    for partner in Partner.objects.filter(pk__in=by_partner).order_by("pk"):
        prior = current_prior(partner=partner, now=now)
        report.changes += _score(partner, by_partner[partner.pk], prior, now)
    answered = [mark_id for tutor_id in free for mark_id in marks.get(tutor_id, ())]
    StaleTutor.objects.filter(pk__in=answered).delete()
    report.marks = len(answered)
    return report


def refit_prior(*, partner: Partner, now: datetime, progress: Progress | None = None) -> MetricPrior:
    """Fit the next version of the prior and score everyone by it; history tells this from a change of the tutor."""
    prior = add_prior(partner=partner, now=now)
    report = rescore_tutors(partner=partner, now=now, progress=progress)
    log.info("prior_refitted", partner=partner.pk, version=prior.version, tutors=report.tutors, changes=report.changes)
    return prior


def _score(partner: Partner, tutor_ids: list[int], prior: MetricPrior, now: datetime) -> int:
    """Write the scores of locked tutors; the number of history lines."""
    frames = load_frames(partner_ids=[partner.pk], tutor_ids=tutor_ids)
    measured = measure(frames, np.array(tutor_ids, dtype=np.int64), to_microseconds(now))
    stored = {row.tutor_id: row for row in TutorScore.objects.filter(tutor_id__in=tutor_ids).select_related("prior")}
    scores = _Scores(measured)
    found = [
        change
        for tutor_id in tutor_ids
        for change in changes(stored.get(tutor_id), scores.steps(tutor_id, stored.get(tutor_id), prior))
    ]
    ScoreChange.objects.bulk_create(found, batch_size=1_000)
    upsert_scores([score_row(scores.of(tutor_id, prior, WEIGHTS_VERSION), prior) for tutor_id in tutor_ids])
    return len(found)


class _Scores:
    """Scores of what was measured under any prior and weights; each combination is computed once."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._known: dict[tuple[int, int], dict[int, ScoreResult]] = {}

    def of(self, tutor_id: int, prior: MetricPrior, weights_version: int) -> ScoreResult:
        key = (prior.pk, weights_version)
        if key not in self._known:
            results = score_measured(self._measured, parameters_of(prior), weights_version=weights_version)
            self._known[key] = {result.tutor_id: result for result in results}
        return self._known[key][tutor_id]

    def steps(self, tutor_id: int, stored: TutorScore | None, prior: MetricPrior) -> list[Step]:
        """From the stored score to the new one: first what the tutor changed, then the prior, then the weights."""
        if stored is None:
            return [Step(Cause.FACTS, self.of(tutor_id, prior, WEIGHTS_VERSION), prior)]
        former, weights = stored.prior or prior, stored.weights_version
        steps = [Step(Cause.FACTS, self.of(tutor_id, former, weights), former)]
        if former.pk != prior.pk:
            steps.append(Step(Cause.PRIOR, self.of(tutor_id, prior, weights), prior))
        if weights != WEIGHTS_VERSION:
            steps.append(Step(Cause.WEIGHTS, self.of(tutor_id, prior, WEIGHTS_VERSION), prior))
        return steps


def _claim_marks(limit: int) -> dict[int, list[int]]:
    """Marks of the tutors that have waited longest, locked: {tutor: marks}."""
    sql = """
        SELECT id, tutor_id FROM tutors_staletutor
        WHERE tutor_id IN (SELECT tutor_id FROM tutors_staletutor GROUP BY tutor_id ORDER BY min(id) LIMIT %s)
        ORDER BY id FOR UPDATE SKIP LOCKED
    """
    marks: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, [limit])
        for mark_id, tutor_id in cursor.fetchall():
            marks[tutor_id].append(mark_id)
    return marks


def _lock_tutors(tutor_ids: list[int]) -> None:
    """Wait for the score of each tutor, in one order for everyone."""
    sql = "SELECT pg_advisory_xact_lock(%s, id::int) FROM (SELECT unnest(%s::bigint[]) AS id ORDER BY 1) AS tutors"
    with connection.cursor() as cursor:
        cursor.execute(sql, [_LOCK_CLASS, tutor_ids])


def _try_lock_tutors(tutor_ids: list[int]) -> list[int]:
    """Those of the tutors whose score nobody else is writing, now locked."""
    sql = "SELECT id, pg_try_advisory_xact_lock(%s, id::int) FROM unnest(%s::bigint[]) AS id"
    with connection.cursor() as cursor:
        cursor.execute(sql, [_LOCK_CLASS, tutor_ids])
        return [tutor_id for tutor_id, is_free in cursor.fetchall() if is_free]
