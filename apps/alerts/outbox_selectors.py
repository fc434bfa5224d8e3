"""What the outbox page shows. Withheld messages tell who is in a control arm, so only managers see them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.alerts.models import Delivery
from apps.alerts.session_selectors import TOLD
from tutorscore.accounts.models import Partner, User

State = Delivery.State

# How states are grouped for people; every state stands in exactly one group.
GROUPS: dict[str, tuple[str, ...]] = {
    "waiting": (State.DUE, State.CLAIMED, State.HANDING, State.RETRY),
    "sent": (State.SENT,),
    "trouble": (State.DEAD, State.UNCERTAIN),
    "ended": (State.CANCELLED, State.EXPIRED, State.SUPPRESSED),
    "withheld": (State.WITHHELD,),
}


def deliveries_for(partner: Partner, reader: User, group: str = "") -> QuerySet[Delivery]:
    """Messages a reader may know of, newest decision first, without bodies; ``group`` is a key of GROUPS."""
    found = Delivery.objects.filter(partner=partner, state__in=_told_to(reader))
    if group in GROUPS:
        found = found.filter(state__in=GROUPS[group])
    return (
        found.select_related("tutor", "session__student", "session__subject")
        .defer("html_body", "text_body")
        .order_by("-decided_at", "-pk")
    )


def group_counts(partner: Partner, reader: User) -> dict[str, int]:
    """How many messages stand in each group, in one query; ``all`` are those the reader may know of."""
    counts = {name: Count("pk", filter=Q(state__in=states)) for name, states in GROUPS.items()}
    return Delivery.objects.filter(partner=partner, state__in=_told_to(reader)).aggregate(all=Count("pk"), **counts)


def delivery_for(partner: Partner, reader: User, public_id: UUID) -> Delivery:
    """One message with everything its page shows. Raises Delivery.DoesNotExist for one the reader may not know of."""
    return (
        Delivery.objects.select_related("tutor", "session__student", "session__subject", "prediction__model_version")
        .prefetch_related("replies")
        .get(partner=partner, public_id=public_id, state__in=_told_to(reader))
    )


def _told_to(reader: User) -> Collection[str]:
    return State.values if reader.may_manage else TOLD
