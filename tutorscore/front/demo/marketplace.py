"""The world behind the demo: made once, waiting under the state directory, posted as its time comes."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from apps.alerts.selectors import mailed_external_ids
from apps.sessions.ingest.doors import ingest_rows
from apps.sessions.models import Entity
from tutorscore.accounts.models import Partner
from tutorscore.front.progress import Progress
from tutorscore.lib.models import Heartbeat
from tutorscore.lib.slots import beat
from tutorscore.simulation import World, generate, rows_between

CLOCK = "front.demo_world"
"""Job whose heartbeat says up to when the world has been posted; re-posting is harmless, facts are idempotent."""

SEED = 20261121
SOURCE = "demo world"


def world_folder() -> Path:
    return Path(settings.HOME) / "demo" / "world"


def make_world(*, sessions: int, now: datetime, progress: Progress) -> World:
    """The saved world, or a new one around ``now``; written beside its place and renamed, so none is left half."""
    folder = world_folder()
    if (folder / "world.json").exists():
        return saved_world()
    draft = folder.with_name("world.draft")
    shutil.rmtree(draft, ignore_errors=True)
    world = generate(sessions, SEED, "realistic", now=now, progress=lambda done, of: progress("simulate", done, of))
    world.save(draft)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return world


@cache
def saved_world() -> World:
    """Read once a process: a worker posts from it every minute."""
    return World.load(world_folder())


def forget_world() -> None:
    shutil.rmtree(world_folder(), ignore_errors=True)
    saved_world.cache_clear()


def posted_until() -> datetime | None:
    """Up to when rows of the world were posted; None before the history is in."""
    heartbeat = Heartbeat.objects.filter(job=CLOCK).first()
    return heartbeat.beat_at if heartbeat else None


def post_rows(world: World, *, partner: Partner, since: datetime, until: datetime) -> dict[str, int]:
    """Send what became known in (since, until] through ingestion; counts per outcome.

    Sessions whose preparation mail was sent in time end as the mailed version of the world has them. The clock moves
    last: a process killed before that posts the same rows again, which changes nothing.
    """

    def mailed(external_ids: Sequence[str]) -> set[str]:
        return mailed_external_ids(partner=partner, external_ids=list(external_ids))

    outcomes: Counter[str] = Counter()
    for kind, rows in rows_between(world, since, until, treated=mailed):
        results = ingest_rows(partner=partner, entity=Entity(kind), rows=rows, now=until, source=SOURCE)
        outcomes.update(result.outcome for result in results)
    beat(CLOCK, dict(outcomes), now=until)
    return dict(outcomes)
