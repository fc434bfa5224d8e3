"""Exact Bayes filter over a tutor's hidden state: what could be known about reliability from the export alone.

Hidden are the weekly AR(1) state (on a grid), the second job (fixed) and bad weeks (independent). Observed is, on the
export's clocks, how the tutor's sessions ended, who was late, and which sessions nobody has asked to move so far.
Weeks whose outcomes are all known by ``as_of`` run forward once per tutor; the weeks around ``as_of`` are weighed anew
for every question, those after the asked session passed backward.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from scipy.stats import norm

from tutorscore.simulation import risk
from tutorscore.simulation.clock import Array
from tutorscore.simulation.people import SECOND_JOB_SHARE, Columns
from tutorscore.simulation.presets import BAD_WEEK_SHARE, RELIABILITY_RHO
from tutorscore.simulation.resolution import HELD, MOVED_BY_STUDENT, MOVED_BY_TUTOR, NONE, TUTOR_ABSENT
from tutorscore.simulation.world import World

WEEKS_BACK: Final = 2  # every outcome is known within 10 days of its session
WEEKS_AHEAD: Final = 6  # bookings reach 28 days ahead, moved ones a little further
WINDOW: Final = WEEKS_BACK + 1 + WEEKS_AHEAD
CHUNK: Final = 1000  # questions at a time
GRID: Final = np.linspace(-3.6, 3.6, 61)

# asked sessions, their p_move on every state, late shares -> the wanted probability on every state
Wanted = Callable[[Array, Array], Array]


class ReliabilityFilter:
    """Posterior of tutors' hidden states. Arrays over states have the last axes [job, bad week, grid].

    ``rows`` are the sessions asked about. Evidence are the sessions of the unmailed world and those themselves.
    """

    def __init__(self, world: World, rows: Array, grid: Array = GRID) -> None:
        self._world = world
        self._grid = grid
        self._weeks = world.setting.calendar.weeks
        self._transition, start = _chain(grid)
        self._prior = np.array([1 - SECOND_JOB_SHARE, SECOND_JOB_SHARE])[:, None] * start
        self._bad_prior = np.array([1 - BAD_WEEK_SHARE, BAD_WEEK_SHARE])[:, None]
        unreliability, bad = grid[None, None, :], np.array([0, 1])[None, :, None]
        self._absent = risk.tutor_absent_probability(world.setting.preset, unreliability, bad)
        self._late = risk.late_probability(unreliability)
        self._sessions, self._asked = _by_tutor_and_week(world, rows)

    def move_probabilities(self, as_of: Array) -> Array:
        """P(the tutor asks to move in (as_of, start) | nobody asked, all known by as_of), per asked session."""
        return self._means(as_of, lambda p_move, late: p_move * late / _still_open(p_move, late))

    def absence_probabilities(self, as_of: Array) -> Array:
        """P(the tutor does not come | start reached, student there, all known by as_of), per asked session."""

        def reached(p_move: Array, late: Array) -> Array:
            return _never_moved(p_move) / _still_open(p_move, late)

        absent = self._means(as_of, lambda p_move, late: reached(p_move, late) * self._absent)
        return absent / self._means(as_of, reached)

    def _means(self, as_of: Array, wanted: Wanted) -> Array:
        """Posterior means of ``wanted``, computed in chunks of questions about neighbouring tutors."""
        result = np.empty(len(self._asked))
        order = np.argsort(self._asked, kind="stable")
        for at in range(0, len(order), CHUNK):
            chunk = order[at : at + CHUNK]
            result[chunk] = self._chunk_means(self._asked[chunk], as_of[chunk], wanted)
        return result

    def _chunk_means(self, asked: Array, as_of: Array, wanted: Wanted) -> Array:
        tutor = self._sessions["tutor"]
        span = slice(
            int(np.searchsorted(tutor, tutor[asked[0]])), int(np.searchsorted(tutor, tutor[asked[-1]], side="right"))
        )
        local = {name: values[span] for name, values in self._sessions.items()}
        asked = asked - span.start
        p_move = self._move_table(local)
        posterior = self._posterior(local, p_move, asked, as_of)
        late = risk.late_share(local["start"][asked], local["booked_at"][asked], as_of)
        value = posterior * wanted(p_move[asked], late[:, None, None, None])
        mean: Array = value.sum(axis=(1, 2, 3))
        return mean

    def _posterior(self, local: Columns, p_move: Array, asked: Array, as_of: Array) -> Array:
        """P(state in the week of each asked session | known by as_of) [question, job, bad, grid]."""
        final = self._final_likelihood(local, p_move)
        first_week = self._world.setting.calendar.week_of(as_of) - WEEKS_BACK
        tutor = local["tutor"][asked]
        offset = local["key"][asked] % self._weeks - first_week
        if (offset < 0).any() or (offset >= WINDOW).any():
            raise ValueError(f"a question may be asked up to {WEEKS_AHEAD} weeks before its session, not after it")
        evidence = self._window_evidence(local, p_move, final, tutor, first_week, as_of)
        by_week = (evidence * self._bad_prior).sum(axis=-2)  # [question, offset, job, grid]
        ahead = [self._settled(local, final, tutor, first_week)]
        back = [np.ones_like(ahead[0])]
        for step in range(WINDOW - 1):
            ahead.append(_normal(ahead[-1] * by_week[:, step]) @ self._transition)
            back.append(_normal(back[-1] * by_week[:, WINDOW - 1 - step]) @ self._transition.T)
        question = np.arange(len(asked))
        message = np.stack(ahead)[offset, question] * np.stack(back[::-1])[offset, question]
        return _normal(message[:, :, None, :] * self._bad_prior * evidence[question, offset], axes=(1, 2, 3))

    def _settled(self, local: Columns, final: Array, tutor: Array, week: Array) -> Array:
        """P(job, grid) before the evidence of ``week``, from all weeks before it."""
        tutors, index = np.unique(tutor, return_inverse=True)
        likelihood = np.ones((len(tutors), self._weeks, *final.shape[1:]))
        wanted = np.isin(local["tutor"], tutors)
        keys, starts = np.unique(local["key"][wanted], return_index=True)
        product = np.multiply.reduceat(final[wanted], starts, axis=0)
        likelihood[np.searchsorted(tutors, keys // self._weeks), keys % self._weeks] = product
        by_week = (likelihood * self._bad_prior).sum(axis=-2)
        belief = [np.broadcast_to(self._prior, (len(tutors), *self._prior.shape))]
        for step in range(self._weeks):
            belief.append(_normal(belief[-1] * by_week[:, step]) @ self._transition)
        return np.stack(belief)[np.clip(week, 0, self._weeks), index]

    def _window_evidence(
        self, local: Columns, p_move: Array, final: Array, tutor: Array, first_week: Array, as_of: Array
    ) -> Array:
        """Likelihood of what was known by as_of in each week of the window [question, offset, job, bad, grid]."""
        low_week = np.clip(first_week, 0, self._weeks)
        high_week = np.clip(first_week + WINDOW, 0, self._weeks)
        low = np.searchsorted(local["key"], tutor * self._weeks + low_week)
        high = np.searchsorted(local["key"], tutor * self._weeks + high_week)
        question = np.repeat(np.arange(len(tutor)), high - low)
        session = np.arange(len(question)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        session = session + np.repeat(low, high - low)
        booked = local["booked_at"][session] <= as_of[question]
        question, session = question[booked], session[booked]
        late = risk.late_share(local["start"][session], local["booked_at"][session], as_of[question])
        known = local["outcome_known_at"][session] <= as_of[question]
        likelihood = np.where(
            known[:, None, None, None],
            final[session],
            _still_open(p_move[session], late[:, None, None, None]),
        )
        slot = question * WINDOW + local["key"][session] % self._weeks - first_week[question]
        slots, starts = np.unique(slot, return_index=True)
        evidence = np.ones((len(tutor) * WINDOW, *final.shape[1:]))
        evidence[slots] = np.multiply.reduceat(likelihood, starts, axis=0)
        return evidence.reshape(len(tutor), WINDOW, *final.shape[1:])

    def _move_table(self, local: Columns) -> Array:
        """P(the tutor ever moves) of each session on every state [session, job, bad, grid]."""
        return risk.move_probability(
            self._world.setting.preset,
            local["move_shown"][:, None, None, None],
            local["collides"][:, None, None, None],
            self._grid[None, None, :],
            np.array([False, True])[:, None, None],
            np.array([0, 1])[None, :, None],
        )

    def _final_likelihood(self, local: Columns, p_move: Array) -> Array:
        """Likelihood of each session's end on every state; factors that no state changes are left out."""
        end = local["end"][:, None, None, None]
        seen = (local["end"] == HELD) & (local["tutor_joined_at"] != NONE)
        punctuality = np.where(local["late"][:, None, None, None], self._late, 1 - self._late)
        punctuality = np.where(seen[:, None, None, None], punctuality, 1.0)
        reached = np.select([end == TUTOR_ABSENT, end == HELD], [self._absent, (1 - self._absent) * punctuality], 1.0)
        return np.select(
            [end == MOVED_BY_TUTOR, end == MOVED_BY_STUDENT], [p_move, 1.0], _never_moved(p_move) * reached
        )


def _by_tutor_and_week(world: World, asked: Array) -> tuple[Columns, Array]:
    """Sessions that count as evidence in order of (tutor, week), and the places of the asked ones among them."""
    setting = world.setting
    exists = world.sessions["root"] == NONE
    exists[asked] = True
    rows = np.flatnonzero(exists)
    tutor = setting.pairs["tutor"][world.sessions["pair"][rows]]
    key = tutor * setting.calendar.weeks + setting.calendar.week_of(world.sessions["start"][rows])
    order = np.argsort(key, kind="stable")
    names = ("start", "booked_at", "outcome_known_at", "end", "late", "tutor_joined_at", "move_shown", "collides")
    sessions = {name: world.sessions[name][rows[order]] for name in names}
    place = np.full(len(exists), NONE)
    place[rows[order]] = np.arange(len(rows))
    return {**sessions, "tutor": tutor[order], "key": key[order]}, place[asked]


def _chain(grid: Array) -> tuple[Array, Array]:
    """Weekly transition on the grid and its starting distribution: the AR(1) with standard deviation 1."""
    density = norm.pdf(grid[None, :], RELIABILITY_RHO * grid[:, None], np.sqrt(1 - RELIABILITY_RHO**2))
    start = norm.pdf(grid)
    return density / density.sum(axis=1, keepdims=True), start / start.sum()


def _still_open(p_move: Array, late: Array) -> Array:
    """P(nobody has asked to move), when a share ``late`` of the possible requests is still to come."""
    return 1.0 - (p_move + risk.STUDENT_MOVE_SHARE) * (1.0 - late)


def _never_moved(p_move: Array) -> Array:
    return 1.0 - p_move - risk.STUDENT_MOVE_SHARE


def _normal(weights: Array, axes: Any = (-2, -1)) -> Array:
    total: Array = weights / weights.sum(axis=axes, keepdims=True)
    return total
