"""What pages read about a tutor's past and coming sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Min, Prefetch, QuerySet

from apps.sessions.models import OPEN_STATUSES, Author, Feedback, Status, TutoringSession
from apps.tutors.models import Tutor
from tutorscore.accounts.models import Partner


def next_starts(tutor_ids: Iterable[int], now: datetime) -> dict[int, datetime]:
    """When each tutor teaches next; tutors without a coming session are left out."""
    rows = (
        TutoringSession.objects.filter(tutor_id__in=list(tutor_ids), status=Status.SCHEDULED, scheduled_start__gt=now)
        .values("tutor_id")
        .annotate(start=Min("scheduled_start"))
    )
    return {row["tutor_id"]: row["start"] for row in rows}


def past_sessions(tutor: Tutor, now: datetime) -> QuerySet[TutoringSession]:
    """A tutor's sessions that began or were moved away, newest first, with what was said and how they moved."""
    said = Feedback.objects.filter(author=Author.STUDENT)
    return (
        TutoringSession.objects.filter(tutor=tutor, scheduled_start__lte=now)
        .exclude(status__in=OPEN_STATUSES)
        .select_related("student", "subject")
        .prefetch_related(Prefetch("feedback", queryset=said), "reschedules")
        .order_by("-scheduled_start", "-pk")
    )


def coming_sessions(tutor: Tutor, now: datetime) -> QuerySet[TutoringSession]:
    """A tutor's scheduled sessions, next first."""
    return (
        TutoringSession.objects.filter(tutor=tutor, status=Status.SCHEDULED, scheduled_start__gt=now)
        .select_related("student", "subject")
        .order_by("scheduled_start", "pk")
    )


def scheduled_between(partner: Partner, now: datetime, until: datetime) -> QuerySet[TutoringSession]:
    """Sessions that are to start in (now, until]; the partial index on open sessions serves it."""
    return TutoringSession.objects.filter(
        partner=partner, status=Status.SCHEDULED, scheduled_start__gt=now, scheduled_start__lte=until
    ).select_related("tutor", "student", "subject")


def session_with_facts(partner: Partner, session_id: int) -> TutoringSession:
    """One session with people, moves and ratings. Raises TutoringSession.DoesNotExist for another partner's."""
    return (
        TutoringSession.objects.select_related("tutor", "student", "subject")
        .prefetch_related("feedback", "reschedules")
        .get(partner=partner, pk=session_id)
    )
