"""Half-open spans ``[enter, leave)`` of microseconds: pairing them by key, and who comes first at each moment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Ints
from apps.predictions.ml.frames import NEVER

EVER = np.int64(-(2**62))


def matches(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Every pair of places ``(i, j)`` with ``left[i] == right[j]``, ordered by ``i``."""
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    first = np.searchsorted(ordered, left, side="left")
    size = np.searchsorted(ordered, left, side="right") - first
    i, place = expand(first, size)
    return i, order[place]


def expand(first: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Every pair ``(i, place)`` with ``first[i] <= place < first[i] + size[i]``."""
    i = np.repeat(np.arange(len(size), dtype=np.int64), size)
    within = np.arange(len(i), dtype=np.int64) - np.repeat(np.cumsum(size) - size, size)
    return i, first[i] + within


def foremost(group: Ints, rank: Ints, enter: Ints, leave: Ints) -> tuple[Ints, Ints, Ints]:
    """When each row is the one of lowest ``rank`` among the rows of its group that hold.

    Returns (row, enter, leave) of the spans in which it is; they are disjoint within a group and cover exactly the
    time in which any row of the group holds. Rows of equal rank must not hold together.
    """
    row, epoch, begin, end = _epochs(group, enter, leave)
    order = np.lexsort((rank[row], begin, epoch))
    row, epoch, begin, end = row[order], epoch[order], begin[order], end[order]
    best = pd.Series(rank[row]).groupby(epoch, sort=False).cummin().to_numpy(dtype=np.int64)
    improves = np.ones(len(row), dtype=bool)
    improves[1:] = (epoch[1:] != epoch[:-1]) | (best[1:] < best[:-1])
    row, epoch, begin, end = row[improves], epoch[improves], begin[improves], end[improves]
    same = np.append(epoch[1:] == epoch[:-1], False) if len(row) else np.zeros(0, dtype=bool)
    end = np.where(same, np.append(begin[1:], NEVER)[: len(end)], end)
    kept = begin < end
    return row[kept], begin[kept], end[kept]


def _epochs(group: Ints, enter: Ints, leave: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """The rows cut at every moment a row of their group leaves: (row, epoch, enter, leave).

    Within an epoch nothing leaves, so that the lowest rank can only fall. Only groups with corrections are cut.
    """
    _, code = np.unique(group, return_inverse=True)
    leaving = np.flatnonzero((leave < NEVER) & (enter < leave))
    cuts = np.unique(np.stack([code[leaving], leave[leaving]]), axis=1)
    cut_first = np.searchsorted(cuts[0], code, side="left")
    cut_count = np.searchsorted(cuts[0], code, side="right") - cut_first
    row, number = expand(np.zeros(len(code), dtype=np.int64), cut_count + 1)
    edges = np.concatenate([[EVER], cuts[1], [NEVER]]).astype(np.int64)
    place = cut_first[row] + number
    opens = np.where(number == 0, EVER, edges[place])
    closes = np.where(number == cut_count[row], NEVER, edges[place + 1])
    begin, end = np.maximum(enter[row], opens), np.minimum(leave[row], closes)
    epoch = code[row] * (len(edges) + 1) + place
    kept = begin < end
    return row[kept], epoch[kept], begin[kept], end[kept]
