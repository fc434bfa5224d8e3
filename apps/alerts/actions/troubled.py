"""What managers do with deliveries that could not help themselves. Each is one conditional update."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.alerts.actions.handling import StaleActionError
from apps.alerts.actions.sending import expose
from apps.alerts.models import Delivery
from tutorscore.accounts.models import User

State = Delivery.State


def send_again(*, delivery_id: int, by: User, now: datetime) -> Delivery:
    """Due once more, with all its attempts. For an uncertain mail that means: a person knows that it did not arrive."""
    return _settle(
        delivery_id,
        (State.DEAD, State.UNCERTAIN),
        state=State.DUE,
        note=f"sent again by {by.username}",
        attempts=0,
        next_attempt_at=now,
    )


@transaction.atomic
def mark_as_sent(*, delivery_id: int, by: User) -> Delivery:
    """The provider says that an uncertain mail did arrive: the tutor counts as reached since the hand-over."""
    delivery = _settle(
        delivery_id,
        (State.UNCERTAIN,),
        state=State.SENT,
        note=f"marked as sent by {by.username}",
        sent_at=F("handed_at"),
    )
    expose(delivery)
    return delivery


def cancel_delivery(*, delivery_id: int, by: User) -> Delivery:
    """Never send it. What is just being handed over cannot be called back."""
    return _settle(
        delivery_id,
        (State.DUE, State.RETRY, State.DEAD, State.UNCERTAIN),
        state=State.CANCELLED,
        note=f"cancelled by {by.username}",
        next_attempt_at=None,
    )


def _settle(delivery_id: int, expected: tuple[str, ...], **columns: Any) -> Delivery:
    waiting = Delivery.objects.filter(pk=delivery_id, state__in=expected)
    if not waiting.update(claim_token=None, claimed_until=None, **columns):
        raise StaleActionError("This mail has changed since you opened it. Look at it again.")
    return Delivery.objects.get(pk=delivery_id)
