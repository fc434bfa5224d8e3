"""What was done about sessions and tutors so far. Never tells the arm of an experiment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.alerts.models import Alert, Delivery
from apps.tutors.models import Tutor
from tutorscore.accounts.models import Partner, User

# Messages that staff may know of; a withheld one would tell who is in the control arm.
TOLD = tuple(state for state in Delivery.State.values if state != Delivery.State.WITHHELD)


@dataclass(frozen=True)
class Done:
    """The preparation mail and the open alert of a session, where there are any."""

    mail: Delivery | None = None
    alert: Alert | None = None


def done_about(session_ids: Iterable[int]) -> dict[int, Done]:
    """Per session what was done; sessions nothing was done about are left out. Two queries."""
    ids = list(session_ids)
    mails = {
        delivery.session_id: delivery
        for delivery in Delivery.objects.filter(session_id__in=ids, state__in=TOLD)
        .defer("html_body", "text_body", "context")
        .order_by("created_at")
    }
    alerts = {
        alert.session_id: alert
        for alert in Alert.objects.filter(session_id__in=ids)
        .exclude(state=Alert.State.RESOLVED)
        .select_related("owner")
        .order_by("opened_at")
    }
    return {key: Done(mails.get(key), alerts.get(key)) for key in mails.keys() | alerts.keys() if key is not None}


def tutor_alerts(tutor: Tutor, since: datetime) -> QuerySet[Alert]:
    """Alerts about a tutor opened since, newest first."""
    return Alert.objects.filter(tutor=tutor, opened_at__gte=since).select_related("owner").order_by("-opened_at")


def tutor_mails(tutor: Tutor, since: datetime) -> QuerySet[Delivery]:
    """Messages that reached a tutor since, newest first."""
    return (
        Delivery.objects.filter(tutor=tutor, state=Delivery.State.SENT, sent_at__gte=since)
        .defer("html_body", "text_body", "context")
        .select_related("session__student")
        .order_by("-sent_at")
    )


def alert_with_facts(partner: Partner, alert_id: int) -> Alert:
    """One alert with people, session and history. Raises Alert.DoesNotExist for another partner's."""
    return (
        Alert.objects.select_related("tutor__score", "session__student", "session__subject", "session__tutor", "owner")
        .prefetch_related("events__by")
        .get(partner=partner, pk=alert_id)
    )


def waiting_count(partner: Partner, reader: User, now: datetime) -> int:
    """Open alerts that wait for this reader: neither parked nor taken by a colleague."""
    taken = Q(state=Alert.State.ACKNOWLEDGED, owner__isnull=False) & ~Q(owner=reader)
    parked = Q(state=Alert.State.SNOOZED, snoozed_until__gt=now)
    return Alert.objects.filter(partner=partner).exclude(state=Alert.State.RESOLVED).exclude(taken | parked).count()


def troubled_count(partner: Partner) -> int:
    """Messages that need a person; the partial index on them serves it."""
    return Delivery.objects.filter(partner=partner, state__in=(Delivery.State.DEAD, Delivery.State.UNCERTAIN)).count()


def resolved_since(partner: Partner, since: datetime) -> QuerySet[Alert]:
    """Alerts that staff or rules closed since, latest first."""
    return Alert.objects.filter(partner=partner, resolved_at__gte=since).order_by("-resolved_at")


def mails_sent_since(partner: Partner, since: datetime) -> int:
    """How many messages left the house since."""
    return Delivery.objects.filter(partner=partner, state=Delivery.State.SENT, sent_at__gte=since).count()
