"""Oracles that integrate students out: poor first sessions by tutors' latents, no-shows by a student's own past."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import expit, ndtr
from scipy.stats import norm

from tutorscore.simulation import risk
from tutorscore.simulation.clock import Array
from tutorscore.simulation.people import ANSWER_CUTS, MISSING
from tutorscore.simulation.resolution import HELD, NONE, STUDENT_ABSENT
from tutorscore.simulation.world import World

TRAIT_GRID: Final = np.linspace(-4.0, 4.0, 41)  # strictness, need, flakiness: standard normal
SHIFT_GRID: Final = np.linspace(-6.0, 6.0, 121)  # log-odds that a student and the pair add
CHUNK: Final = 20_000


def poor_given_tutor(world: World, rows: Array) -> Array:
    """P(poor | held and rated, the tutor's latents and both profiles), the student's hidden part integrated out."""
    setting = world.setting
    student = setting.pairs["student"][world.sessions["pair"][rows]]
    satisfaction, urgency = setting.students["satisfaction"][student], setting.students["urgency"][student]
    result = np.empty(len(rows))
    group = np.where(satisfaction == MISSING, 0, satisfaction) * 6 + np.where(urgency == MISSING, 0, urgency)
    for value in np.unique(group):
        members = np.flatnonzero(group == value)
        weights = _shift_weights(world, satisfaction=int(value) // 6, urgency=int(value) % 6)
        for at in range(0, len(members), CHUNK):
            chunk = members[at : at + CHUNK]
            log_odds = world.sessions["poor_tutor"][rows[chunk]][:, None] + SHIFT_GRID
            poor, rated = risk.poor_among_rated(log_odds)
            result[chunk] = (poor @ weights) / (rated @ weights)
    return result


def absent_given_past(world: World, rows: Array, as_of: Array) -> Array:
    """P(no-show of the student | start reached, the student's known past): exact Bayes over hidden flakiness."""
    preset, sessions, setting = world.setting.preset, world.sessions, world.setting
    came = np.flatnonzero((sessions["root"] == NONE) & np.isin(sessions["end"], (HELD, STUDENT_ABSENT)))
    student = setting.pairs["student"][sessions["pair"]]
    order = came[np.lexsort((sessions["outcome_known_at"][came], student[came]))]
    shown = sessions["student_absent_shown"]
    sign = np.where(sessions["end"][order] == STUDENT_ABSENT, 1.0, -1.0)
    log_likelihood = np.log(
        expit(sign[:, None] * (shown[order][:, None] + preset.student_flakiness * TRAIT_GRID))
    ).astype(np.float32)
    sums = np.concatenate([np.zeros((1, len(TRAIT_GRID))), np.cumsum(log_likelihood, axis=0, dtype=np.float64)])
    known = _composite(student[order], sessions["outcome_known_at"][order], world)
    low = np.searchsorted(student[order], student[rows])
    high = np.searchsorted(known, _composite(student[rows], as_of, world), side="right")
    log_weight = sums[high] - sums[low] + norm.logpdf(TRAIT_GRID)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    absent = expit(shown[rows][:, None] + preset.student_flakiness * TRAIT_GRID)
    probability: Array = (weight * absent).sum(axis=1) / weight.sum(axis=1)
    return probability


def _shift_weights(world: World, satisfaction: int, urgency: int) -> Array:
    """Distribution on SHIFT_GRID of what student and pair add, given two answers (0: left open)."""
    preset = world.setting.preset
    strict = _given_answer(-TRAIT_GRID, satisfaction)
    need = _given_answer(TRAIT_GRID, urgency)
    chemistry = norm.pdf(TRAIT_GRID) / norm.pdf(TRAIT_GRID).sum()
    scales = (preset.strictness, preset.need, preset.chemistry)
    step = SHIFT_GRID[1] - SHIFT_GRID[0]
    centre = len(SHIFT_GRID) // 2
    weights = np.zeros(len(SHIFT_GRID))
    weights[centre] = 1.0
    for scale, part in zip(scales, (strict, need, chemistry), strict=True):
        kernel = np.interp(SHIFT_GRID, TRAIT_GRID * scale, part / scale, left=0.0, right=0.0) * step
        weights = np.convolve(weights, kernel / kernel.sum(), mode="same")
    return weights / weights.sum()


def _given_answer(signal: Array, answer: int) -> Array:
    """Posterior on TRAIT_GRID of a standard normal trait after a 1-to-5 answer to ``signal`` + N(0, 1)."""
    prior = norm.pdf(TRAIT_GRID)
    if answer > 0:
        edges = np.concatenate([[-np.inf], ANSWER_CUTS, [np.inf]])
        prior = prior * (ndtr(edges[answer] - signal) - ndtr(edges[answer - 1] - signal))
    return prior / prior.sum()


def _composite(student: Array, moment: Array, world: World) -> Array:
    """One sortable number per (student, moment)."""
    base = world.setting.calendar.begin - 10**9
    return student.astype(np.int64) * 4 * 10**9 + (moment - base)
