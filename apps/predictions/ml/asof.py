"""As-of sums: what held at a moment, for many moments at once.

A fact holds on a half-open interval ``[enter, leave)`` inside a group (a tutor, a pair, a tutor's day). It enters when
it has both happened and become known; it leaves when it is corrected or when it ages out of a window. How many facts
hold at T is then ``#(enter <= T) - #(leave <= T)``: two sorted arrays and two binary searches, whatever the number of
questions. Sums are taken over integers, so that they are exact and do not depend on which other groups are loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.predictions.ml.frames import DAY, NEVER

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# 2026-01-01; fixed, so that a decayed sum never depends on other rows. Doubles hold ages of 1,000 half-lives around it.
_DECAY_EPOCH = np.int64(1_767_225_600_000_000)


class _Sorted:
    """Rows ordered by group and time, searchable by (group, moment)."""

    def __init__(self, group: Ints, time: Ints) -> None:
        self.groups, code = np.unique(group, return_inverse=True)
        self.times, rank = np.unique(time, return_inverse=True)
        key = code.astype(np.int64) * (len(self.times) + 1) + rank
        self.order = np.argsort(key, kind="stable")
        self._key = key[self.order]

    def bounds(self, group: Ints, moment: Ints) -> tuple[Ints, Ints]:
        """Per question the slice ``[first, last)`` of its group's rows with ``time <= moment``."""
        if not len(self._key):
            nothing = np.zeros(len(group), dtype=np.int64)
            return nothing, nothing
        code = np.searchsorted(self.groups, group)
        known = (code < len(self.groups)) & (self.groups[np.minimum(code, len(self.groups) - 1)] == group)
        base = np.where(known, code, 0).astype(np.int64) * (len(self.times) + 1)
        rank = np.searchsorted(self.times, moment, side="right")
        first = np.searchsorted(self._key, base)
        last = np.searchsorted(self._key, base + rank)
        return np.where(known, first, 0), np.where(known, last, 0)

    def following(self, group: Ints, moment: Ints) -> Ints:
        """Per question the time of its group's first row after ``moment``, ``NEVER`` where there is none."""
        if not len(self._key):
            return np.full(len(group), NEVER, dtype=np.int64)
        _, last = self.bounds(group, moment)
        place = np.minimum(last, len(self._key) - 1)
        width = len(self.times) + 1
        same = (last < len(self._key)) & (self.groups[self._key[place] // width] == group)
        return np.where(same, self.times[self._key[place] % width], NEVER)

    def group_codes(self) -> Ints:
        return self._key // (len(self.times) + 1)


class Timeline:
    """Facts of many groups, each holding on ``[enter, leave)``; int64 microseconds, ``leave`` NEVER for "still"."""

    def __init__(self, group: Ints, enter: Ints, leave: Ints | None = None) -> None:
        leave = np.full(len(enter), NEVER, dtype=np.int64) if leave is None else leave
        self._holds = np.flatnonzero(enter < leave)
        self._leaving = self._holds[leave[self._holds] < NEVER]
        self._in = _Sorted(group[self._holds], enter[self._holds])
        self._out = _Sorted(group[self._leaving], leave[self._leaving])

    def at(self, group: Ints, moment: Ints) -> View:
        """The facts that hold at each (group, moment), found once and summed as often as needed."""
        return View(self, self._in.bounds(group, moment), self._out.bounds(group, moment), moment)

    def next_change(self, group: Ints, moment: Ints) -> Ints:
        """When a fact of each group next enters or leaves after the moment, ``NEVER`` where none does."""
        return np.minimum(self._in.following(group, moment), self._out.following(group, moment))

    def count(self, group: Ints, moment: Ints) -> Ints:
        """Facts that hold at each (group, moment)."""
        return self.at(group, moment).count()

    def total(self, values: Ints, group: Ints, moment: Ints) -> Ints:
        """Sum of integer ``values`` over the facts that hold; scale fractions to integers first."""
        return self.at(group, moment).total(values)

    def decayed(self, values: Floats, happened: Ints, half_life_days: float, group: Ints, moment: Ints) -> Floats:
        """Sum of ``values * 0.5 ** (age / half_life)`` at each moment; age runs from ``happened``."""
        return self.at(group, moment).decayed(values, happened, half_life_days)

    def latest(self, values: Ints, group: Ints, moment: Ints, default: int) -> Ints:
        """Value of the fact that entered last, ``default`` where none has; leaving is ignored."""
        return self.at(group, moment).latest(values, default)


@dataclass(frozen=True)
class View:
    """One timeline seen from many (group, moment): bounds of the facts that entered and of those that left."""

    line: Timeline
    entered: tuple[Ints, Ints]
    left: tuple[Ints, Ints]
    moment: Ints

    def count(self) -> Ints:
        """Facts that hold."""
        return (self.entered[1] - self.entered[0]) - (self.left[1] - self.left[0])

    def total(self, values: Ints) -> Ints:
        """Sum of integer ``values`` (one per fact of the timeline) over the facts that hold."""
        if not np.issubdtype(values.dtype, np.integer):
            raise TypeError("sums are taken over integers; scale fractions first so that they stay exact")
        line = self.line
        entered = _running(values[line._holds][line._in.order])
        left = _running(values[line._leaving][line._out.order])
        came = entered[self.entered[1]] - entered[self.entered[0]]
        return came - (left[self.left[1]] - left[self.left[0]])

    def decayed(self, values: Floats, happened: Ints, half_life_days: float) -> Floats:
        """Sum of ``values * 0.5 ** (age / half_life)`` over the facts that hold; age runs from ``happened``."""
        line = self.line
        exponent = (happened - _DECAY_EPOCH) / (half_life_days * DAY)
        weighted = values * np.exp2(exponent)
        sums = _decayed_side(line._in, weighted[line._holds], self.entered)
        sums -= _decayed_side(line._out, weighted[line._leaving], self.left)
        return sums * np.exp2(-(self.moment - _DECAY_EPOCH) / (half_life_days * DAY))

    def latest(self, values: Ints, default: int) -> Ints:
        """Value of the fact that entered last, ``default`` where none has; leaving is ignored."""
        first, last = self.entered
        if not len(self.line._holds):
            return np.full(len(first), default, dtype=np.int64)
        ordered = values[self.line._holds][self.line._in.order]
        return np.where(last > first, ordered[np.maximum(last - 1, 0)], default)


def _running(values: NDArray[np.integer]) -> Ints:
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def _decayed_side(side: _Sorted, weighted: Floats, bounds: tuple[Ints, Ints]) -> Floats:
    """Per-group running float sums: a group's sum never sees the rounding of another group."""
    first, last = bounds
    if not len(weighted):
        return np.zeros(len(first))
    running = pd.Series(weighted[side.order]).groupby(side.group_codes(), sort=False).cumsum().to_numpy()
    return np.where(last > first, running[np.maximum(last - 1, 0)], 0.0)
