"""Why a score moved: what the tutor changed told apart from what we changed, adding up to the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from apps.predictions.models import ScoreChange


@dataclass(frozen=True)
class Entry:
    """Points won or lost by one part of the score; ``now`` says what the part rests on at present."""

    points: float
    name: str
    now: str
    before: str


@dataclass(frozen=True)
class Ledger:
    """A score's way from ``before`` at ``since`` to ``after``; ``ours`` are changes of prior or weights, by kind."""

    since: datetime
    before: float
    after: float
    tutors: list[Entry]
    ours: list[tuple[str, float]]

    @property
    def by_tutor(self) -> float:
        return sum(entry.points for entry in self.tutors)

    @property
    def by_us(self) -> float:
        return sum(points for _, points in self.ours)


def ledger(changes: Sequence[ScoreChange], since: datetime) -> Ledger | None:
    """The ledger since ``since``; none where there was no score then, or is none now.

    ``changes`` is oldest first and led by the state that held at ``since``.
    """
    scored = [change for change in changes if change.score is not None]
    before = [change for change in scored if change.as_of <= since]
    if not before or len(scored) != len(changes):
        return None
    steps = [before[-1], *(change for change in scored if change.as_of > since)]
    tutors: dict[str, float] = {}
    ours: dict[str, float] = {}
    for earlier, later in pairwise(steps):
        for key, points in _moves(earlier, later).items():
            if later.cause == ScoreChange.Cause.FACTS:
                tutors[key] = tutors.get(key, 0.0) + points
            else:
                ours[later.cause] = ours.get(later.cause, 0.0) + points
    return Ledger(
        since=since,
        before=steps[0].score or 0.0,
        after=steps[-1].score or 0.0,
        tutors=_entries(tutors, steps[0], steps[-1]),
        ours=[(str(ScoreChange.Cause(cause).label), points) for cause, points in ours.items()],
    )


def _moves(earlier: ScoreChange, later: ScoreChange) -> dict[str, float]:
    had = {driver["key"]: driver["points"] for driver in earlier.drivers}
    has = {driver["key"]: driver["points"] for driver in later.drivers}
    return {key: has.get(key, 0.0) - had.get(key, 0.0) for key in had.keys() | has.keys()}


def _entries(points: dict[str, float], first: ScoreChange, last: ScoreChange) -> list[Entry]:
    """Heaviest loss first; parts that came back to where they were are left out."""
    said_now = {driver["key"]: driver for driver in last.drivers}
    said_before = {driver["key"]: driver for driver in first.drivers}
    entries = [
        Entry(
            points=moved,
            name=(said_now.get(key) or said_before[key])["name"],
            now=said_now.get(key, {}).get("sentence", ""),
            before=said_before.get(key, {}).get("sentence", ""),
        )
        for key, moved in points.items()
        if moved and (key in said_now or key in said_before)
    ]
    return sorted(entries, key=lambda entry: entry.points)
