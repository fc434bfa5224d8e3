"""Versions of a partner's metric prior."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from django.db import transaction

from apps.predictions.actions.stale_marks import PRIOR_CHANGED, mark_for_scoring
from apps.predictions.datasets import load_frames, tutor_chunks
from apps.predictions.ml.prior import Prior, prior_of, prior_sums
from apps.predictions.models import MetricPrior
from apps.predictions.moments import to_microseconds
from apps.tutors.models import Tutor
from tutorscore.accounts.models import Partner

CHUNK = 500


def current_prior(*, partner: Partner, now: datetime) -> MetricPrior:
    """The newest version; the first is fitted at once, from whatever facts there are."""
    newest = MetricPrior.objects.filter(partner=partner).order_by("-version").first()
    return newest or add_prior(partner=partner, now=now)


def parameters_of(row: MetricPrior) -> Prior:
    """The prior a row stands for."""
    return Prior.from_dict(row.parameters)


@transaction.atomic
def add_prior(*, partner: Partner, now: datetime) -> MetricPrior:
    """Fit the next version on all tutors of the partner and mark them all, so that a kill cannot leave any behind."""
    Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    newest = MetricPrior.objects.filter(partner=partner).order_by("-version").first()
    row = MetricPrior.objects.create(
        partner=partner,
        version=newest.version + 1 if newest else 1,
        as_of=now,
        parameters=_fitted(partner, now).to_dict(),
    )
    tutor_ids = Tutor.objects.filter(partner=partner).order_by("pk").values_list("pk", flat=True)
    mark_for_scoring(tutor_ids=tutor_ids, reason=PRIOR_CHANGED)
    return row


def _fitted(partner: Partner, now: datetime) -> Prior:
    """Chunk by chunk, so that memory does not grow with the partner."""
    moment = to_microseconds(now)
    parts = []
    for tutor_ids in tutor_chunks(partner.pk, CHUNK):
        frames = load_frames(partner_ids=[partner.pk], tutor_ids=tutor_ids)
        parts.append(prior_sums(frames, pd.Index(tutor_ids).to_numpy(dtype="int64"), moment))
    if not parts:
        return Prior.neutral()
    return prior_of(pd.concat(parts, ignore_index=True))
