"""One alert in full: odds beside the usual rate, reasons that add up, what to do, what was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.alerts.forms import ResolveForm, SnoozeForm
from apps.alerts.models import Alert, Delivery
from apps.alerts.rules import RESCHEDULES
from apps.alerts.session_selectors import done_about
from apps.predictions.ml.metrics import WINDOWS_DAYS
from apps.predictions.risk_selectors import latest_by_session
from apps.predictions.score_selectors import middle_metrics
from tutorscore.front.measures import Measure, measure, shown
from tutorscore.front.queue import item_of
from tutorscore.front.risks import Risk, in_order, worst

MOVED = "reschedule_rate"


@dataclass(frozen=True)
class Evidence:
    """A metric in all windows, beside the middle tutor."""

    windows: list[tuple[int, Measure]]
    longest: Measure
    middle: str


def alert_panel(alert: Alert, now: datetime) -> dict[str, Any]:
    """Everything the panel shows; the alert comes with its tutor, score, session and events."""
    return {
        "alert": alert,
        "item": item_of(alert, now),
        "now": now,
        "score": getattr(getattr(alert.tutor, "score", None), "score", None),
        "risk": _risk(alert),
        "evidence": _moved(alert),
        "mail": _mail(alert),
        "snooze_form": SnoozeForm(now=now),
        "resolve_form": ResolveForm(),
        "is_open": alert.state != Alert.State.RESOLVED,
    }


def _risk(alert: Alert) -> Risk | None:
    if alert.session_id is None:
        return None
    risks = in_order(latest_by_session([alert.session_id]).get(alert.session_id, {}))
    first = next((risk for risk in risks if risk.target.first_sessions_only), None)
    return first or worst(risks)


def _moved(alert: Alert) -> Evidence | None:
    score = getattr(alert.tutor, "score", None)
    if alert.rule != RESCHEDULES.name or alert.tutor is None or score is None:
        return None
    windows = [(days, measure(score, MOVED, days)) for days in WINDOWS_DAYS]
    middle = middle_metrics(alert.tutor.partner).get(MOVED)
    longest = windows[-1][1]
    return Evidence(windows, longest, "" if middle is None else shown(longest.metric, middle))


def _mail(alert: Alert) -> Delivery | None:
    if alert.session_id is None:
        return None
    done = done_about([alert.session_id]).get(alert.session_id)
    return done.mail if done else None
