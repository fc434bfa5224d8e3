"""Tutors and students: what their profiles show, and the latents behind their sessions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.random import Generator
from scipy.special import expit, ndtri

from tutorscore.simulation.clock import DAY, LOOKAHEAD_WEEKS, WEEK, Array, Calendar
from tutorscore.simulation.presets import BAD_WEEK_SHARE, RELIABILITY_RHO
from tutorscore.simulation.vocabulary import (
    FIRST_NAMES,
    GOALS,
    INITIALS,
    LAST_NAMES,
    STUDENT_LEVELS,
    STYLES,
    SUBJECTS,
    ZONES,
)

Columns = dict[str, Array]

MISSING: Final = -1  # a profile question left open
MISSING_ANSWER_SHARE: Final = 0.08
FUTURE_TUTOR_SHARE: Final = 0.04  # they join after now
SECOND_JOB_SHARE: Final = 0.3
FIRST_DEPARTURE_AFTER: Final = 60 * DAY
LAST_INTAKE_BEFORE_DEPARTURE: Final = 32 * DAY  # who is about to leave takes no new students
MAX_LEAVE: Final = 13 * DAY


def draw_tutors(rng: Generator, count: int, calendar: Calendar) -> Columns:
    """``count`` tutors known at now plus those who join later, in order of onboarding."""
    total = count + round(FUTURE_TUTOR_SHARE * count)
    onboarded_at = np.sort(_onboarding(rng, count, total, calendar))
    experience = np.round(rng.gamma(1.6, 3.2, total), 1)
    volume = rng.lognormal(0.0, 0.45, total)
    subject_count = rng.choice([1, 2, 3, 4], total, p=[0.3, 0.35, 0.25, 0.1])
    taught = _ranks(rng, total, len(SUBJECTS)) < subject_count[:, None]
    certified = taught & (rng.random(taught.shape) < 0.7)
    weights = np.array([weight for _, _, weight in ZONES], dtype=float)
    leave_start, leave_end, leave_works = _leaves(rng, total, calendar)
    return {
        "name": _full_names(rng, total),
        "zone": rng.choice(len(ZONES), total, p=weights / weights.sum()),
        "onboarded_at": onboarded_at,
        "age": np.clip(np.round(22 + experience + rng.gamma(2.0, 4.0, total)), 19, 74).astype(int),
        "experience_years": experience,
        "style": rng.integers(0, len(STYLES), total),
        "pace": _scale(rng, total),
        "communication": _scale(rng, total),
        "confidence": _leave_open(rng, np.clip(np.round(3.2 + 0.1 * experience + rng.normal(0, 0.9, total)), 1, 5)),
        "level": rng.integers(0, len(STUDENT_LEVELS), total),
        "capacity": np.clip(np.round(5 * volume + rng.normal(2, 1, total)), 2, 30).astype(int),
        "volume": volume,
        "taught": taught,
        "certified": certified,
        "skill": _even_normals(rng, total),
        "subject_skill": rng.normal(0, 1, taught.shape),
        "warmth": _even_normals(rng, total),
        "second_job": rng.random(total) < SECOND_JOB_SHARE,
        "leave_start": leave_start,
        "leave_end": leave_end,
        "leave_works": leave_works,
        "events_per_week": rng.gamma(4.0, 0.3, total),
    }


def draw_weeks(rng: Generator, tutors: Columns, calendar: Calendar) -> Columns:
    """Hidden weekly states [tutor, week]: reliability (stationary AR(1), sd 1), bad weeks, motivation, leave hazard."""
    count, weeks = len(tutors["zone"]), calendar.weeks + LOOKAHEAD_WEEKS
    motivation = _autoregressive(rng, count, weeks, 0.95)
    week_start = calendar.begin + np.arange(weeks) * WEEK
    may_leave = week_start[None, :] >= (tutors["onboarded_at"] + FIRST_DEPARTURE_AFTER)[:, None]
    return {
        "unreliability": _autoregressive(rng, count, weeks, RELIABILITY_RHO),
        "bad_week": rng.random((count, weeks)) < BAD_WEEK_SHARE,
        "motivation": motivation,
        "leave_hazard": np.where(may_leave, expit(-5.9 - 1.1 * motivation), 0.0),
    }


def draw_departures(rng: Generator, weekly: Columns, calendar: Calendar) -> Array:
    """Moment each tutor leaves for good, uniform within the drawn week; far beyond the end where nobody leaves."""
    hazard = weekly["leave_hazard"]
    leaves = rng.random(hazard.shape) < hazard
    week = np.where(leaves.any(axis=1), leaves.argmax(axis=1), 10_000)
    return calendar.begin + week * WEEK + rng.integers(0, WEEK, len(week))


def draw_students(rng: Generator, count: int) -> Columns:
    """Students without zone and first booking, which pairs decide. Answers are noisy signs of hidden traits."""
    strictness, need = rng.normal(0, 1, count), rng.normal(0, 1, count)
    tutored_before = rng.random(count) < 0.45
    satisfaction = np.digitize(-strictness + rng.normal(0, 1, count), ANSWER_CUTS) + 1
    urgency = np.digitize(need + rng.normal(0, 1, count), ANSWER_CUTS) + 1
    age = np.clip(
        np.round(np.where(rng.random(count) < 0.75, rng.normal(14, 2.6, count), rng.normal(26, 7, count))), 7, 65
    )
    return {
        "name": np.char.add(
            _pick(rng, FIRST_NAMES, count), np.char.add(_pick(rng, tuple(f" {i}" for i in INITIALS), count), ".")
        ),
        "age": age.astype(int),
        "strictness": strictness,
        "need": need,
        "flakiness": rng.normal(0, 1, count),
        "commitment": rng.normal(0, 1, count),
        "responsiveness": rng.uniform(0.8, 1.2, count),
        "tutored_before": _leave_open(rng, tutored_before.astype(int)),
        "satisfaction": np.where(tutored_before, _leave_open(rng, satisfaction), MISSING),
        "urgency": _leave_open(rng, urgency),
        "pace": _leave_open(rng, _scale(rng, count)),
        "communication": _leave_open(rng, _scale(rng, count)),
        "style": _leave_open(rng, rng.integers(0, len(STYLES), count)),
        "goal": rng.integers(0, len(GOALS), count),
        "has_email": rng.random(count) < 0.8,
        "consents": rng.random(count) < 0.6,
    }


ANSWER_CUTS: Final = np.array([-1.5, -0.5, 0.5, 1.5])  # of trait + N(0, 1), into a 1-to-5 answer


def _onboarding(rng: Generator, count: int, total: int, calendar: Calendar) -> Array:
    """70 % were there before the first week; the others join during the year, the last ones after now."""
    before = calendar.begin - rng.integers(DAY, 900 * DAY, count)
    during = rng.integers(calendar.begin, calendar.now - 3 * DAY, count)
    future = rng.integers(calendar.now, calendar.end - 7 * DAY, total - count)
    return np.concatenate([np.where(rng.random(count) < 0.7, before, during), future])


def _leaves(rng: Generator, count: int, calendar: Calendar) -> tuple[Array, Array, Array]:
    """Two possible leaves, one in each half of the span and months apart; in 15 % of them the tutor works on."""
    half = (calendar.end - calendar.begin) // 2
    start = calendar.begin + np.stack(
        [rng.integers(30 * DAY, half - 45 * DAY, count), half + rng.integers(15 * DAY, half - 20 * DAY, count)], axis=1
    )
    end = start + rng.integers(4 * DAY, MAX_LEAVE, (count, 2))
    taken = rng.random((count, 2)) < 0.6
    never = calendar.end + 1000 * DAY
    works = rng.random((count, 2)) < 0.15
    return np.where(taken, start, never), np.where(taken, end, never), works


def _autoregressive(rng: Generator, count: int, weeks: int, rho: float) -> Array:
    path = np.empty((count, weeks))
    path[:, 0] = _even_normals(rng, count)
    shocks = rng.normal(0, np.sqrt(1 - rho**2), (count, weeks))
    for week in range(1, weeks):
        path[:, week] = rho * path[:, week - 1] + shocks[:, week]
    return path


def _even_normals(rng: Generator, count: int) -> Array:
    """Standard normal draws spread evenly over the quantiles, so that small worlds keep the base rates."""
    return ndtri((rng.permutation(count) + rng.random(count)) / count)


def _ranks(rng: Generator, rows: int, columns: int) -> Array:
    return rng.random((rows, columns)).argsort(axis=1)


def _scale(rng: Generator, count: int) -> Array:
    return rng.choice([1, 2, 3, 4, 5], count, p=[0.08, 0.22, 0.38, 0.22, 0.1])


def _leave_open(rng: Generator, answers: Array) -> Array:
    return np.where(rng.random(len(answers)) < MISSING_ANSWER_SHARE, MISSING, answers).astype(int)


def _pick(rng: Generator, words: tuple[str, ...], count: int) -> Any:
    return np.array(words)[rng.integers(0, len(words), count)]


def _full_names(rng: Generator, count: int) -> Array:
    return np.char.add(np.char.add(_pick(rng, FIRST_NAMES, count), " "), _pick(rng, LAST_NAMES, count))
