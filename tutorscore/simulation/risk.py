"""The formulas of the world: log-odds, the clock of moves, the scale of ratings.

One place for each formula: drawing, truth and oracles all call these.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import expit, ndtr, ndtri

from tutorscore.simulation.clock import HOUR, Array
from tutorscore.simulation.people import Columns
from tutorscore.simulation.presets import POLICY_STEP_LOGIT, Preset

STUDENT_MOVE_SHARE: Final = 0.0028  # of sessions; 98.2 % of moves are the tutor's
NOTICE_MEDIAN_HOURS: Final = 48.0
NOTICE_SPREAD: Final = 1.25  # of log hours
MINIMUM_NOTICE: Final = 600  # seconds; nobody moves a session in its last ten minutes
RATING_OFFSETS: Final = (-1.3, 0.0, 1.2, 2.7)  # log-odds of rating <= 1, 2, 3, 4 at log-odds 0 of a poor session
RESPONSE_BY_RATING: Final = np.array([0.82, 0.72, 0.55, 0.57, 0.68])  # who answers the request is not random
LATE_INTERCEPT: Final = -2.6
LATE_UNRELIABILITY: Final = 0.5


def move_logit(preset: Preset, seen: Columns) -> Array:
    """Part of the log-odds of a tutor's move that the partner's rows show (calendar, load, lead, pair)."""
    observable = (
        0.45 * np.clip(np.log(seen["lead_hours"] / 100.0), -3.0, 1.5)
        + 0.60 * (np.minimum(seen["week_load"], 1.6) - 0.5)
        + 0.20 * np.minimum(seen["day_load"], 3)
        + 0.65 * (_outside_hours(seen["hour"]) - 0.25)
        + 0.30 * (np.isin(seen["weekday"], (4, 6)) - 0.3)
        + 0.09 * (np.minimum(seen["zone_gap_hours"], 8) - 1.5)
        - 0.30 * (np.log1p(seen["experience_years"]) - 1.6)
        - 0.04 * (np.minimum(seen["held_before"], 12) - 4)
    )
    return preset.move_intercept + preset.observable_move * observable + POLICY_STEP_LOGIT * seen["after_policy_step"]


def works_elsewhere(seen: Columns) -> Array:
    """Sessions that collide with a second job: working hours of weekdays on the tutor's clock."""
    return (seen["weekday"] < 5) & (seen["hour"] >= 9) & (seen["hour"] < 18)


def move_probability(
    preset: Preset, shown: Array, collides: Array, unreliability: Array, job: Array, bad: Array
) -> Array:
    """P(the tutor moves or cancels, ever) of a session, given the tutor's hidden state in its week."""
    hidden = preset.unreliability * unreliability + preset.bad_week * bad + preset.second_job * (collides & job)
    return np.minimum(expit(shown + hidden), 1.0 - STUDENT_MOVE_SHARE)


def notice_share(notice_seconds: Array, lead_seconds: Array) -> Array:
    """Share of moves that come with less than ``notice_seconds``, among those of a session booked that far ahead."""
    inside = np.clip(notice_seconds, MINIMUM_NOTICE, lead_seconds)
    low = _notice_cdf(np.asarray(MINIMUM_NOTICE))
    return (_notice_cdf(inside) - low) / (_notice_cdf(lead_seconds) - low)


def draw_notice(uniform: Array, lead_seconds: Array) -> Array:
    """Seconds between the request and the start, by inverting ``notice_share``."""
    low = _notice_cdf(np.asarray(MINIMUM_NOTICE))
    quantile = low + uniform * (_notice_cdf(lead_seconds) - low)
    return np.exp(ndtri(quantile) * NOTICE_SPREAD) * NOTICE_MEDIAN_HOURS * HOUR


def open_move_probability(
    p_move: Array, p_student: Array | float, start: Array, booked_at: Array, as_of: Array
) -> Array:
    """P(the tutor asks in (as_of, start) | nobody asked before as_of), from the chances of ever being moved."""
    late = late_share(start, booked_at, as_of)
    return p_move * late / (1.0 - (p_move + p_student) * (1.0 - late))


def late_share(start: Array, booked_at: Array, as_of: Array) -> Array:
    """Share of a session's possible moves that are asked for after ``as_of``."""
    return notice_share(start - as_of, start - booked_at)


def tutor_absent_probability(preset: Preset, unreliability: Array, bad: Array) -> Array:
    """P(the tutor does not show up), given that the session reaches its start and the student comes."""
    return expit(preset.tutor_absent_intercept + preset.tutor_absent_unreliability * unreliability + 0.8 * bad)


def late_probability(unreliability: Array) -> Array:
    """P(the tutor joins more than five minutes late) of a held session."""
    return expit(LATE_INTERCEPT + LATE_UNRELIABILITY * unreliability)


def student_absent_logit(preset: Preset, seen: Columns) -> Array:
    """Shown part of the log-odds that the student does not come to a session that reaches its start."""
    observable = (
        0.45 * np.clip(np.log(seen["lead_hours"] / 100.0), -3.0, 1.5)
        + 0.50 * (seen["held_before"] == 0)
        + 0.40 * (seen["student_weekday"] >= 5)
        + 0.50 * (seen["student_hour"] < 11)
        - 0.04 * (np.minimum(seen["held_before"], 12) - 4)
        + 0.30 * (seen["chain"] > 0)
    )
    return preset.student_absent_intercept + preset.observable_student_absent * observable


def poor_logit(preset: Preset, seen: Columns, skill: Array, subject_skill: Array) -> Array:
    """Log-odds of a poor session from what rows show and the tutor's latents; the student's part comes on top."""
    observable = (
        0.45 * (seen["held_before"] == 0)
        - 0.03 * np.minimum(seen["held_before"], 10)
        + 0.28 * (seen["pace_gap"] - 1.15)
        + 0.45 * (seen["style_differs"] - 0.8)
        + 0.18 * (seen["communication_gap"] - 1.15)
        + 0.50 * (~seen["certified"] - 0.2)
        - 0.25 * (np.log1p(seen["experience_years"]) - 1.6)
        + 0.40 * (seen["tenure_days"] < 60)
        + 0.05 * (np.minimum(seen["zone_gap_hours"], 8) - 1.5)
        + 0.30 * (_outside_hours(seen["hour"]) - 0.25)
        + 0.35 * (seen["exam"] - 0.22)
    )
    hidden = preset.skill * skill + preset.subject_skill * subject_skill
    return preset.poor_intercept + preset.observable_poor * observable - hidden


def student_poor_logit(preset: Preset, strictness: Array, need: Array, chemistry: Array) -> Array:
    """Hidden part of the log-odds of a poor session that the student and the pair bring."""
    return preset.strictness * strictness + preset.need * need + preset.chemistry * chemistry


def rating_shares(poor_log_odds: Array) -> Array:
    """P(rating = 1..5) on the last axis, by proportional odds."""
    at_most = expit(np.asarray(poor_log_odds)[..., None] + np.array(RATING_OFFSETS))
    return np.diff(at_most, axis=-1, prepend=0.0, append=1.0)


def poor_among_rated(poor_log_odds: Array) -> tuple[Array, Array]:
    """P(rated and poor) and P(rated), up to one common factor; their ratio is P(poor | held and rated)."""
    answered = rating_shares(poor_log_odds) * RESPONSE_BY_RATING
    return answered[..., 0] + answered[..., 1], answered.sum(axis=-1)


def _notice_cdf(seconds: Array) -> Array:
    return ndtr(np.log(seconds / (NOTICE_MEDIAN_HOURS * HOUR)) / NOTICE_SPREAD)


def _outside_hours(hour: Array) -> Array:
    return (hour >= 20) | (hour < 8)
