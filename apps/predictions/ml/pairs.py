"""Who has met whom: what was known of a tutor and a student together at a moment."""

from __future__ import annotations

import numpy as np

from apps.predictions.ml.asof import Ints
from apps.predictions.ml.history import History, pair_id

_BLOCK = 4_000_000  # comparisons held in memory at once


def held_before(history: History, tutor_id: Ints, student_id: Ints, moment: Ints) -> Ints:
    """Sessions of each pair known at ``moment`` to have been held."""
    return history.line(history.held, "pair_id").count(pair_id(tutor_id, student_id), moment)


def open_before(history: History, tutor_id: Ints, student_id: Ints, start: Ints, tie: Ints, moment: Ints) -> Ints:
    """Open bookings of each pair, as known at ``moment``, that come before (``start``, ``tie``)."""
    spans = history.open_bookings
    columns = history.sessions
    order = np.lexsort((columns["tie"][spans.row], columns["start"][spans.row], columns["pair_id"][spans.row]))
    row = spans.row[order]
    known_from, known_to = spans.known_from[order], spans.known_to[order]
    pair = columns["pair_id"][row]
    wanted = pair_id(tutor_id, student_id)
    first = np.searchsorted(pair, wanted, side="left")
    size = np.searchsorted(pair, wanted, side="right") - first
    found = np.zeros(len(wanted), dtype=np.int64)
    for block in _blocks(size):
        index, place = _expand(first[block], size[block])
        question = block[index]
        at, session = moment[question], row[place]
        holds = (known_from[place] <= at) & (at < known_to[place])
        begins = columns["start"][session]
        sooner = (begins < start[question]) | ((begins == start[question]) & (columns["tie"][session] < tie[question]))
        found[block] = np.bincount(index[holds & sooner], minlength=len(block))
    return found


def _expand(first: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Every (question, place) with ``first <= place < first + size``."""
    index = np.repeat(np.arange(len(size)), size)
    offset = np.arange(len(index)) - np.repeat(np.cumsum(size) - size, size)
    return index, first[index] + offset


def _blocks(size: Ints) -> list[Ints]:
    """Questions cut so that no block compares more than ``_BLOCK`` rows, save a single larger question."""
    asked = np.flatnonzero(size)
    if not len(asked):
        return []
    cut = np.cumsum(size[asked]) // _BLOCK
    return np.split(asked, np.flatnonzero(np.diff(cut)) + 1)
