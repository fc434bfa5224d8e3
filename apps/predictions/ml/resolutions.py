"""How sessions were resolved, as facts that may be summed: the one place that says what counts, and since when.

A session is resolved once at every moment. A meeting or a no-show, once its planned end has passed, outranks a request
to move it; a request outranks a status that only says "moved" or "cancelled"; of several requests the last one known
stands. Because corrections may arrive in any order, this is written by taking back: a row of weight -1 cancels a row of
weight 1 over the span in which something of higher rank is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.predictions.ml.asof import Ints, Timeline
from apps.predictions.ml.frames import DAY, NEVER, EventKind
from apps.predictions.ml.history import Facts, History, Kind
from apps.predictions.ml.intervals import expand, foremost, matches

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """Facts that count ``weight`` times on ``[enter, leave)``; ``happened`` decides the window they fall into.

    ``row`` points into ``History.sessions``; ``source`` into the ``Facts`` whose kind and values apply.
    """

    row: Ints
    happened: Ints
    enter: Ints
    leave: Ints
    weight: Ints
    source: Ints

    def __len__(self) -> int:
        return len(self.row)

    def timeline(self, group: Ints, days: int | None) -> Timeline:
        """The facts by ``group`` (one id per fact) while they are at most ``days`` old; None: for ever."""
        leave = self.leave if days is None else np.minimum(self.leave, self.happened + days * DAY)
        return Timeline(group, self.enter, leave)

    def where(self, mask: Mask) -> Counted:
        return Counted(*(column[mask] for column in self._columns()))

    def also(self, other: Counted) -> Counted:
        """Both sets of facts; they must share their source."""
        return Counted(*(np.concatenate(pair) for pair in zip(self._columns(), other._columns(), strict=True)))

    def during(self, key: Ints, other_key: Ints, enter: Ints, leave: Ints, weight: int = 1) -> Counted:
        """One fact for every span of ``other_key`` that matches ``key``, cut to that span, ``weight`` times."""
        i, j = matches(key, other_key)
        cut = Counted(
            self.row[i],
            self.happened[i],
            np.maximum(self.enter[i], enter[j]),
            np.minimum(self.leave[i], leave[j]),
            self.weight[i] * weight,
            self.source[i],
        )
        return cut.where(cut.enter < cut.leave)

    def _columns(self) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
        return self.row, self.happened, self.enter, self.leave, self.weight, self.source


class Resolutions:
    """What became of every session of ``history``; each property is built once."""

    def __init__(self, history: History) -> None:
        self.history = history

    @cached_property
    def met(self) -> Counted:
        """Meetings and no-shows at the planned end; source: ``History.outcomes``."""
        ends = self.history.outcomes
        met = np.isin(ends.kind, (Kind.HELD, Kind.NO_SHOW_TUTOR, Kind.NO_SHOW_STUDENT))
        return _counted(ends, ends.enter, ends.known_to).where(met)

    @cached_property
    def held(self) -> Counted:
        """Meetings alone."""
        return self.met.where(self.history.outcomes.kind[self.met.source] == Kind.HELD)

    @cached_property
    def moved(self) -> Counted:
        """Requests to move or cancel, at the moment of the request; source: ``History.moves``."""
        requests = self._requests
        return requests.also(requests.during(requests.row, self.met.row, self.met.enter, self.met.leave, -1))

    @cached_property
    def unexplained(self) -> Counted:
        """Moves and cancellations known by status alone, while no request is; source: ``History.outcomes``."""
        ends, requests = self.history.outcomes, self._requests
        first = np.full(len(self.history.sessions["session_id"]), NEVER, dtype=np.int64)
        bare = ends.kind == Kind.MOVED_BY_UNKNOWN
        np.minimum.at(first, ends.row[bare], ends.happened[bare])
        facts = _counted(ends, ends.enter, ends.known_to, first[ends.row]).where(bare)
        return facts.also(facts.during(facts.row, requests.row, requests.enter, requests.leave, -1))

    @cached_property
    def first_held(self) -> Counted:
        """Spans in which a meeting is the first one known of its pair: earliest start, then ``tie``."""
        return self._foremost(1)

    @cached_property
    def last_held(self) -> Counted:
        """Spans in which a meeting is the last one known of its pair."""
        return self._foremost(-1)

    @cached_property
    def ratings(self) -> Counted:
        """Ratings when they were given; source: ``History.ratings``."""
        ratings = self.history.ratings
        return _counted(ratings, ratings.enter, ratings.known_to)

    @cached_property
    def first_ratings(self) -> Counted:
        """Ratings of sessions while these are the first of their pair."""
        first = self.first_held
        return self.ratings.during(self.ratings.row, first.row, first.enter, first.leave)

    @cached_property
    def single_held(self) -> Counted:
        """Spans in which a pair is known to have met exactly once."""
        first = self.first_held
        return self.last_held.during(self.last_held.row, first.row, first.enter, first.leave)

    def excused(self, facts: Counted) -> Counted:
        """``facts`` of sessions that were to start inside a leave of their tutor, while that leave is known."""
        row, enter, leave = self._on_leave
        return facts.during(facts.row, row, enter, leave)

    @cached_property
    def _requests(self) -> Counted:
        """Requests whatever else is known of the session: a later one ends the one before."""
        moves = self.history.moves
        facts = _counted(moves, moves.enter, moves.known_to)
        order = np.lexsort((facts.happened, moves.known_from, facts.enter, facts.row))
        row, enter = facts.row[order], facts.enter[order]
        replaced = np.full(len(order), NEVER, dtype=np.int64)
        again = np.flatnonzero(row[1:] == row[:-1])
        replaced[again] = enter[again + 1]
        leave = np.minimum(facts.leave[order], replaced)
        cut = Counted(row, facts.happened[order], enter, leave, facts.weight[order], facts.source[order])
        return cut.where(cut.enter < cut.leave)

    def _foremost(self, sign: int) -> Counted:
        sessions, held = self.history.sessions, self.held
        order = np.lexsort((sessions["session_id"], sessions["tie"], sessions["start"]))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        place, enter, leave = foremost(sessions["pair_id"][held.row], sign * rank[held.row], held.enter, held.leave)
        happened, weight = held.happened[place], held.weight[place]
        return Counted(held.row[place], happened, enter, leave, weight, held.source[place])

    @cached_property
    def _on_leave(self) -> tuple[Ints, Ints, Ints]:
        """(session row, enter, leave): when it is known that a session was to start inside a leave."""
        tutor, begins, ends, enter, leave = _leaves(self.history)
        sessions = self.history.sessions
        order = np.lexsort((sessions["start"], sessions["tutor_id"]))
        by_tutor, by_start = sessions["tutor_id"][order], sessions["start"][order]
        first = _place(by_tutor, by_start, tutor, begins)
        span, place = expand(first, _place(by_tutor, by_start, tutor, ends) - first)
        return order[place], enter[span], leave[span]


def _leaves(history: History) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Leaves as known in turn: (tutor, begin, end, enter, leave). An end not yet known leaves the leave open.

    A tutor's known leaves change with every leave event that becomes known; each such state is derived anew.
    """
    events = history.frames.events
    events = events[events["kind"].isin((EventKind.LEAVE_START, EventKind.LEAVE_END))]
    tutor = events["tutor_id"].to_numpy(dtype=np.int64)
    at, known = events["occurred_at"].to_numpy(dtype=np.int64), events["known_from"].to_numpy(dtype=np.int64)
    starts = (events["kind"] == EventKind.LEAVE_START).to_numpy()
    states = np.unique(np.stack([tutor, known]), axis=1)
    state, event = matches(states[0], tutor)
    seen = known[event] <= states[1][state]
    state, event = state[seen], event[seen]
    order = np.lexsort((starts[event], at[event], state))
    state, event = state[order], event[order]
    until = np.full(len(state), NEVER, dtype=np.int64)
    followed = np.flatnonzero(state[1:] == state[:-1])
    until[followed] = at[event[followed + 1]]
    expires = np.full(states.shape[1], NEVER, dtype=np.int64)
    superseded = np.flatnonzero(states[0][1:] == states[0][:-1])
    expires[superseded] = states[1][superseded + 1]
    kept = starts[event] & (at[event] < until)
    state, event = state[kept], event[kept]
    return states[0][state], at[event], until[kept], states[1][state], expires[state]


def _place(by_tutor: Ints, by_start: Ints, tutor: Ints, moment: Ints) -> Ints:
    """Place of the first session of ``tutor`` that starts at or after ``moment``, in rows ordered by both."""
    times, rank = np.unique(by_start, return_inverse=True)
    width = len(times) + 1
    tutors, code = np.unique(by_tutor, return_inverse=True)
    wanted = np.searchsorted(tutors, tutor) * width + np.searchsorted(times, moment, side="left")
    known = np.isin(tutor, tutors)
    return np.where(known, np.searchsorted(code * width + rank, wanted, side="left"), 0)


def _counted(facts: Facts, enter: Ints, leave: Ints, happened: Ints | None = None) -> Counted:
    happened = facts.happened if happened is None else happened
    once = np.ones(len(facts), dtype=np.int64)
    return Counted(facts.row, happened, enter, leave, once, np.arange(len(facts), dtype=np.int64))
