"""Tasks that compose several apps."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from tutorscore.accounts.models import Partner
from tutorscore.front.demo.marketplace import CLOCK, post_rows, posted_until, saved_world
from tutorscore.front.demo.people import PARTNER
from tutorscore.front.demo.schedule import TASK
from tutorscore.lib.slots import floor_to_slot, run_once

MINUTE = timedelta(minutes=1)


@shared_task(name=TASK)
def post_demo_rows() -> None:
    """Post through ingestion what became known in the demo world since the last time."""
    since = posted_until()
    if not settings.DEMO or since is None:
        return
    now = timezone.now()
    partner = Partner.objects.get(slug=PARTNER)
    run_once(
        f"{CLOCK}.minute",
        slot_at=floor_to_slot(now, MINUTE),
        lease=MINUTE * 5,
        now=now,
        work=lambda: post_rows(saved_world(), partner=partner, since=since, until=now),
    )
