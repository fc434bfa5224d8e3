"""The outbox: who may send what now, and what becomes of claims whose worker died."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.mail import get_connection
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest

from apps.alerts.actions.sending import MOST_ATTEMPTS, deliver, finish
from apps.alerts.channels import Unknown, has_taken
from apps.alerts.models import Delivery

State = Delivery.State

LEASE = timedelta(minutes=10)
"""Longer than the hard time limit of the sending task: nothing is taken from a worker that may still be alive."""

BATCH = 200


def send_due(*, now: datetime, limit: int = BATCH, connection: Any = None) -> dict[str, int]:
    """Send what is due at ``now`` and settle what dead workers left; counts per resulting state.

    Any number of workers may call this at once: a delivery is claimed by exactly one.
    """
    channel = connection or get_connection(fail_silently=False)
    counts = Counter(_recover(now=now, connection=channel))
    for _ in range(limit):
        token = uuid4()
        delivery_id = _claim(now=now, token=token)
        if delivery_id is None:
            break
        counts[deliver(delivery_id=delivery_id, token=token, now=now, connection=channel)] += 1
    return {str(state): n for state, n in counts.items()}


@transaction.atomic
def _claim(*, now: datetime, token: UUID) -> int | None:
    """Take the delivery that has waited longest since it may be sent and that nobody else is looking at.

    One at a time: the death of a worker costs the mail in its hands an attempt, and no other. One that was tried
    before waits behind those whose turn has come meanwhile, so that a deadly mail cannot stop the others.
    """
    delivery_id = (
        Delivery.objects.select_for_update(skip_locked=True)
        .filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
        .filter(state__in=(State.DUE, State.RETRY), not_before__lte=now)
        .order_by(Greatest("not_before", "next_attempt_at"), "pk")
        .values_list("pk", flat=True)
        .first()
    )
    if delivery_id is not None:
        Delivery.objects.filter(pk=delivery_id).update(
            state=State.CLAIMED, claim_token=token, claimed_until=now + LEASE, attempts=F("attempts") + 1
        )
    return delivery_id


def _recover(*, now: datetime, connection: Any) -> Counter[str]:
    """Claims past their lease: not yet handed over is tried again, handed over is asked for."""
    counts: Counter[str] = Counter()
    stale = Delivery.objects.filter(claimed_until__lte=now)
    claimed = stale.filter(state=State.CLAIMED)
    freed = {"claim_token": None, "claimed_until": None, "last_error": "The worker stopped before the hand-over."}
    counts[State.DEAD] += claimed.filter(attempts__gte=MOST_ATTEMPTS).update(state=State.DEAD, **freed)
    counts[State.RETRY] += claimed.update(state=State.RETRY, next_attempt_at=now, **freed)
    for delivery_id, token in stale.filter(state=State.HANDING).values_list("pk", "claim_token"):
        assert token is not None
        stopped = Unknown("The worker stopped during the hand-over.")
        counts[finish(delivery_id, token, stopped, now, lambda key: has_taken(connection, key))] += 1
    return +counts
