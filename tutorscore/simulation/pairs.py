"""Pairs: who teaches whom, what, and in which weekly slot. Sessions grow from these in ``lives``."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator

from tutorscore.simulation.clock import DAY, HOUR, WEEK, Array, Calendar
from tutorscore.simulation.people import LAST_INTAKE_BEFORE_DEPARTURE, MISSING, Columns
from tutorscore.simulation.presets import Preset
from tutorscore.simulation.vocabulary import SUBJECTS, ZONES

RETURNING_SHARE: Final = 0.18  # of pairs are not their student's first
EXAM_SHARE: Final = 0.22
EARLY_SHARE: Final = 0.12  # the marketplace does not start empty
MAX_LEAD: Final = 28 * DAY


def draw_pairs(rng: Generator, count: int, tutors: Columns, calendar: Calendar, drift: str) -> Columns:
    """``count`` pairs in order of their first booking, with tutor, student, subject, zone of the student and slot.

    Students are numbered by their first booking; a student with several pairs keeps one zone and one goal.
    """
    opens = np.maximum(tutors["onboarded_at"] + DAY, calendar.begin)
    closes = np.minimum(tutors["departed_at"] - LAST_INTAKE_BEFORE_DEPARTURE, calendar.end)
    weight = tutors["volume"] * np.maximum(closes - opens, 0)
    tutor = rng.choice(len(weight), count, p=weight / weight.sum())
    position = np.where(rng.random(count) < EARLY_SHARE, rng.beta(1, 18, count), rng.random(count))
    intake_at = (opens[tutor] + position * (closes - opens)[tutor]).astype(np.int64)
    order = np.argsort(intake_at, kind="stable")
    tutor, intake_at = tutor[order], intake_at[order]
    student, first = _students(rng, tutor, tutors["zone"][tutor])
    mix = _mix(intake_at, calendar) if drift == "gradual_mix" else np.zeros(count)
    zone = np.where(rng.random(count) < 0.7 - 0.45 * mix, tutors["zone"][tutor], _other_zones(rng, count))
    zone = zone[first][student]
    exam = (rng.random(count) < EXAM_SHARE + 0.3 * mix)[first][student]
    return {
        "tutor": tutor,
        "student": student,
        "intake_at": intake_at,
        "zone": zone,
        "exam": exam,
        "subject": _subjects(rng, tutors["taught"][tutor], tutors["certified"][tutor], mix),
        "zone_gap_hours": _gap_hours(zone, tutors["zone"][tutor], intake_at, calendar),
        "gap_days": rng.choice([7, 14], count, p=[0.85, 0.15]),
        "duration_minutes": rng.choice([45, 60, 90], count, p=[0.15, 0.65, 0.2]),
        "chemistry": rng.normal(0, 1, count),
        **_slots(rng, zone, intake_at, mix, calendar),
    }


def place_students(pairs: Columns, students: Columns) -> None:
    """Give students what their first pair decided: zone, exam goal, moment they joined (an hour before booking)."""
    _, first = np.unique(pairs["student"], return_index=True)
    students["zone"] = pairs["zone"][first]
    students["exam"] = pairs["exam"][first]
    students["joined_at"] = pairs["intake_at"][first] - HOUR


def _students(rng: Generator, tutor: Array, tutor_zone: Array) -> tuple[Array, Array]:
    """Student of each pair, numbered by first appearance, and the row of each student's first pair.

    Some pairs are a student's next one, with another tutor of the zone; nobody begins twice with the same tutor.
    """
    rows = np.arange(len(tutor))
    order = np.lexsort((rows, tutor_zone))
    place = np.empty_like(rows)
    place[order] = rows
    zone_begins = np.searchsorted(tutor_zone[order], tutor_zone)
    earlier = order[zone_begins + (rng.random(len(rows)) * (place - zone_begins)).astype(np.int64)]
    origin = np.where(rng.random(len(rows)) < RETURNING_SHARE, earlier, rows)
    while (origin[origin] != origin).any():
        origin = origin[origin]
    _, begins = np.unique(np.stack([tutor, origin]), axis=1, return_index=True)
    again = np.ones(len(rows), dtype=bool)
    again[begins] = False
    first, student = np.unique(np.where(again, rows, origin), return_inverse=True)
    return student, first


def _slots(rng: Generator, zone: Array, intake_at: Array, mix: Array, calendar: Calendar) -> Columns:
    """The weekly slot: afternoons on weekdays, daytime at weekends, on the student's wall clock."""
    count = len(zone)
    lead = np.clip(rng.lognormal(np.log(4.0), 0.8, count) * (1 - 0.5 * mix), 0.15, 24) * DAY
    weekday_minute = 15 * 60 + 30 * rng.binomial(10, 0.35, count)
    weekend_minute = 9 * 60 + 30 * rng.integers(0, 18, count)
    day = calendar.local_day(zone, (intake_at + lead).astype(np.int64))
    start = calendar.moment(zone, day, np.where((day + 3) % 7 >= 5, weekend_minute, weekday_minute))
    day = day + 2 * (start < intake_at + 3 * HOUR)
    return {"slot_day": day, "slot_minute": np.where((day + 3) % 7 >= 5, weekend_minute, weekday_minute)}


def mismatches(pairs: Columns, tutors: Columns, students: Columns) -> Columns:
    """Distances between what student and tutor prefer; an unanswered question counts as the usual distance."""
    tutor, student = pairs["tutor"], pairs["student"]
    return {
        "pace_gap": _distance(tutors["pace"][tutor], students["pace"][student], 1.15),
        "communication_gap": _distance(tutors["communication"][tutor], students["communication"][student], 1.15),
        "style_differs": np.where(
            students["style"][student] == MISSING, 0.8, tutors["style"][tutor] != students["style"][student]
        ),
        "certified": tutors["certified"][tutor, pairs["subject"]],
    }


def churn_logits(preset: Preset, pairs: Columns, tutors: Columns, students: Columns) -> Array:
    """Log-odds that the pair ends after its first session, without intercept and the weight of a poor one."""
    observable = (
        0.30 * (pairs["pace_gap"] - 1.15)
        + 0.06 * (np.minimum(pairs["zone_gap_hours"], 8) - 1.5)
        + 0.35 * (pairs["duration_minutes"] == 90)
        + 0.40 * (pairs["gap_days"] == 14)
        - 0.50 * (pairs["exam"] - EXAM_SHARE)
    )
    hidden = 0.6 * students["commitment"][pairs["student"]] - 0.8 * tutors["warmth"][pairs["tutor"]]
    return preset.observable_churn * observable + preset.hidden_churn * hidden


def _mix(moments: Array, calendar: Calendar) -> Array:
    """0 until week 20, rising to 1 at now: the share of the way towards the newer mix of students."""
    start = calendar.begin + 20 * WEEK
    return np.clip((moments - start) / (calendar.now - start), 0.0, 1.0)


def _other_zones(rng: Generator, count: int) -> Array:
    weights = np.array([weight for _, _, weight in ZONES], dtype=float)
    return rng.choice(len(ZONES), count, p=weights / weights.sum())


def _gap_hours(zone: Array, other: Array, moments: Array, calendar: Calendar) -> Array:
    days = np.clip(moments // DAY - calendar.first_day, 0, calendar.offsets.shape[1] - 1)
    return np.abs(calendar.offsets[zone, days] - calendar.offsets[other, days]) / HOUR


def _subjects(rng: Generator, taught: Array, certified: Array, mix: Array) -> Array:
    """One of the tutor's subjects, rather a certified one until the mix shifts."""
    preference = np.where(certified, 1.0, (0.5 + 1.5 * mix)[:, None]) * taught
    draw = rng.random(len(preference)) * preference.sum(axis=1)
    return np.minimum((preference.cumsum(axis=1) < draw[:, None]).sum(axis=1), len(SUBJECTS) - 1)


def _distance(left: Array, right: Array, usual: float) -> Array:
    return np.where(right == MISSING, usual, np.abs(left - right))
