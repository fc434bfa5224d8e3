"""True probabilities behind every draw, for evaluation alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import expit

from tutorscore.simulation import risk
from tutorscore.simulation.clock import HOUR, WEEK, Array
from tutorscore.simulation.world import World

HORIZON_HOURS: Final = {"p_reschedule_24h": 24, "p_reschedule_72h": 72, "p_reschedule_7d": 168}
LEAVE_DAYS: Final = (7, 30, 90)


def reschedule_probability(world: World, rows: Array, as_of: Array) -> Array:
    """P(the tutor moves or cancels in (as_of, start) | still scheduled at as_of), all latents known."""
    sessions = {name: world.sessions[name][rows] for name in ("pair", "start", "booked_at", *_RISKS)}
    p_move = world.setting.move_probability(sessions["pair"], sessions["start"], sessions)
    p_student = np.where(sessions["must_hold"], 0.0, risk.STUDENT_MOVE_SHARE)
    return risk.open_move_probability(p_move, p_student, sessions["start"], sessions["booked_at"], as_of)


def decision_time(world: World, rows: Array, hours_ahead: float) -> Array:
    """as_of of a question: max(booked_at, start - h)."""
    return np.maximum(world.sessions["booked_at"][rows], world.sessions["start"][rows] - int(hours_ahead * HOUR))


def absence_probabilities(world: World, rows: Array) -> tuple[Array, Array]:
    """(P(no-show of the student), P(no-show of the tutor)) of sessions that reach their start."""
    sessions = {name: world.sessions[name][rows] for name in ("pair", "start", *_RISKS)}
    student, tutor = world.setting.absence_probabilities(sessions["pair"], sessions["start"], sessions)
    return student, (1 - student) * tutor


def poor_probability(world: World, rows: Array) -> Array:
    """P(poor | held and rated), all latents known."""
    poor, rated = risk.poor_among_rated(world.sessions["poor_tutor"][rows] + world.sessions["poor_student"][rows])
    return poor / rated


def churn_probability(world: World, rows: Array) -> Array:
    """P(the pair ends with its first session), asked at its booking, given that this session is held."""
    sessions, setting = world.sessions, world.setting
    poor = expit(sessions["poor_tutor"][rows] + sessions["poor_student"][rows])
    base = setting.preset.churn_intercept + setting.pairs["churn_logit"][sessions["pair"][rows]]
    return poor * expit(base + setting.preset.churn_after_poor) + (1 - poor) * expit(base)


def leave_probabilities(world: World, week: int) -> dict[int, Array]:
    """P(each tutor departs within 7, 30, 90 days of the start of ``week``), given still present."""
    hazard = world.setting.weekly["leave_hazard"]
    result = {}
    for days in LEAVE_DAYS:
        whole, rest = divmod(days, 7)
        stays = np.prod(1 - hazard[:, week : week + whole], axis=1)
        result[days] = 1 - stays * (1 - hazard[:, week + whole] * rest / 7)
    return result


def week_starts(world: World, until: int) -> list[tuple[int, int]]:
    """(week, moment) of every weekly snapshot up to ``until``."""
    calendar = world.setting.calendar
    return [(week, calendar.begin + week * WEEK) for week in range((until - calendar.begin) // WEEK + 1)]


_RISKS: Final = ("move_shown", "collides", "student_absent_shown", "must_hold")
