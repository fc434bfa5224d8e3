"""Today: who needs me, why, and what do I do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.alerts.models import Alert
from apps.alerts.selectors import queue, snoozed
from apps.alerts.session_selectors import alert_with_facts, mails_sent_since, resolved_since
from tutorscore.accounts.models import Partner
from tutorscore.front.alert_panel import alert_panel
from tutorscore.front.partners import StaffRequest, partner_page
from tutorscore.front.queue import Queue, todays_queue

CLOSED_SHOWN = 10
EVENING = 17


@partner_page
def today(request: StaffRequest, partner: Partner) -> HttpResponse:
    """The queue; where there is room beside it, its first item stands open."""
    now = timezone.now()
    waiting = _queue(request, partner, now)
    first = alert_with_facts(partner, waiting.items[0].alert.pk) if waiting.items else None
    panel = alert_panel(first, now) if first else {}
    return render(request, "today.html", _page(waiting, partner, now) | panel)


@partner_page
def alert(request: StaffRequest, partner: Partner, pk: int) -> HttpResponse:
    """The same page with another item open; on a phone that item alone."""
    now = timezone.now()
    try:
        chosen = alert_with_facts(partner, pk)
    except Alert.DoesNotExist:
        raise Http404 from None
    waiting = _queue(request, partner, now)
    return render(request, "today.html", _page(waiting, partner, now) | alert_panel(chosen, now) | {"is_own": True})


def _queue(request: StaffRequest, partner: Partner, now: datetime) -> Queue:
    parked = list(snoozed(partner=partner, now=now))
    return todays_queue(queue(partner=partner, now=now), parked, request.user, now)


def _page(waiting: Queue, partner: Partner, now: datetime) -> dict[str, Any]:
    since = _last_evening(now)
    closed = resolved_since(partner, since)
    return {
        "queue": waiting,
        "now": now,
        "since": since,
        "closed": closed[:CLOSED_SHOWN],
        "closed_count": closed.count(),
        "mails_sent": mails_sent_since(partner, since),
    }


def _last_evening(now: datetime) -> datetime:
    """Yesterday at 17:00 in the reader's zone: what happened since is news in the morning."""
    return timezone.localtime(now).replace(hour=EVENING, minute=0, second=0, microsecond=0) - timedelta(days=1)
