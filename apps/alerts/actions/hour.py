"""The hourly round: predict, decide, open deliveries, apply the rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from apps.alerts.actions.inbox import apply_rule, apply_rules
from apps.alerts.actions.preparation import open_preparation_deliveries
from apps.alerts.rules import ROUND_FAILED, round_failed
from apps.predictions.actions.predictions import LOOKAHEAD_HOURS, predict_upcoming
from tutorscore.accounts.models import Partner

log = structlog.get_logger()

JOB = "alerts.run_hour"
"""The job whose hourly slots say which rounds are done."""


def run_hour(*, partner: Partner, now: datetime, lookahead_hours: float = LOOKAHEAD_HOURS) -> dict[str, Any]:
    """Everything that is due for ``partner`` at ``now``; counts per step. A second call then changes nothing."""
    predicted = predict_upcoming(partner=partner, now=now, lookahead_hours=lookahead_hours)
    return {
        "predictions": sum(predicted.appended.values()),
        "deliveries": open_preparation_deliveries(partner=partner, now=now),
        "alerts": apply_rules(partner=partner, now=now),
    }


def run_hour_for_everyone(*, now: datetime) -> dict[str, Any]:
    """The round of every partner. One that fails opens an alert, and keeps neither the others nor the next hour."""
    summary: dict[str, Any] = {}
    for partner in Partner.objects.filter(is_scratch=False).order_by("pk"):
        failures = []
        try:
            summary[partner.slug] = run_hour(partner=partner, now=now)
        except Exception as error:
            log.exception("round_failed", partner=partner.pk)
            summary[partner.slug] = {"error": type(error).__name__}
            failures = [round_failed(error=type(error).__name__, now=now)]
        apply_rule(partner=partner, rule=ROUND_FAILED, signals=failures, now=now)
    return summary
