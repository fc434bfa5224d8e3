"""Opening preparation deliveries for first sessions that the policy chose, and closing those that lost their reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.alerts.actions.experiments import assign, is_withheld, start_experiment
from apps.alerts.daytime import SHORTEST_AHEAD, sending_time, zone
from apps.alerts.models import Delivery, Experiment, OptOut
from apps.alerts.selectors import sessions_just_before, undecided_first_sessions
from apps.alerts.tips.choice import choose
from apps.alerts.tips.situation import Situation
from apps.predictions.ml.features import GROUPS
from apps.predictions.models import Prediction
from apps.sessions.models import Status, TutoringSession
from tutorscore.accounts.models import Partner

Kind, State = Delivery.Kind, Delivery.State

CALLED_OFF = (Status.RESCHEDULED, Status.CANCELLED)
_TOLD_TO_TUTORS = frozenset(name for name, group in GROUPS.items() if group.tutor_may_see)


@transaction.atomic
def open_preparation_deliveries(*, partner: Partner, now: datetime) -> dict[str, int]:
    """One delivery for every chosen first session within 24 hours; counts per state it was opened or closed in.

    Sessions that cannot be mailed end at once with a note and take no part in the experiment; the others are assigned
    an arm, and those of the control arm are withheld. A second call opens nothing twice.
    """
    if partner.is_scratch:
        return {}
    experiment = _locked_experiment(partner, now)
    closed = _close_called_off(partner)
    decisions = list(undecided_first_sessions(partner=partner, now=now))
    opted_out = set(
        OptOut.objects.filter(
            kind=Kind.PREPARATION, tutor_id__in={decision.tutor_id for decision in decisions}
        ).values_list("tutor_id", flat=True)
    )
    deliveries = [_delivery(decision, now, decision.tutor_id in opted_out) for decision in decisions]
    due = [row for row in deliveries if row.state == State.DUE]
    _choose_tips(due)
    if experiment.stopped_at is None or experiment.stopped_at > now:
        arms = assign(experiment=experiment, sessions=[row.session for row in due if row.session], now=now)
        for row in due:
            if is_withheld(arms[row.tutor_id or 0]):
                row.state, row.note = State.WITHHELD, "control"
    Delivery.objects.bulk_create(deliveries)
    opened = Counter(str(row.state) for row in deliveries)
    return dict(opened + Counter({str(State.CANCELLED): closed}))


def _locked_experiment(partner: Partner, now: datetime) -> Experiment:
    """The experiment's row serves as the lock: one opening per partner at a time."""
    experiment = start_experiment(partner=partner, now=now)
    return Experiment.objects.select_for_update().get(pk=experiment.pk)


def _close_called_off(partner: Partner) -> int:
    """Waiting deliveries whose session was moved or cancelled; a row that is just being sent is left to its sender."""
    waiting = (
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(partner=partner, state__in=(State.DUE, State.RETRY), session__status__in=CALLED_OFF)
        .values_list("pk", "session__status")
    )
    closed = list(waiting)
    for status in CALLED_OFF:
        Delivery.objects.filter(pk__in=[pk for pk, why in closed if why == status]).update(
            state=State.CANCELLED, note=f"session_{status}", next_attempt_at=None
        )
    return len(closed)


def _delivery(decision: Prediction, now: datetime, opted_out: bool) -> Delivery:
    session, tutor = decision.session, decision.session.tutor
    start = session.scheduled_start
    moment = sending_time(now=now, start=start, timezone=tutor.timezone)
    state, note = _ending(session, now, moment, opted_out)
    return Delivery(
        partner_id=session.partner_id,
        dedupe_key=f"prep:{session.partner_id}:{session.pk}",
        kind=Kind.PREPARATION,
        state=state,
        note=note,
        tutor=tutor,
        session=session,
        prediction=decision,
        recipient=tutor.email,
        not_before=moment or now,
        expires_at=start - SHORTEST_AHEAD,
        context={"reasons": groups_to_help_with(decision.reasons or {})},
        decided_at=now,
    )


def _ending(session: TutoringSession, now: datetime, moment: datetime | None, opted_out: bool) -> tuple[str, str]:
    """The state a delivery is opened in, and why it ends there if it does."""
    last_moment = session.scheduled_start - SHORTEST_AHEAD
    if session.first_known_at > last_moment:
        return State.CANCELLED, "late_booking"
    if session.tutor.left_at and session.tutor.left_at <= now:
        return State.CANCELLED, "tutor_left"
    if now > last_moment:
        return State.EXPIRED, "too_late"
    if moment is None:
        return State.EXPIRED, "no_daytime"
    if opted_out:
        return State.SUPPRESSED, "opted_out"
    if not session.tutor.email:
        return State.SUPPRESSED, "no_address"
    return State.DUE, ""


def groups_to_help_with(said: dict[str, Any]) -> list[str]:
    """Groups of a prediction's reasons that raise the risk and that a tutor may be told about, strongest first."""
    raising = [reason for reason in said.get("reasons", []) if reason["contribution"] > 0]
    raising.sort(key=lambda reason: (-reason["contribution"], reason["group"]))
    return [reason["group"] for reason in raising if reason["group"] in _TOLD_TO_TUTORS]


def _choose_tips(deliveries: Sequence[Delivery]) -> None:
    busy = sessions_just_before([row.session for row in deliveries if row.session])
    for row in deliveries:
        assert row.session is not None
        at = situation(row.session, has_session_just_before=row.session.pk in busy)
        row.context["tips"] = choose(row.context["reasons"], at)


def situation(session: TutoringSession, *, has_session_just_before: bool) -> Situation:
    """What tips may depend on: the session, the student's wishes, the tutor's tenure, on the tutor's clock."""
    student, tutor = session.student, session.tutor
    start = session.scheduled_start.astimezone(zone(tutor.timezone))
    return Situation(
        hour=start.hour,
        subject=session.subject.name if session.subject else "",
        age=start.year - student.birth_year if student.birth_year else None,
        tenure_days=(session.scheduled_start - tutor.onboarded_at).days if tutor.onboarded_at else None,
        pace=student.preferred_pace,
        teaching_style=student.preferred_teaching_style,
        communication=student.communication_style_preference,
        urgency=student.urgency_level,
        goals=student.learning_goals,
        is_new_to_tutoring=student.previous_tutoring_experience == 0,
        has_session_just_before=has_session_just_before,
    )
