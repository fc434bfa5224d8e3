"""Settles the intercepts of a world so that it has the base rates, whichever tutors and students were drawn.

A few busy unreliable tutors would shift the share of moves of a small world by two points. Pilot lives of the same
people tell what the preset's intercepts give; each intercept then moves until the expected rate is the one wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from tutorscore.simulation import risk
from tutorscore.simulation.clock import Array
from tutorscore.simulation.lives import live
from tutorscore.simulation.people import Columns
from tutorscore.simulation.presets import Preset
from tutorscore.simulation.resolution import NONE
from tutorscore.simulation.setting import Setting

MOVED: Final = 0.156  # of sessions, by tutors and students, replaced or cancelled: 15.3 % of all rows of an export
STUDENT_ABSENT: Final = 0.019  # of sessions
TUTOR_ABSENT: Final = 0.011  # of sessions
POOR: Final = 0.13  # of rated first sessions
CHURNED: Final = 0.22  # of pairs, after the first held session
CHURNED_AFTER_POOR: Final = 0.65
DAMPING: Final = 0.6  # fewer moves mean fewer replacements: a full step would overshoot
LARGEST_ROUNDS: Final = 6
STANDS_STILL: Final = 0.04  # log-odds


def balanced(setting: Setting, seed: int) -> Setting:
    """The setting with settled intercepts. Drift by a policy step is left out of the pilots, so that it shows.

    Moves breed replacements, which are moved more often, so pilots repeat until the intercept of moves stands still.
    """
    for _ in range(LARGEST_ROUNDS):
        settled = replace(setting, preset=_settled(setting, seed))
        change = abs(settled.preset.move_intercept - setting.preset.move_intercept)
        setting = settled
        if change < STANDS_STILL:
            break
    return setting


def _settled(setting: Setting, seed: int) -> Preset:
    drift = "none" if setting.drift == "policy_step" else setting.drift
    pilot = live(np.random.default_rng([seed, 1]), replace(setting, drift=drift))
    past = (pilot["root"] == NONE) & (pilot["start"] <= setting.calendar.now) & ~pilot["must_hold"]
    sessions = {name: values[past] for name, values in pilot.items()}
    preset = _with_moves_and_absences(setting, sessions)
    firsts = {name: values[sessions["held_before"] == 0] for name, values in sessions.items()}
    return _with_poor_and_churn(setting, preset, firsts)


def _with_moves_and_absences(setting: Setting, sessions: Columns) -> Preset:
    preset, pair, start = setting.preset, sessions["pair"], sessions["start"]
    moves = logit(setting.move_probability(pair, start, sessions))
    move_shift = _shift(lambda shift: expit(moves + shift).mean(), MOVED - risk.STUDENT_MOVE_SHARE)
    reached = 1 - risk.STUDENT_MOVE_SHARE - expit(moves + move_shift)
    student, tutor = (logit(chance) for chance in setting.absence_probabilities(pair, start, sessions))
    student_shift = _shift(lambda shift: (reached * expit(student + shift)).mean(), STUDENT_ABSENT)
    tutor_shift = _shift(lambda shift: (reached * expit(tutor + shift)).mean(), TUTOR_ABSENT)
    return replace(
        preset,
        move_intercept=preset.move_intercept + DAMPING * move_shift,
        student_absent_intercept=preset.student_absent_intercept + student_shift,
        tutor_absent_intercept=preset.tutor_absent_intercept + tutor_shift,
    )


def _with_poor_and_churn(setting: Setting, preset: Preset, firsts: Columns) -> Preset:
    held = 1 - setting.move_probability(firsts["pair"], firsts["start"], firsts)
    odds = firsts["poor_tutor"] + firsts["poor_student"]

    def poor_share(shift: float) -> float:
        poor, rated = risk.poor_among_rated(odds + shift)
        return float((held * poor).sum() / (held * rated).sum())

    poor_shift = _shift(poor_share, POOR)
    poor = expit(odds + poor_shift)
    share = np.average(poor, weights=held)
    churn = setting.pairs["churn_logit"][firsts["pair"]]
    after_good = (CHURNED - CHURNED_AFTER_POOR * share) / (1 - share)
    intercept = _shift(lambda level: np.average(expit(churn + level), weights=held * (1 - poor)), after_good)
    level = _shift(lambda level: np.average(expit(churn + level), weights=held * poor), CHURNED_AFTER_POOR)
    return replace(
        preset,
        poor_intercept=preset.poor_intercept + poor_shift,
        churn_intercept=intercept,
        churn_after_poor=level - intercept,
    )


def _shift(rate: Callable[[float], float | Array], wanted: float) -> float:
    """The log-odds shift at which a rate, which grows with it, is the one wanted."""
    shift: float = brentq(lambda value: float(rate(value)) - wanted, -8.0, 8.0, xtol=1e-6)
    return shift
