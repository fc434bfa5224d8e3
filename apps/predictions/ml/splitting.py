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
    """Temporal blocks by the row-count quantiles of ``as_of``, embargoed at ``known_at``."""
    if not len(as_of):
        nothing = np.zeros(0, dtype=bool)
        return Blocks(nothing, nothing, nothing, 0, 0)
    edges = np.quantile(as_of, [shares[0], shares[0] + shares[1]], method="lower")
    choose_from, judge_from = int(edges[0]), int(edges[1])
    return Blocks(
        fit=(as_of < choose_from) & (known_at <= choose_from),
        choose=(as_of >= choose_from) & (as_of < judge_from) & (known_at <= judge_from),
        judge=as_of >= judge_from,
        choose_from=choose_from,
        judge_from=judge_from,
    )
