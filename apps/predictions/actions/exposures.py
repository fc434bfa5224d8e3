"""What reached a tutor, and the chance that it would not have: written by the part above that reaches tutors."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.predictions.models import Exposure, TreatmentDraw


@transaction.atomic
def record_exposure(*, tutor_id: int, session_id: int | None, kind: str, reached_at: datetime, source: str) -> Exposure:
    """Note that ``source`` (for example ``delivery:123``) reached a tutor; the second note of a source changes nothing.

    The tutor's sessions from 30 days before until 30 days after are treated: models neither learn from them nor are
    judged by them.
    """
    exposure, _ = Exposure.objects.get_or_create(
        source=source,
        defaults={"tutor_id": tutor_id, "session_id": session_id, "kind": kind, "reached_at": reached_at},
    )
    return exposure


@transaction.atomic
def record_draw(
    *, tutor_id: int, session_id: int, experiment: str, drawn_at: datetime, untreated_propensity: float
) -> TreatmentDraw:
    """Note, for whichever arm was drawn, the chance of staying untreated; once per experiment and session.

    To be called for every session that became eligible, in the transaction that decides about it: without the rows of
    the arm that is reached, the other one could not be weighted.
    """
    draw, _ = TreatmentDraw.objects.get_or_create(
        experiment=experiment,
        session_id=session_id,
        defaults={"tutor_id": tutor_id, "drawn_at": drawn_at, "untreated_propensity": untreated_propensity},
    )
    return draw
