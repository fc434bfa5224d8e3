"""What happens to a booking: moved, missed or held; how it was rated; with and without a preparation mail."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.special import expit

from tutorscore.simulation import risk
from tutorscore.simulation.clock import DAY, HOUR, Array
from tutorscore.simulation.people import Columns
from tutorscore.simulation.setting import Setting
from tutorscore.simulation.vocabulary import MOVE_REASON_WEIGHTS

MOVED_BY_TUTOR: Final = 0
MOVED_BY_STUDENT: Final = 1
STUDENT_ABSENT: Final = 2
TUTOR_ABSENT: Final = 3
HELD: Final = 4
NONE: Final = -1
TUTOR_CANCEL_SHARE: Final = 0.05  # of tutor moves: no replacement
STUDENT_CANCEL_SHARE: Final = 0.5


def resolve(
    rng: Generator, setting: Setting, bookings: Columns, week_load: Array, day_load: Array, must_hold: Array
) -> Columns:
    """Bookings with their end, the parts of every risk behind it, and the rating under both treatments."""
    seen = _circumstances(setting, bookings, week_load, day_load)
    risks = _risks(setting, bookings, seen, must_hold)
    draw = rng.random((8, len(must_hold)))
    end = _draw_end(setting, bookings, risks, draw)
    moved = (end == MOVED_BY_TUTOR) | (end == MOVED_BY_STUDENT)
    lead = bookings["start"] - bookings["booked_at"]
    requested_at = bookings["start"] - risk.draw_notice(draw[3], lead).astype(np.int64)
    cancel_share = np.where(end == MOVED_BY_TUTOR, TUTOR_CANCEL_SHARE, STUDENT_CANCEL_SHARE)
    replaced = moved & (draw[4] >= cancel_share)
    return {
        **bookings,
        **risks,
        "end": end,
        "requested_at": np.where(moved, requested_at, NONE),
        "new_start": np.where(replaced, _draw_new_start(setting, bookings, draw[5], draw[6]), NONE),
        "reason": np.searchsorted(np.cumsum(MOVE_REASON_WEIGHTS), draw[7] * 0.999),
        **_draw_experience(rng, setting, bookings, risks, end == HELD),
    }


def _circumstances(setting: Setting, bookings: Columns, week_load: Array, day_load: Array) -> Columns:
    """What a reader of the partner's rows could see about each booking."""
    calendar, tutors, pairs = setting.calendar, setting.tutors, setting.pairs
    pair, start = bookings["pair"], bookings["start"]
    tutor = pairs["tutor"][pair]
    zone, student_zone = tutors["zone"][tutor], pairs["zone"][pair]
    return {
        "lead_hours": (start - bookings["booked_at"]) / HOUR,
        "week_load": week_load,
        "day_load": day_load,
        "hour": calendar.local_hour(zone, start),
        "weekday": calendar.local_weekday(zone, start),
        "student_hour": calendar.local_hour(student_zone, start),
        "student_weekday": calendar.local_weekday(student_zone, start),
        "experience_years": tutors["experience_years"][tutor],
        "tenure_days": (start - tutors["onboarded_at"][tutor]) / DAY,
        "held_before": bookings["held_before"],
        "chain": bookings["chain"],
        "after_policy_step": start >= setting.policy_step_at,
        **{name: pairs[name][pair] for name in PAIR_CIRCUMSTANCES},
    }


PAIR_CIRCUMSTANCES: Final = ("zone_gap_hours", "pace_gap", "communication_gap", "style_differs", "certified", "exam")


def _risks(setting: Setting, bookings: Columns, seen: Columns, must_hold: Array) -> Columns:
    """The parts of every log-odds, kept apart by who could know them."""
    preset, pairs, tutors, students = setting.preset, setting.pairs, setting.tutors, setting.students
    pair = bookings["pair"]
    tutor, student = pairs["tutor"][pair], pairs["student"][pair]
    return {
        "must_hold": must_hold,
        "move_shown": risk.move_logit(preset, seen),
        "collides": risk.works_elsewhere(seen),
        "student_absent_shown": risk.student_absent_logit(preset, seen),
        "poor_tutor": risk.poor_logit(
            preset, seen, tutors["skill"][tutor], tutors["subject_skill"][tutor, pairs["subject"][pair]]
        ),
        "poor_student": risk.student_poor_logit(
            preset, students["strictness"][student], students["need"][student], pairs["chemistry"][pair]
        ),
    }


def _draw_end(setting: Setting, bookings: Columns, risks: Columns, draw: Array) -> Array:
    """One of the five ends; a session that must hold does."""
    p_move = setting.move_probability(bookings["pair"], bookings["start"], risks)
    p_student_absent, p_tutor_absent = setting.absence_probabilities(bookings["pair"], bookings["start"], risks)
    may = ~risks["must_hold"]
    return np.select(
        [
            may & (draw[0] < p_move),
            may & (draw[0] < p_move + risk.STUDENT_MOVE_SHARE),
            may & (draw[1] < p_student_absent),
            may & (draw[2] < p_tutor_absent),
        ],
        [MOVED_BY_TUTOR, MOVED_BY_STUDENT, STUDENT_ABSENT, TUTOR_ABSENT],
        HELD,
    )


def _draw_new_start(setting: Setting, bookings: Columns, day_draw: Array, minute_draw: Array) -> Array:
    """One to six days later on the student's wall clock, at another half hour of the day."""
    zone = setting.pairs["zone"][bookings["pair"]]
    day = setting.calendar.local_day(zone, bookings["start"]) + 1 + (day_draw * 6).astype(np.int64)
    minute = np.where((day + 3) % 7 >= 5, 9 * 60, 15 * 60) + 30 * (minute_draw * 12).astype(np.int64)
    return setting.calendar.moment(zone, day, minute)


def _draw_experience(rng: Generator, setting: Setting, bookings: Columns, risks: Columns, held: Array) -> Columns:
    """Rating (0 if not held), whether it is given, and whether the pair ends after its first; ``_mailed``: had the
    tutor been mailed before a first session. A mail only ever turns a poor session into one that is not."""
    draw = rng.random((5, len(held)))
    at_most = np.cumsum(risk.rating_shares(risks["poor_tutor"] + risks["poor_student"]), axis=-1)[:, :4]
    rating = 1 + (draw[0][:, None] > at_most).sum(axis=-1)
    first = held & (bookings["held_before"] == 0)
    prevented = first & (rating < 3) & (draw[1] < setting.mail_effect)
    better_draw = at_most[:, 1] + draw[2] * (1 - at_most[:, 1])
    better = np.maximum(1 + (better_draw[:, None] > at_most).sum(axis=-1), 3)
    rating_mailed = np.where(prevented, better, rating)
    answers = setting.students["responsiveness"][setting.pairs["student"][bookings["pair"]]]
    churn = setting.preset.churn_intercept + setting.pairs["churn_logit"][bookings["pair"]]

    def answered(value: Array) -> Array:
        return held & (draw[3] < risk.RESPONSE_BY_RATING[value - 1] * answers)

    def churned(value: Array) -> Array:
        return first & (draw[4] < expit(churn + setting.preset.churn_after_poor * (value < 3)))

    return {
        "rating": np.where(held, rating, 0),
        "rating_mailed": np.where(held, rating_mailed, 0),
        "answered": answered(rating),
        "answered_mailed": answered(rating_mailed),
        "churned": churned(rating),
        "churned_mailed": churned(rating_mailed),
    }
