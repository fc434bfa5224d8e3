"""What the rules look at, as plain values; and how their alerts stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Q

from apps.alerts.daytime import LONGEST_AHEAD
from apps.alerts.models import Alert, AlertEvent, Delivery, TutorReply
from apps.alerts.rules import (
    RESCHEDULES,
    Finding,
    FirstSessionRisk,
    Moves,
    Standing,
    StuckMails,
    cannot_make_it,
)
from apps.alerts.selectors import PREPARATION_TARGET
from apps.predictions.ml.metrics import RESCHEDULE_ALERT_PROBABILITY
from apps.predictions.models import Prediction, TutorScore
from apps.sessions.models import Status
from tutorscore.accounts.models import Partner

TROUBLE_LASTS = timedelta(days=7)
TROUBLED = (Delivery.State.DEAD, Delivery.State.UNCERTAIN)


def moves_worth_a_look(*, partner: Partner) -> list[Moves]:
    """Tutors near or over the limit of the reschedule rule, and those whose alert is open."""
    open_alert = Q(tutor__alerts__rule=RESCHEDULES.name) & ~Q(tutor__alerts__state=Alert.State.RESOLVED)
    rows = (
        TutorScore.objects.filter(tutor__partner=partner)
        .filter(Q(reschedule_alert_probability__gt=RESCHEDULE_ALERT_PROBABILITY) | open_alert)
        .select_related("tutor")
        .distinct()
        .order_by("tutor_id")
    )
    return [_moves(row) for row in rows]


def _moves(row: TutorScore) -> Moves:
    rate: dict[str, Any] = row.metrics["reschedule_rate_adjusted"]["90d"]
    return Moves(
        tutor_id=row.tutor_id,
        tutor=str(row.tutor),
        probability=row.reschedule_alert_probability,
        moved=round(rate["count"] or 0),
        n=round(rate["n"] or 0),
        low=rate.get("low") or 0.0,
        high=rate.get("high") or 0.0,
    )


def first_session_risks(*, partner: Partner, now: datetime) -> list[FirstSessionRisk]:
    """The latest answer about every first session that starts within a day."""
    rows = (
        Prediction.objects.filter(
            target=PREPARATION_TARGET,
            is_latest=True,
            session__partner=partner,
            session__status=Status.SCHEDULED,
            session__is_latest=True,
            session__scheduled_start__gt=now,
            session__scheduled_start__lte=now + LONGEST_AHEAD,
        )
        .select_related("session__tutor", "session__student")
        .order_by("session__scheduled_start", "session__external_id")
    )
    return [
        FirstSessionRisk(
            session_id=row.session_id,
            tutor_id=row.session.tutor_id,
            tutor=str(row.session.tutor),
            student=str(row.session.student),
            start=row.session.scheduled_start,
            level=row.level,
            probability=row.probability,
            usual=(row.reasons or {}).get("usual"),
            why=_strongest(row.reasons or {}),
        )
        for row in rows
    ]


def _strongest(said: dict[str, Any]) -> str:
    """The reason that raises the risk most, in words; everything else has none."""
    raising = [reason for reason in said.get("reasons", []) if reason["contribution"] > 0 and reason["features"]]
    return str(max(raising, key=lambda reason: reason["contribution"])["words"]) if raising else ""


def stuck_mails(*, partner: Partner, now: datetime) -> list[StuckMails]:
    """One entry for each kind of trouble, also where there is none; what is older than a week is past helping."""
    rows = (
        Delivery.objects.filter(partner=partner, state__in=TROUBLED, decided_at__gt=now - TROUBLE_LASTS)
        .order_by()
        .values("state")
        .annotate(n=Count("pk"), error=Max("last_error"))
    )
    found = {row["state"]: row for row in rows}
    return [
        StuckMails(state=str(state), count=found[state]["n"], last_error=found[state]["error"])
        if state in found
        else StuckMails(state=str(state), count=0, last_error="")
        for state in TROUBLED
    ]


def sessions_tutors_cannot_make(*, partner: Partner, now: datetime) -> list[Finding]:
    """Sessions that still stand although the tutor said through a mail that it won't work."""
    replies = TutorReply.objects.filter(
        kind=TutorReply.Kind.CANNOT_MAKE_IT,
        delivery__partner=partner,
        delivery__session__status=Status.SCHEDULED,
        delivery__session__scheduled_start__gt=now,
    ).select_related("delivery__session__tutor")
    sessions = [reply.delivery.session for reply in replies if reply.delivery.session is not None]
    return [
        cannot_make_it(
            session_id=session.pk, tutor_id=session.tutor_id, tutor=str(session.tutor), start=session.scheduled_start
        )
        for session in sessions
    ]


def standing_alerts(*, partner: Partner, rule: str) -> dict[str, Standing]:
    """Open alerts of a rule by condition."""
    rows = Alert.objects.filter(partner=partner, rule=rule).exclude(state=Alert.State.RESOLVED)
    return {
        condition: Standing(urgency=urgency, reason=reason, snoozed_until=snoozed_until)
        for condition, urgency, reason, snoozed_until in rows.values_list(
            "condition", "urgency", "reason", "snoozed_until"
        )
    }


def resolved_by_staff(*, partner: Partner, rule: str, since: datetime) -> dict[str, datetime]:
    """When staff last resolved each condition of a rule, by condition; a resolution that was undone does not count."""
    rows = (
        AlertEvent.objects.filter(
            alert__partner=partner,
            alert__rule=rule,
            alert__state=Alert.State.RESOLVED,
            kind=AlertEvent.Kind.RESOLVED,
            by__isnull=False,
            happened_at=F("alert__resolved_at"),
            happened_at__gt=since,
        )
        .order_by()
        .values_list("alert__condition")
        .annotate(last=Max("happened_at"))
    )
    return dict(rows)
