"""The living world: rows in the order in which they become known, as mails and time make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

import numpy as np

from tutorscore.simulation.clock import DAY, Array, epoch_seconds
from tutorscore.simulation.knowledge import KINDS, as_dicts, render, versions
from tutorscore.simulation.resolution import NONE
from tutorscore.simulation.rows import session_ids
from tutorscore.simulation.world import World

Treated = Callable[[Sequence[str]], AbstractSet[str]] | AbstractSet[str]
SLICE: Final = DAY


def rows_between(
    world: World, start: datetime | None, end: datetime, treated: Treated = frozenset()
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(kind, rows) batches of what becomes known in (start, end]; ``start`` None is the beginning of the world.

    Rows carry every column of the import format as text. A batch spans at most a day; within a day tutors and students
    come before the sessions that name them, and rows of a kind are in order of ``recorded_at``. ``treated`` holds the
    ids of sessions mailed in time, or picks them from given ids; it is asked only about sessions a mail would change.
    """
    high = epoch_seconds(end)
    low = None if start is None else epoch_seconds(start)
    mailed = mailed_flags(world, low, high, treated)
    all_versions = {kind: versions(world, kind, mailed) for kind in KINDS}
    if low is None:
        low = min(int(states.known_at.min()) for states in all_versions.values() if len(states.known_at)) - 1
    for since, until in _slices(low, high, world.setting.calendar.begin):
        for kind in KINDS:
            states = all_versions[kind].between(since, until)
            if len(states.row):
                yield kind, list(as_dicts(render(world, kind, states, mailed)))


def mailed_flags(world: World, start: int | None, end: int, treated: Treated) -> Array:
    """Per session whether a mail changed what becomes known of it, or of sessions it keeps alive, in (start, end]."""
    sessions = world.sessions
    flags = np.zeros(len(sessions["pair"]), dtype=bool)
    touched = _known_between(sessions["outcome_known_at"], start, end)
    touched |= _known_between(sessions["feedback_known_at"], start, end)
    touched |= _known_between(sessions["tutor_submitted_at"], start, end)
    kept_alive = sessions["root"] != NONE
    appearing = kept_alive & (touched | _known_between(sessions["booked_at"], start, end))
    changes = sessions["rating_mailed"] != sessions["rating"]
    touched[sessions["root"][appearing]] = True
    asked = np.flatnonzero(changes & touched)
    if not len(asked):
        return flags
    ids = session_ids(asked).tolist()
    chosen = treated(ids) if callable(treated) else treated
    flags[asked] = [one in chosen for one in ids]
    return flags


def _known_between(moments: Array, start: int | None, end: int) -> Array:
    return (moments <= end) if start is None else (moments > start) & (moments <= end)


def _slices(start: int, end: int, first_cut: int) -> Iterator[tuple[int, int]]:
    """(start, end] cut at day borders; what lies before the first week is one slice."""
    low = start
    while low < end:
        high = min(end, first_cut if low < first_cut else low + SLICE)
        yield low, high
        low = high
