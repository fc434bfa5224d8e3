"""Blocks lie in time order, and no block learns from answers that came after the next one began."""

from __future__ import annotations

import numpy as np

from apps.predictions.ml.frames import DAY
from apps.predictions.ml.splitting import split


def test_blocks_are_in_time_order_and_disjoint():
    as_of = np.random.default_rng(0).permutation(1_000) * DAY
    blocks = split(as_of, as_of + DAY)
    assert as_of[blocks.fit].max() < as_of[blocks.choose].min()
    assert as_of[blocks.choose].max() < as_of[blocks.judge].min()
    assert not (blocks.fit & blocks.choose).any()
    assert [int(mask.sum()) for mask in (blocks.fit, blocks.choose, blocks.judge)] == [699, 150, 151]


def test_a_row_whose_answer_came_after_the_next_block_began_is_in_no_block():
    as_of = np.arange(100) * DAY
    known_at = as_of + DAY
    known_at[10] = 71 * DAY
    known_at[75] = 90 * DAY
    blocks = split(as_of, known_at)
    assert not blocks.fit[10]
    assert not blocks.choose[75]
    assert (known_at[blocks.fit] <= blocks.choose_from).all()
    assert (known_at[blocks.choose] <= blocks.judge_from).all()


def test_no_rows_make_no_blocks():
    nothing = np.zeros(0, dtype=np.int64)
    assert split(nothing, nothing).fit.shape == (0,)


def test_blocks_lie_apart_where_answers_take_long():
    as_of = np.arange(300) * DAY
    blocks = split(as_of, as_of + 40 * DAY)
    assert [int(mask.sum()) for mask in (blocks.fit, blocks.choose, blocks.judge)] == [131, 45, 46]
    assert as_of[blocks.fit].max() + 40 * DAY <= blocks.choose_from
    assert as_of[blocks.choose].max() + 40 * DAY <= blocks.judge_from


def test_little_that_is_answered_is_shared_between_fit_and_choice():
    as_of = np.arange(100) * DAY
    blocks = split(as_of, as_of + 70 * DAY)
    assert blocks.choose.sum() == 4  # of the 15 known by day 84
    assert not blocks.fit.any()
