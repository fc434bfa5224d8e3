"""The page of one session: what may go wrong and why, what was done, what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.alerts.session_selectors import done_about
from apps.predictions.risk_selectors import latest_by_session
from apps.sessions.models import Status, TutoringSession
from tutorscore.front.happenings import happened
from tutorscore.front.risks import in_order, worst


def session_page(session: TutoringSession, now: datetime) -> dict[str, Any]:
    """Everything the template shows; risks come worst first."""
    risks = in_order(latest_by_session([session.pk]).get(session.pk, {}))
    first = worst(risks)
    return {
        "session": session,
        "risks": sorted(risks, key=lambda risk: risk is not first),
        "worst": first,
        "done": done_about([session.pk]).get(session.pk),
        "happened": happened(session) if session.status != Status.SCHEDULED else None,
        "is_over": session.scheduled_start <= now,
        "moves": sorted(session.reschedules.all(), key=lambda move: move.requested_at),
        "feedback": list(session.feedback.all()),
    }
