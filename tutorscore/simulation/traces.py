"""Traces a session leaves beside its outcome: who joined when, how it ended, what was noted, when it was known."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.special import expit

from tutorscore.simulation import risk
from tutorscore.simulation.clock import DAY, HOUR, MINUTE, Array
from tutorscore.simulation.people import Columns
from tutorscore.simulation.resolution import HELD, NONE, STUDENT_ABSENT, TUTOR_ABSENT
from tutorscore.simulation.setting import Setting

LATE_ROW_SHARE: Final = 0.02
LONGEST_DELAY: Final = 10 * DAY  # between an outcome and its row; the filter relies on it
UNKNOWN_JOIN_SHARE: Final = 0.05
TUTOR_FEEDBACK_SHARE: Final = 0.02


def draw_traces(rng: Generator, setting: Setting, sessions: Columns) -> Columns:
    """Columns beside ``sessions``; ``_mailed`` ones hold had the tutor been mailed; moments not reached are NONE."""
    held = sessions["end"] == HELD
    started = np.isin(sessions["end"], (HELD, STUDENT_ABSENT, TUTOR_ABSENT))
    planned_end = sessions["start"] + setting.pairs["duration_minutes"][sessions["pair"]] * MINUTE
    joins = _joins(rng, setting, sessions, held)
    ends = _ends(rng, sessions, planned_end, held)
    known = np.maximum(planned_end, ends["actual_end"]) + rng.integers(5 * MINUTE, HOUR, len(held))
    known = known + _delay(rng, len(held), LATE_ROW_SHARE)
    return {
        **joins,
        **ends,
        "outcome_known_at": np.where(started, known, sessions["requested_at"]),
        "technical_issue": held & (rng.random(len(held)) < 0.03),
        **_notes(rng, sessions, held),
        **_feedback(rng, sessions, np.maximum(planned_end, ends["actual_end"]), held),
    }


def _joins(rng: Generator, setting: Setting, sessions: Columns, held: Array) -> Columns:
    """A late tutor is 5 to 25 minutes late; a missing join time hides it."""
    count, start = len(held), sessions["start"]
    tutor = setting.pairs["tutor"][sessions["pair"]]
    week = setting.calendar.week_of(start)
    late = held & (rng.random(count) < risk.late_probability(setting.weekly["unreliability"][tutor, week]))
    delay = np.where(late, rng.integers(301, 25 * MINUTE, count), rng.integers(-6 * MINUTE, 4 * MINUTE, count))
    tutor_there = held | (sessions["end"] == STUDENT_ABSENT)
    student_there = held | (sessions["end"] == TUTOR_ABSENT)
    tutor_joined = np.where(tutor_there, start + delay, NONE)
    student_joined = np.where(student_there, start + rng.integers(-5 * MINUTE, 6 * MINUTE, count), NONE)
    shown = rng.random((2, count)) >= UNKNOWN_JOIN_SHARE
    return {
        "late": late,
        "actual_start": np.where(held, np.maximum(tutor_joined, student_joined), NONE),
        "tutor_joined_at": np.where(shown[0], tutor_joined, NONE),
        "student_joined_at": np.where(shown[1], student_joined, NONE),
    }


def _ends(rng: Generator, sessions: Columns, planned_end: Array, held: Array) -> Columns:
    """Early ends (11 to 30 minutes) are commoner where the session went badly."""
    count = len(held)
    early = rng.random(count) < expit(-1.2 + 0.45 * (sessions["poor_tutor"] + sessions["poor_student"]))
    shift = np.where(
        early, -rng.integers(11 * MINUTE, 30 * MINUTE, count), rng.integers(-5 * MINUTE, 8 * MINUTE, count)
    )
    return {"actual_end": np.where(held, planned_end + shift, NONE)}


def _notes(rng: Generator, sessions: Columns, held: Array) -> Columns:
    """Engagement 0 to 100 (NONE: not measured) and objectives 0/1 (NONE: not answered)."""
    count = len(held)
    quality = -(sessions["poor_tutor"] + sessions["poor_student"])
    prevented = sessions["rating_mailed"] != sessions["rating"]
    engagement = 62 + 7 * quality + rng.normal(0, 10, count)
    met_draw, measured, asked = rng.random(count), rng.random(count) < 0.88, rng.random(count) < 0.75
    columns = {}
    for suffix, gain in (("", 0.0), ("_mailed", 1.2)):
        better = gain * prevented
        shown = np.clip(np.round(engagement + 7 * better), 0, 100).astype(int)
        met = (met_draw < expit(0.6 * (quality + better))).astype(int)
        columns["engagement" + suffix] = np.where(held & measured, shown, NONE)
        columns["objectives" + suffix] = np.where(held & asked, met, NONE)
    return columns


def _feedback(rng: Generator, sessions: Columns, ended_at: Array, held: Array) -> Columns:
    """When students answer, which words they use; and the rare rating of a student by the tutor (0: none)."""
    count = len(held)
    submitted = ended_at + np.minimum(rng.exponential(10 * HOUR, count), 7 * DAY).astype(np.int64) + MINUTE
    tutor_rating = np.where(held & (rng.random(count) < TUTOR_FEEDBACK_SHARE), rng.choice([3, 4, 5], count), 0)
    return {
        "submitted_at": submitted,
        "feedback_known_at": submitted + rng.integers(1, 120, count) + _delay(rng, count, LATE_ROW_SHARE / 2),
        "comment": np.where(rng.random(count) < 0.25, rng.integers(0, 3, count), NONE),
        "says_again": np.where(rng.random(count) < 0.7, rng.random(count) < 0.9, NONE),
        "tutor_rating": tutor_rating,
        "tutor_submitted_at": ended_at + rng.integers(MINUTE, DAY, count),
    }


def _delay(rng: Generator, count: int, share: float) -> Array:
    """Seconds a row comes late: mostly none."""
    delay = np.minimum(rng.exponential(2 * DAY, count), LONGEST_DELAY - 3 * HOUR)
    return np.where(rng.random(count) < share, delay, 0).astype(np.int64)
