"""What pages read about the risks of coming sessions. The latest answer of each champion counts, nothing older."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Exists, IntegerField, Max, OuterRef, Q, QuerySet, Value, When

from apps.predictions.ml.targets import TARGETS
from apps.predictions.models import ModelVersion, Prediction, RiskLevel
from apps.sessions.timetable_selectors import scheduled_between
from tutorscore.accounts.models import Partner, User

SEVERITY = {RiskLevel.LOW: 0, RiskLevel.MEDIUM: 1, RiskLevel.HIGH: 2, RiskLevel.CRITICAL: 3}

FIRST_SESSION_TARGETS = tuple(target.name for target in TARGETS.values() if target.first_sessions_only)


def sessions_at_risk(partner: Partner, now: datetime, until: datetime, target: str = "") -> QuerySet[Any]:
    """Scheduled sessions in (now, until] with ``severity``, the worst level of all risks or of one (None: not asked).

    ``is_first`` marks sessions that a question about first sessions was asked of.
    """
    asked = Q(predictions__is_latest=True)
    if target:
        asked &= Q(predictions__target=target)
    first = Prediction.objects.filter(session=OuterRef("pk"), is_latest=True, target__in=FIRST_SESSION_TARGETS)
    rank = Case(
        *(When(predictions__level=level, then=Value(place)) for level, place in SEVERITY.items()),
        output_field=IntegerField(),
    )
    return scheduled_between(partner, now, until).annotate(severity=Max(rank, filter=asked), is_first=Exists(first))


def severity_counts(sessions: QuerySet[Any], reader: User) -> dict[str, int]:
    """How many sessions stand at each level, how many nothing was asked of, and those behind the ready-made views."""
    return sessions.order_by().aggregate(
        all=Count("pk"),
        first=Count("pk", filter=Q(is_first=True)),
        mine=Count("pk", filter=Q(tutor__owner=reader)),
        unasked=Count("pk", filter=Q(severity__isnull=True)),
        **{str(level): Count("pk", filter=Q(severity=place)) for level, place in SEVERITY.items()},
    )


def latest_by_session(session_ids: Iterable[int]) -> dict[int, dict[str, Prediction]]:
    """The latest prediction of every target for these sessions, in one query."""
    found: dict[int, dict[str, Prediction]] = defaultdict(dict)
    for prediction in Prediction.objects.filter(session_id__in=list(session_ids), is_latest=True):
        found[prediction.session_id][prediction.target] = prediction
    return dict(found)


def champions() -> dict[str, ModelVersion]:
    """The model that answers for each target; targets without one are left out."""
    standing = ModelVersion.objects.filter(standing=ModelVersion.Standing.CHAMPION)
    return {version.target: version for version in standing}
