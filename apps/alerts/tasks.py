"""Periodic work of alerts. Each tick runs once; the rows say what is left to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.alerts.actions.hour import JOB, run_hour_for_everyone
from apps.alerts.actions.outbox import LEASE
from apps.alerts.actions.outbox import send_due as send_due_now
from tutorscore.lib.slots import catch_up, floor_to_slot, run_once

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
LOOK_BACK = timedelta(hours=48)
"""After a longer pause no missed hour matters any more: its sessions have begun."""


@shared_task(name=JOB)
def run_hour() -> None:
    """Every hour, missed hours included: a decision falls due at its hour, with the facts known by then."""
    catch_up(JOB, every=HOUR, look_back=LOOK_BACK, lease=LEASE, now=timezone.now(), work=_round)


@shared_task(name="alerts.send_due")
def send_due() -> None:
    """Every minute. What a missed minute left is still due in the next."""
    now = timezone.now()
    run_once(
        "alerts.send_due",
        slot_at=floor_to_slot(now, MINUTE),
        lease=LEASE,
        now=now,
        work=lambda: send_due_now(now=now),
    )


def _round(moment: datetime) -> dict[str, Any]:
    return run_hour_for_everyone(now=moment)
