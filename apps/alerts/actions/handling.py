"""What staff do with alerts, and how one is opened. Every change is a conditional update and leaves an event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.alerts.models import Alert, AlertEvent
from apps.alerts.rules import Finding
from tutorscore.accounts.models import User

State, Kind = Alert.State, AlertEvent.Kind


class StaleActionError(Exception):
    """Somebody or some rule was faster; the alert no longer stands as the person saw it."""


@transaction.atomic
def open_alert(*, partner_id: int, finding: Finding, now: datetime) -> bool:
    """Open an alert unless one is open for the same condition; say whether it did."""
    alert = Alert(
        partner_id=partner_id,
        rule=finding.rule,
        condition=finding.condition,
        tutor_id=finding.tutor_id,
        session_id=finding.session_id,
        opened_at=now,
        **words_of(finding),
    )
    # The partial unique index of open alerts decides; a loser of a race gets no primary key back.
    Alert.objects.bulk_create([alert], ignore_conflicts=True)
    opened = Alert.objects.filter(
        partner_id=partner_id, condition=finding.condition, opened_at=now, state=State.NEW, events=None
    ).first()
    if opened is None:
        return False
    AlertEvent.objects.create(alert=opened, kind=Kind.OPENED, happened_at=now)
    return True


def words_of(finding: Finding) -> dict[str, Any]:
    """The columns of an alert that a rule may rewrite while it is open."""
    return {
        "urgency": finding.urgency,
        "title": finding.title[:200],
        "reason": finding.reason[:300],
        "next_step": finding.next_step[:200],
        "evidence": finding.evidence,
        "due_at": finding.due_at,
    }


def acknowledge_alert(*, alert_id: int, by: User, now: datetime) -> Alert:
    """Take an alert: whoever takes it owns it."""
    return _change(
        alert_id,
        (State.NEW, State.SNOOZED),
        Kind.ACKNOWLEDGED,
        by=by,
        now=now,
        state=State.ACKNOWLEDGED,
        owner=by,
        acknowledged_at=now,
        snoozed_until=None,
    )


def snooze_alert(*, alert_id: int, until: datetime, by: User, now: datetime) -> Alert:
    """Park an alert until then, or until it gets worse."""
    if until <= now:
        raise ValueError("An alert is snoozed until a moment to come.")
    return _change(
        alert_id,
        (State.NEW, State.ACKNOWLEDGED),
        Kind.SNOOZED,
        by=by,
        now=now,
        note=f"until {until:%Y-%m-%d %H:%M} UTC",
        state=State.SNOOZED,
        snoozed_until=until,
    )


def resolve_alert(*, alert_id: int, resolution: str, by: User, now: datetime) -> Alert:
    """Done, with what came of it; the same condition then stays quiet for the cool-down of the rules."""
    return _change(
        alert_id,
        (State.NEW, State.ACKNOWLEDGED, State.SNOOZED),
        Kind.RESOLVED,
        by=by,
        now=now,
        note=resolution,
        state=State.RESOLVED,
        resolution=resolution[:200],
        resolved_at=now,
        snoozed_until=None,
    )


@transaction.atomic
def reopen_alert(*, alert_id: int, by: User, now: datetime) -> Alert:
    """Undo a resolution; refused when the condition has got a newer open alert meanwhile."""
    closed = Alert.objects.filter(pk=alert_id).values("partner_id", "condition").first()
    if closed and Alert.objects.filter(**closed).exclude(state=State.RESOLVED).exists():
        raise StaleActionError("There is a newer alert about this already.")
    return _change(
        alert_id,
        (State.RESOLVED,),
        Kind.REOPENED,
        by=by,
        now=now,
        state=State.NEW,
        resolved_at=None,
        resolution="",
        acknowledged_at=None,
        owner=None,
    )


@transaction.atomic
def _change(
    alert_id: int,
    expected: tuple[str, ...],
    kind: AlertEvent.Kind,
    *,
    by: User,
    now: datetime,
    note: str = "",
    **columns: Any,
) -> Alert:
    if not Alert.objects.filter(pk=alert_id, state__in=expected).update(**columns):
        raise StaleActionError("This alert has changed since you opened it. Look at it again.")
    AlertEvent.objects.create(alert_id=alert_id, kind=kind, happened_at=now, by=by, note=note[:200])
    return Alert.objects.get(pk=alert_id)
