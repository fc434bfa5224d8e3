"""The lives of pairs: sessions are booked, moved, missed or held, and what happened decides what follows.

Work goes through an agenda of weeks. Each pass takes every booking of the week, resolves it and books what follows
(replacement, next slot, or nothing), so any number of pairs advances at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator

from tutorscore.simulation.clock import DAY, HOUR, Array, Calendar
from tutorscore.simulation.pairs import MAX_LEAD
from tutorscore.simulation.people import LAST_INTAKE_BEFORE_DEPARTURE, Columns
from tutorscore.simulation.resolution import HELD, NONE, resolve
from tutorscore.simulation.setting import Setting

Progress = Callable[[int, int], None]  # weeks done, weeks in all

CHURN_WINDOW: Final = 30 * DAY
MOVE_REACH: Final = int(6.6 * DAY)  # a replacement starts within this of the original
BREATHER: Final = int(1.5 * DAY)  # between the end of a session and the next slot
END_AFTER_HELD: Final = 0.042  # from the second held session on
END_AFTER_MISS_NEW: Final = 0.3  # no session held yet
END_AFTER_MISS: Final = 0.1


class Agenda:
    """Bookings by week of their start; those beyond the horizon are let go."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._weeks: list[list[Columns]] = [[] for _ in range(calendar.weeks)]

    def add(self, bookings: Columns) -> None:
        week = self._calendar.week_of(bookings["start"])
        for value in np.unique(week[week < self._calendar.weeks]):
            self._weeks[value].append(select(bookings, week == value))

    def take(self, week: int) -> Columns | None:
        """All waiting bookings of the week, or None when there are none left."""
        waiting, self._weeks[week] = self._weeks[week], []
        return stack(waiting) if waiting else None


class Loads:
    """Sessions each tutor has in a week and on a day of the tutor's calendar, as booked so far."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        count, calendar = len(setting.tutors["zone"]), setting.calendar
        self._weeks = np.zeros((count, calendar.weeks), dtype=np.int32)
        self._days = np.zeros((count, calendar.weeks * 7 + 4), dtype=np.int32)

    def book(self, tutor: Array, start: Array, real: Array) -> tuple[Array, Array]:
        """Count the ``real`` bookings in; (week's sessions over capacity, other sessions of the day) of all."""
        calendar, tutors = self._setting.calendar, self._setting.tutors
        week = calendar.week_of(start)
        day = calendar.local_day(tutors["zone"][tutor], start) - calendar.begin // DAY + 2
        np.add.at(self._weeks, (tutor[real], week[real]), 1)
        np.add.at(self._days, (tutor[real], day[real]), 1)
        return self._weeks[tutor, week] / tutors["capacity"][tutor], np.maximum(self._days[tutor, day] - 1, 0)


def live(rng: Generator, setting: Setting, progress: Progress | None = None) -> Columns:
    """Every session of the world, in order of booking.

    ``replaces`` and ``root`` are row numbers: the session a replacement stands for, and the first session whose
    preparation mail alone makes this session exist (the pair would have ended without it).
    """
    agenda, loads = Agenda(setting.calendar), Loads(setting)
    agenda.add(_first_bookings(setting))
    passes: list[Columns] = []
    rows = 0
    for week in range(setting.calendar.weeks):
        while (bookings := agenda.take(week)) is not None:
            sessions = _resolve(rng, setting, loads, bookings)
            sessions["row"] = rows + np.arange(len(sessions["pair"]))
            rows += len(sessions["pair"])
            passes.append(sessions)
            agenda.add(_replacements(rng, sessions))
            agenda.add(_next_slots(rng, setting, sessions))
        if progress is not None:
            progress(week + 1, setting.calendar.weeks)
    return _in_order_of_booking(stack(passes))


def select(columns: Columns, mask: Array) -> Columns:
    return {name: values[mask] for name, values in columns.items()}


def stack(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _first_bookings(setting: Setting) -> Columns:
    pairs = setting.pairs
    pair = np.arange(len(pairs["tutor"]))
    day, start = _out_of_leave(setting, pair, pairs["slot_day"])
    bookings = {
        "pair": pair,
        "slot_day": day,
        "start": start,
        "booked_at": np.maximum(pairs["intake_at"], start - MAX_LEAD),
        "held_before": np.zeros_like(pair),
        "first_held_at": np.full_like(pair, NONE),
        "replaces": np.full_like(pair, NONE),
        "root": np.full_like(pair, NONE),
        "chain": np.zeros_like(pair),
    }
    return select(bookings, _before_departure(setting, pair, start, bookings["held_before"]))


def _resolve(rng: Generator, setting: Setting, loads: Loads, bookings: Columns) -> Columns:
    """Bookings with what happened to them; a move that would reach past the tutor's last weeks is a cancellation."""
    pair, start = bookings["pair"], bookings["start"]
    week_load, day_load = loads.book(setting.pairs["tutor"][pair], start, bookings["root"] == NONE)
    sessions = resolve(
        rng, setting, bookings, week_load=week_load, day_load=day_load, must_hold=_must_hold(setting, bookings)
    )
    fits = _before_departure(setting, pair, sessions["new_start"], bookings["held_before"])
    sessions["new_start"] = np.where(fits, sessions["new_start"], NONE)
    return sessions


def _must_hold(setting: Setting, bookings: Columns) -> Array:
    """Last chance of a pair that was not drawn to churn: its second held session has to start within 30 days."""
    deadline = bookings["first_held_at"] + CHURN_WINDOW
    resolved_at = bookings["start"] + setting.pairs["duration_minutes"][bookings["pair"]] * 60
    _, following = _slot_after(setting, bookings, resolved_at)
    tight = (bookings["start"] + MOVE_REACH > deadline) | (following > deadline)
    return tight & (bookings["held_before"] == 1)


def _replacements(rng: Generator, sessions: Columns) -> Columns:
    moved = select(sessions, sessions["new_start"] != NONE)
    return {
        **{name: moved[name] for name in ("pair", "slot_day", "held_before", "first_held_at", "root")},
        "start": moved["new_start"],
        "booked_at": moved["requested_at"] + rng.integers(60, 300, len(moved["pair"])),
        "replaces": moved["row"],
        "chain": moved["chain"] + 1,
    }


def _next_slots(rng: Generator, setting: Setting, sessions: Columns) -> Columns:
    """The following regular booking of every pair that goes on, and of pairs that go on only if mailed."""
    over = select(sessions, sessions["new_start"] == NONE)
    held = over["end"] == HELD
    first = held & (over["held_before"] == 0)
    held_after = over["held_before"] + held
    draw = rng.random((3, len(held)))
    miss = np.select([held_after == 0, held_after == 1], [END_AFTER_MISS_NEW, 0.0], END_AFTER_MISS)
    hazard = np.where(held, np.where(held_after > 1, END_AFTER_HELD, 0.0), miss)
    goes_on = np.where(first, ~over["churned"], draw[0] >= hazard)
    only_mailed = first & over["churned"] & ~over["churned_mailed"]
    bookings = {
        "pair": over["pair"],
        "slot_day": over["slot_day"],
        "held_before": held_after,
        "first_held_at": np.where(first, over["start"], over["first_held_at"]),
        "replaces": np.full_like(over["pair"], NONE),
        "root": np.where(only_mailed, over["row"], over["root"]),
        "chain": np.zeros_like(over["pair"]),
    }
    resolved_at = over["start"] + setting.pairs["duration_minutes"][over["pair"]] * 60
    bookings["slot_day"], bookings["start"] = _slot_after(setting, bookings, resolved_at)
    soon = resolved_at + draw[1] * 30 * HOUR
    late = bookings["start"] - 60 * HOUR * np.exp(0.7 * rng.standard_normal(len(held)))
    booked = np.clip(np.where(draw[2] < 0.75, soon, late), resolved_at + 300, bookings["start"] - 4 * HOUR)
    bookings["booked_at"] = np.maximum(booked, bookings["start"] - MAX_LEAD).astype(np.int64)
    stays = _before_departure(setting, bookings["pair"], bookings["start"], held_after)
    return select(bookings, (goes_on | only_mailed) & stays)


def _slot_after(setting: Setting, bookings: Columns, resolved_at: Array) -> tuple[Array, Array]:
    """(slot day, start) of the pair's first regular slot a breather after ``resolved_at`` and outside a leave."""
    pairs, calendar, pair = setting.pairs, setting.calendar, bookings["pair"]
    gap, zone, minute = pairs["gap_days"][pair], pairs["zone"][pair], pairs["slot_minute"][pair]
    target = resolved_at + BREATHER
    steps = np.maximum(np.ceil((calendar.local_day(zone, target) - bookings["slot_day"]) / gap), 1).astype(np.int64)
    day = bookings["slot_day"] + steps * gap
    day = np.where(calendar.moment(zone, day, minute) < target, day + gap, day)
    return _out_of_leave(setting, pair, day)


def _out_of_leave(setting: Setting, pair: Array, day: Array) -> tuple[Array, Array]:
    """Slots that fall into a leave of the tutor slip by the pair's rhythm until they do not."""
    pairs, tutors = setting.pairs, setting.tutors
    tutor, gap = pairs["tutor"][pair], pairs["gap_days"][pair]
    zone, minute = pairs["zone"][pair], pairs["slot_minute"][pair]
    for _ in range(3):
        start = setting.calendar.moment(zone, day, minute)
        away = (tutors["leave_start"][tutor] <= start[:, None]) & (start[:, None] < tutors["leave_end"][tutor])
        day = np.where((away & ~tutors["leave_works"][tutor]).any(axis=1), day + gap, day)
    return day, setting.calendar.moment(zone, day, minute)


def _before_departure(setting: Setting, pair: Array, start: Array, held: Array) -> Array:
    """Whether a start lies before the tutor's departure; first sessions keep further away from it."""
    limit = setting.tutors["departed_at"][setting.pairs["tutor"][pair]]
    return start <= np.where(held == 0, limit - LAST_INTAKE_BEFORE_DEPARTURE, limit)


def _in_order_of_booking(sessions: Columns) -> Columns:
    order = np.lexsort((sessions["row"], sessions["booked_at"]))
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    ordered = select(sessions, order)
    for name in ("replaces", "root"):
        known = ordered[name] != NONE
        ordered[name] = np.where(known, position[ordered[name]], NONE)
    del ordered["row"]
    return ordered
