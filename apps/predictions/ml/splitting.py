"""Blocks in time: learn from the past, choose and calibrate later, judge later still, with a gap in between.

A row belongs to a block by its ``as_of``; it stays out of every block if its label was not yet known when the next
block began. Without that embargo the model would have been fitted on answers nobody had.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.predictions.ml.asof import Ints, Mask

SHARES = (0.7, 0.15)  # fit, choose; the rest is judged


@dataclass(frozen=True)
class Blocks:
    """Masks over the training rows, and the moments (microseconds) at which the later blocks begin."""

    fit: Mask
    choose: Mask
    judge: Mask
    choose_from: int
    judge_from: int


def split(as_of: Ints, known_at: Ints, shares: tuple[float, float] = SHARES) -> Blocks:
    """Temporal blocks, embargoed at ``known_at``.

    Judged is the latest share of the rows. The choice is made on a share of those whose answer was known by then, and
    on no more of them than leaves ``shares[0]`` to fit: where answers take weeks, the blocks lie weeks apart.
    """
    if not len(as_of):
        nothing = np.zeros(0, dtype=bool)
        return Blocks(nothing, nothing, nothing, 0, 0)
    judge_from = int(np.quantile(as_of, sum(shares), method="lower"))
    answered = np.sort(as_of[(as_of < judge_from) & (known_at <= judge_from)])
    chosen = int(min(shares[1] * len(as_of), (1 - shares[0]) * len(answered)))
    choose_from = int(answered[-chosen]) if chosen else judge_from
    return Blocks(
        fit=(as_of < choose_from) & (known_at <= choose_from),
        choose=(as_of >= choose_from) & (as_of < judge_from) & (known_at <= judge_from),
        judge=as_of >= judge_from,
        choose_from=choose_from,
        judge_from=judge_from,
    )
