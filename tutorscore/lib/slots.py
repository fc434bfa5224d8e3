"""Periodic work that happens once per tick, whoever asks and however often.

A **slot** is one tick of one job, a moment in UTC; daylight saving cannot repeat or swallow one. The unique row of a
slot decides who works: the insert that succeeds, or the conditional update that takes over an expired lease. A
finished slot never runs again. Work must bear being started twice, because a worker may die after its last write and
before its slot is marked finished.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import F

from tutorscore.lib.models import Heartbeat, JobSlot

Summary = dict[str, Any]

REMEMBERED = timedelta(days=14)
"""How long finished slots are kept. Longer than any look-back, so that a forgotten slot cannot return."""

_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday, so that weekly slots begin on Mondays


def floor_to_slot(now: datetime, every: timedelta) -> datetime:
    """The latest tick at or before ``now``; ticks are whole multiples of ``every`` in UTC, weeks begin on Mondays."""
    in_utc = now.astimezone(UTC)
    return in_utc - (in_utc - _EPOCH) % every


def run_once(job: str, *, slot_at: datetime, lease: timedelta, now: datetime, work: Callable[[], Summary]) -> bool:
    """Run ``work`` unless this slot is finished or somebody else holds it; say whether it ran here.

    ``work`` answers with a small summary of counts, which is kept in the slot and in the job's heartbeat. When it
    raises, the claim is released, so that the next caller may try again, and the error goes on to the caller.
    """
    attempt = _claim(job, slot_at=slot_at, lease=lease, now=now)
    if attempt is None:
        return False
    mine = JobSlot.objects.filter(job=job, slot_at=slot_at, attempts=attempt, finished_at=None)
    try:
        summary = work()
    except BaseException:
        mine.update(claimed_until=now)
        raise
    if mine.update(finished_at=now, summary=summary):
        beat(job, summary, now=now)
        JobSlot.objects.filter(job=job, slot_at__lt=slot_at - REMEMBERED).delete()
    return True


def catch_up(
    job: str,
    *,
    every: timedelta,
    look_back: timedelta,
    lease: timedelta,
    now: datetime,
    work: Callable[[datetime], Summary],
) -> int:
    """Run every unfinished slot since the last finished one, oldest first; answer how many ran here.

    A job that has never run starts with the present slot. Slots further back than ``look_back`` are given up: after
    a longer pause their moment has passed. ``work`` is given the moment of its slot, and for the present slot ``now``
    itself. Stops at the first slot somebody else holds, because order matters.
    """
    ran, now = 0, now.astimezone(UTC)
    slots = _unfinished(job, every=every, look_back=look_back, now=now)
    for slot_at in slots:
        moment = now if slot_at == slots[-1] else slot_at
        if not run_once(job, slot_at=slot_at, lease=lease, now=now, work=partial(work, moment)):
            break
        ran += 1
    return ran


def beat(job: str, summary: Summary, *, now: datetime) -> None:
    """Note that ``job`` finished at ``now``; the freshness line of every page reads it."""
    Heartbeat.objects.update_or_create(job=job, defaults={"beat_at": now, "summary": summary})


def _claim(job: str, *, slot_at: datetime, lease: timedelta, now: datetime) -> int | None:
    """The number of this attempt, or nothing when the slot is finished or held by a living claim."""
    slot, is_new = JobSlot.objects.get_or_create(job=job, slot_at=slot_at, defaults={"claimed_until": now + lease})
    if is_new:
        return slot.attempts
    taken = JobSlot.objects.filter(pk=slot.pk, attempts=slot.attempts, finished_at=None, claimed_until__lte=now).update(
        claimed_until=now + lease, attempts=F("attempts") + 1
    )
    return slot.attempts + 1 if taken else None


def _unfinished(job: str, *, every: timedelta, look_back: timedelta, now: datetime) -> list[datetime]:
    present = floor_to_slot(now, every)
    last = (
        JobSlot.objects.filter(job=job, finished_at__isnull=False, slot_at__lte=present)
        .order_by("-slot_at")
        .values_list("slot_at", flat=True)
        .first()
    )
    slot_at = present if last is None else max(last + every, floor_to_slot(now - look_back, every))
    slots = []
    while slot_at <= present:
        slots.append(slot_at)
        slot_at += every
    return slots
