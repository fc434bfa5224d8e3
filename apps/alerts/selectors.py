"""Reads of alerts and deliveries. What depends on time takes ``now`` or ``as_of``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, When

from apps.alerts.daytime import LONGEST_AHEAD
from apps.alerts.models import Alert, Delivery
from apps.alerts.worked import FirstHour
from apps.predictions.models import Prediction
from apps.sessions.models import OPEN_STATUSES, Author, Status, TutoringSession
from tutorscore.accounts.models import Partner

MOST_URGENT_FIRST = Case(
    *(When(urgency=urgency, then=place) for place, urgency in enumerate(Alert.Urgency.values)),
    default=len(Alert.Urgency.values),
)

PREPARATION_TARGET = "first_session_poor"
JUST_BEFORE = timedelta(minutes=15)


def undecided_first_sessions(*, partner: Partner, now: datetime) -> QuerySet[Prediction]:
    """Decisions "send a preparation mail" about sessions within 24 hours that have no delivery yet, soonest first."""
    return (
        Prediction.objects.filter(
            target=PREPARATION_TARGET,
            is_decision=True,
            should_send_alert=True,
            session__partner=partner,
            session__status=Status.SCHEDULED,
            session__is_latest=True,
            session__scheduled_start__gt=now,
            session__scheduled_start__lte=now + LONGEST_AHEAD,
        )
        .exclude(Exists(Delivery.objects.filter(session=OuterRef("session"), kind=Delivery.Kind.PREPARATION)))
        .select_related("tutor", "session__tutor", "session__student", "session__subject")
        .order_by("session__scheduled_start", "session__external_id")
    )


def is_still_first_session(*, session_id: int) -> bool:
    """Whether the question about first sessions is still asked of it; it is withdrawn when it no longer is one."""
    return Prediction.objects.filter(session_id=session_id, target=PREPARATION_TARGET, is_latest=True).exists()


def queue(*, partner: Partner | None, now: datetime) -> QuerySet[Alert]:
    """Open alerts for Today, by deadline and then urgency; snoozed ones come back when their time is up."""
    alerts = Alert.objects.exclude(state=Alert.State.RESOLVED).exclude(state=Alert.State.SNOOZED, snoozed_until__gt=now)
    if partner:
        alerts = alerts.filter(partner=partner)
    return alerts.select_related("partner", "tutor", "session__student", "session__subject", "owner").order_by(
        F("due_at").asc(nulls_last=True), MOST_URGENT_FIRST, "opened_at", "pk"
    )


def snoozed(*, partner: Partner | None, now: datetime) -> QuerySet[Alert]:
    """Alerts parked until later."""
    alerts = Alert.objects.filter(state=Alert.State.SNOOZED, snoozed_until__gt=now)
    return alerts.filter(partner=partner) if partner else alerts


def delivery_counts(*, partner: Partner | None = None) -> dict[str, int]:
    """How many deliveries stand in each state; states without any are left out."""
    deliveries = Delivery.objects.filter(partner=partner) if partner else Delivery.objects.all()
    return dict(deliveries.order_by().values_list("state").annotate(n=Count("pk")))


def delivery(*, public_id: UUID | str) -> Delivery | None:
    """One delivery with everything its page shows."""
    return (
        Delivery.objects.select_related(
            "partner", "tutor", "session__student", "session__subject", "prediction__model_version"
        )
        .prefetch_related("replies")
        .filter(public_id=public_id)
        .first()
    )


def mailed_external_ids(
    *, partner: Partner, external_ids: Iterable[str], at_least_before: timedelta = timedelta(minutes=60)
) -> set[str]:
    """Which of these sessions had their preparation mail sent, at least that long before they started."""
    return set(
        Delivery.objects.filter(
            partner=partner,
            kind=Delivery.Kind.PREPARATION,
            state=Delivery.State.SENT,
            session__external_id__in=list(external_ids),
            session__scheduled_start__gte=F("sent_at") + at_least_before,
        ).values_list("session__external_id", flat=True)
    )


def sessions_just_before(sessions: Sequence[TutoringSession]) -> set[int]:
    """Which of these sessions follow another one of the same tutor by less than a quarter of an hour; primary keys."""
    if not sessions:
        return set()
    starts = [session.scheduled_start for session in sessions]
    others = TutoringSession.objects.filter(
        tutor_id__in={session.tutor_id for session in sessions},
        status__in=OPEN_STATUSES,
        is_latest=True,
        scheduled_start__gte=min(starts) - timedelta(days=1),
        scheduled_start__lt=max(starts),
    ).values_list("tutor_id", "scheduled_start", "duration_minutes")
    ends = defaultdict(list)
    for tutor_id, start, minutes in others:
        ends[tutor_id].append(start + timedelta(minutes=minutes))
    return {
        session.pk
        for session in sessions
        if any(timedelta() <= session.scheduled_start - end < JUST_BEFORE for end in ends[session.tutor_id])
    }


def rated_first_hours(*, tutor_id: int, as_of: datetime) -> list[FirstHour]:
    """The tutor's first held session with each student, where rated by the student, as known at ``as_of``."""
    held = (
        TutoringSession.objects.filter(
            tutor_id=tutor_id, status=Status.COMPLETED, is_latest=True, recorded_at__lte=as_of
        )
        .order_by("student_id", "scheduled_start", "external_id")
        .distinct("student_id")
    )
    rows = TutoringSession.objects.filter(
        pk__in=held.values("pk"), feedback__author=Author.STUDENT, feedback__recorded_at__lte=as_of
    ).values_list("feedback__rating", "objectives_met", "scheduled_start", "tutor_joined_at", "actual_start")
    return [
        FirstHour(rating=rating, objectives_met=met, on_time=_on_time(start, joined or began))
        for rating, met, start, joined, began in rows.order_by("scheduled_start", "pk")
    ]


def _on_time(scheduled: datetime, seen: datetime | None) -> bool | None:
    return None if seen is None else seen <= scheduled
