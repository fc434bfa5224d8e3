"""Tutor events: logins follow motivation, answers follow warmth, leaves and trainings are their own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator

from tutorscore.simulation.clock import DAY, MINUTE, WEEK, Array
from tutorscore.simulation.people import Columns
from tutorscore.simulation.resolution import NONE
from tutorscore.simulation.setting import Setting

KINDS: Final = ("login", "message_response", "training_completed", "leave_start", "leave_end")
LOGIN, MESSAGE_RESPONSE, TRAINING, LEAVE_START, LEAVE_END = range(5)
MESSAGE_SHARE: Final = 0.3  # of bookings come with a message
LATE_SHARE: Final = 0.01


def draw_events(rng: Generator, setting: Setting, sessions: Columns) -> Columns:
    """Events with tutor, kind (index into KINDS), occurred_at, value (minutes, NONE without) and known_at, in order."""
    parts = [_logins(rng, setting), _responses(rng, setting, sessions), _trainings(rng, setting), *_leaves(setting)]
    events = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    delay = np.where(rng.random(len(events["tutor"])) < LATE_SHARE, rng.integers(0, 3 * DAY, len(events["tutor"])), 0)
    events["known_at"] = events["occurred_at"] + delay
    active = (events["occurred_at"] >= setting.tutors["onboarded_at"][events["tutor"]]) & (
        events["occurred_at"] < np.minimum(setting.tutors["departed_at"][events["tutor"]], setting.calendar.end)
    )
    _, unique = np.unique(np.stack([events["tutor"], events["kind"], events["occurred_at"]]), axis=1, return_index=True)
    kept = unique[active[unique]]
    order = kept[np.lexsort((events["kind"][kept], events["tutor"][kept], events["known_at"][kept]))]
    return {name: values[order] for name, values in events.items()}


def _events(tutor: Array, kind: int, occurred_at: Array, value: Array | None = None) -> Columns:
    return {
        "tutor": tutor,
        "kind": np.full(len(tutor), kind),
        "occurred_at": occurred_at.astype(np.int64),
        "value": np.full(len(tutor), NONE) if value is None else value.astype(np.int64),
    }


def _logins(rng: Generator, setting: Setting) -> Columns:
    weeks = setting.calendar.weeks
    motivation = setting.weekly["motivation"][:, :weeks]
    count = rng.poisson(setting.tutors["events_per_week"][:, None] * np.exp(0.5 * motivation - 0.12))
    tutor, week = np.divmod(np.repeat(np.arange(count.size), count.ravel()), weeks)
    return _events(tutor, LOGIN, setting.calendar.begin + week * WEEK + rng.integers(0, WEEK, len(week)))


def _responses(rng: Generator, setting: Setting, sessions: Columns) -> Columns:
    """Answers to booking messages; only bookings that exist without any mail carry one."""
    asked = (sessions["root"] == NONE) & (rng.random(len(sessions["pair"])) < MESSAGE_SHARE)
    tutor = setting.pairs["tutor"][sessions["pair"][asked]]
    minutes = np.exp(3.8 - 0.5 * setting.tutors["warmth"][tutor] + rng.normal(0, 0.9, len(tutor)))
    minutes = np.clip(np.round(minutes), 1, 2880)
    return _events(tutor, MESSAGE_RESPONSE, sessions["booked_at"][asked] + minutes * MINUTE, minutes)


def _trainings(rng: Generator, setting: Setting) -> Columns:
    count = rng.poisson(1.3, len(setting.tutors["zone"]))
    tutor = np.repeat(np.arange(len(count)), count)
    return _events(tutor, TRAINING, rng.integers(setting.calendar.begin, setting.calendar.end, len(tutor)))


def _leaves(setting: Setting) -> list[Columns]:
    tutors = setting.tutors
    tutor = np.repeat(np.arange(len(tutors["zone"])), tutors["leave_start"].shape[1])
    return [
        _events(tutor, LEAVE_START, tutors["leave_start"].ravel()),
        _events(tutor, LEAVE_END, tutors["leave_end"].ravel()),
    ]
