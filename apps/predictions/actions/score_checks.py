"""Are the stored scores what a full recompute would give? Asked every night."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import structlog

from apps.predictions.actions.priors import CHUNK, current_prior, parameters_of
from apps.predictions.actions.score_rows import differing_fields, score_row
from apps.predictions.actions.stale_marks import FOUND_WRONG, mark_for_scoring
from apps.predictions.datasets import load_frames, tutor_chunks
from apps.predictions.ml.score import measure, score_measured
from apps.predictions.ml.weights import WEIGHTS_VERSION
from apps.predictions.models import MetricPrior, TutorScore
from apps.predictions.moments import to_microseconds
from apps.tutors.models import StaleTutor
from tutorscore.accounts.models import Partner

log = structlog.get_logger(__name__)


@dataclass
class VerifyReport:
    """``checked`` tutors, those ``waiting`` to be scored again anyway, and per tutor the fields found wrong.

    A tutor without a stored score counts as wrong in ``score``, one left behind by a change of prior in ``prior``.
    """

    checked: int = 0
    waiting: int = 0
    mismatches: dict[int, list[str]] = field(default_factory=dict)


def verify_scores(*, now: datetime, partner: Partner | None = None) -> VerifyReport:
    """Compare every settled score with a full recompute at ``now``; wrong ones are reported and marked stale."""
    report = VerifyReport()
    partners = [partner] if partner else list(Partner.objects.filter(is_scratch=False).order_by("pk"))
    for each in partners:
        prior = current_prior(partner=each, now=now)
        for tutor_ids in tutor_chunks(each.pk, CHUNK):
            _verify(each, tutor_ids, prior, now, report)
    mark_for_scoring(tutor_ids=report.mismatches, reason=FOUND_WRONG)
    for tutor_id, fields in report.mismatches.items():
        log.error("score_mismatch", tutor=tutor_id, fields=",".join(fields))
    return report


def _verify(partner: Partner, tutor_ids: list[int], prior: MetricPrior, now: datetime, report: VerifyReport) -> None:
    stored = _stored(tutor_ids)
    frames = load_frames(partner_ids=[partner.pk], tutor_ids=tutor_ids)
    measured = measure(frames, np.array(tutor_ids, dtype=np.int64), to_microseconds(now))
    results = score_measured(measured, parameters_of(prior), weights_version=WEIGHTS_VERSION)
    unsettled = _unsettled(stored, tutor_ids, now)
    for result in results:
        if result.tutor_id in unsettled:
            report.waiting += 1
            continue
        report.checked += 1
        row = stored.get(result.tutor_id)
        wrong = ["score"] if row is None else differing_fields(row, score_row(result, prior))
        if wrong:
            report.mismatches[result.tutor_id] = wrong


def _stored(tutor_ids: list[int]) -> dict[int, TutorScore]:
    return {row.tutor_id: row for row in TutorScore.objects.filter(tutor_id__in=tutor_ids).select_related("prior")}


def _unsettled(stored: dict[int, TutorScore], tutor_ids: list[int], now: datetime) -> set[int]:
    """Tutors that are marked or aged, or were scored while we read; asked after the facts were read."""
    marked = set(StaleTutor.objects.filter(tutor_id__in=tutor_ids).values_list("tutor_id", flat=True))
    aged = {
        tutor_id for tutor_id, row in stored.items() if row.next_change_at is not None and row.next_change_at <= now
    }
    seen = {tutor_id: row.computed_at for tutor_id, row in stored.items()}
    fresh = TutorScore.objects.filter(tutor_id__in=tutor_ids).values_list("tutor_id", "computed_at")
    return marked | aged | {tutor_id for tutor_id, computed_at in fresh if seen.get(tutor_id) != computed_at}
