"""Sums about tutors over windows: the one function behind every rate a manager sees and a model learns from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Ints, Timeline
from apps.predictions.ml.frames import NEVER, EventKind, Frames
from apps.predictions.ml.history import History, Kind
from apps.predictions.ml.resolutions import Counted, Resolutions

# Where a measured value becomes an event. Sources: the marketplace's own rules (docs/scores.md).
LATE_SECONDS = 5 * 60
EARLY_END_SECONDS = 10 * 60
SHORT_NOTICE_HOURS = 24
GOOD_RATING = 4
POOR_RATING = 3

ALL_TIME = 0
_SCALE = 1_000  # fractions are summed as thousandths, so that sums stay exact


@dataclass(frozen=True)
class _Sums:
    """Facts of one kind by tutor, and the integer columns to add up over them."""

    facts: Counted
    tutor: Ints
    columns: dict[str, Ints]
    _lines: dict[int, Timeline] = field(default_factory=dict)

    def line(self, days: int) -> Timeline:
        """The facts by tutor over a window of ``days``, made once."""
        if days not in self._lines:
            self._lines[days] = self.facts.timeline(self.tutor, None if days == ALL_TIME else days)
        return self._lines[days]


# Sums that are kept in thousandths while they are added up.
SCALED = frozenset({"late_seconds", "engagement", "rating", "rating_squares", "response_minutes"})


class TutorFacts:
    """Everything that is counted about tutors, prepared once for many questions."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._resolutions = Resolutions(history)
        self._kinds = [self._met(), *self._moved(), self._ratings(), *self._pairs(), *self._excused(), self._events()]

    @classmethod
    def of(cls, frames: Frames) -> TutorFacts:
        return cls(History.of_frames(frames))

    def sums(
        self, tutor_ids: Ints, as_of: Ints, windows_days: Sequence[int], names: Collection[str] | None = None
    ) -> pd.DataFrame:
        """See ``tutor_window_sums``."""
        found: dict[str, Floats] = {}
        for days in windows_days:
            suffix = "all" if days == ALL_TIME else f"{days}d"
            for kind in self._kinds:
                wanted = [name for name in kind.columns if names is None or name in names]
                if not wanted:
                    continue
                view = kind.line(days).at(tutor_ids, as_of)
                for name in wanted:
                    column, total = f"{name}_{suffix}", view.total(kind.columns[name]) / _unit(name)
                    found[column] = found[column] + total if column in found else total
        return pd.DataFrame(found)

    def next_change(self, tutor_ids: Ints, as_of: Ints, windows_days: Sequence[int]) -> Ints:
        """The next moment at which a sum of any window changes by time alone; ``NEVER`` if none does."""
        soonest = np.full(len(tutor_ids), NEVER, dtype=np.int64)
        for days in windows_days:
            for kind in self._kinds:
                soonest = np.minimum(soonest, kind.line(days).next_change(tutor_ids, as_of))
        return soonest

    def _by_tutor(self, facts: Counted, columns: dict[str, Ints]) -> _Sums:
        weighted = {name: values * facts.weight for name, values in columns.items()}
        return _Sums(facts, self._history.sessions["tutor_id"][facts.row], weighted)

    def _met(self) -> _Sums:
        facts, outcomes = self._resolutions.met, self._history.outcomes
        held = outcomes.kind[facts.source] == Kind.HELD
        columns = {"resolved": _ones(facts), "completed": held.astype(np.int64)}
        for name, kind in (("no_shows_tutor", Kind.NO_SHOW_TUTOR), ("no_shows_student", Kind.NO_SHOW_STUDENT)):
            columns[name] = (outcomes.kind[facts.source] == kind).astype(np.int64)
        late = np.where(held, outcomes.values["late_seconds"][facts.source], np.nan)
        early = np.where(held, outcomes.values["early_end_seconds"][facts.source], np.nan)
        objectives = np.where(held, outcomes.values["objectives_met"][facts.source], np.nan)
        engagement = np.where(held, outcomes.values["engagement"][facts.source], np.nan)
        columns |= {
            "start_known": _known(late),
            "late_starts": (late > LATE_SECONDS).astype(np.int64),
            "late_seconds": _thousandths(late),
            "end_known": _known(early),
            "early_ends": (early > EARLY_END_SECONDS).astype(np.int64),
            "objectives_known": _known(objectives),
            "objectives_met": (objectives > 0).astype(np.int64),
            "engagement_known": _known(engagement),
            "engagement": _thousandths(engagement),
        }
        return self._by_tutor(facts, columns)

    def _moved(self) -> Iterator[_Sums]:
        facts, moves = self._resolutions.moved, self._history.moves
        by_tutor = (moves.kind == Kind.MOVED_BY_TUTOR)[facts.source]
        short = by_tutor & (moves.values["notice_hours"][facts.source] < SHORT_NOTICE_HOURS)
        yield self._by_tutor(
            facts,
            {
                "resolved": _ones(facts),
                "moves": _ones(facts),
                "moves_tutor": by_tutor.astype(np.int64),
                "moves_short_notice": short.astype(np.int64),
            },
        )
        bare = self._resolutions.unexplained
        yield self._by_tutor(bare, {"resolved": _ones(bare), "moves": _ones(bare)})

    def _ratings(self) -> _Sums:
        facts = self._resolutions.ratings
        rating = self._history.ratings.values["rating"][facts.source]
        return self._by_tutor(
            facts, {"rated": _ones(facts), "rating": _thousandths(rating), "rating_squares": _thousandths(rating**2)}
        )

    def _pairs(self) -> Iterator[_Sums]:
        first, last = self._resolutions.first_held, self._resolutions.last_held
        single, rated = self._resolutions.single_held, self._resolutions.first_ratings
        rating = self._history.ratings.values["rating"][rated.source]
        yield self._by_tutor(first, {"first_sessions": _ones(first)})
        yield self._by_tutor(last, {"students": _ones(last), "repeat_students": _ones(last)})
        yield self._by_tutor(single, {"repeat_students": -_ones(single)})
        good, poor = (rating >= GOOD_RATING).astype(np.int64), (rating < POOR_RATING).astype(np.int64)
        yield self._by_tutor(rated, {"first_rated": _ones(rated), "first_good": good, "first_poor": poor})

    def _excused(self) -> Iterator[_Sums]:
        met = self._resolutions.excused(self._resolutions.met)
        absent = (self._history.outcomes.kind[met.source] == Kind.NO_SHOW_TUTOR).astype(np.int64)
        yield self._by_tutor(met, {"excused": _ones(met), "excused_no_shows_tutor": absent})
        moved = self._resolutions.excused(self._resolutions.moved)
        by_tutor = (self._history.moves.kind[moved.source] == Kind.MOVED_BY_TUTOR).astype(np.int64)
        yield self._by_tutor(moved, {"excused": _ones(moved), "excused_moves_tutor": by_tutor})
        bare = self._resolutions.excused(self._resolutions.unexplained)
        yield self._by_tutor(bare, {"excused": _ones(bare)})

    def _events(self) -> _Sums:
        events = self._history.frames.events
        answered = events[(events["kind"] == EventKind.MESSAGE_RESPONSE) & events["value"].notna()]
        at, known = (answered[name].to_numpy(dtype=np.int64) for name in ("occurred_at", "known_from"))
        once = np.ones(len(answered), dtype=np.int64)
        facts = Counted(once, at, np.maximum(at, known), np.full(len(at), NEVER, dtype=np.int64), once, once)
        minutes = _thousandths(answered["value"].to_numpy(dtype=np.float64))
        return _Sums(
            facts, answered["tutor_id"].to_numpy(dtype=np.int64), {"responses": once, "response_minutes": minutes}
        )


def tutor_window_sums(
    frames: Frames,
    tutor_ids: Ints,
    as_of: Ints | np.int64 | int,
    windows_days: Sequence[int],
    *,
    names: Collection[str] | None = None,
    facts: TutorFacts | None = None,
) -> pd.DataFrame:
    """Counts and sums about ``tutor_ids[i]`` as known at ``as_of[i]``, over windows ``(as_of - days, as_of]``.

    One row a question, in its order; one float64 column a sum and window, named ``{sum}_{days}d`` (``_all`` for the
    window ``ALL_TIME``). Counts are whole numbers; ``late_seconds``, ``response_minutes``, ``rating`` and
    ``engagement`` are sums in the unit of their name (rating 1 to 5, engagement 0 to 100), to be divided by
    ``start_known``, ``responses``, ``rated`` and ``engagement_known``. Clocks: moves at ``requested_at``, meetings and
    no-shows at the planned end, ratings at ``submitted_at``, moves without a request when their status became known.
    ``names`` limits the sums; pass ``facts`` to ask the same frames more than once.
    """
    ids = np.asarray(tutor_ids, dtype=np.int64)
    moments = np.broadcast_to(np.asarray(as_of, dtype=np.int64), ids.shape)
    return (facts or TutorFacts.of(frames)).sums(ids, moments, windows_days, names)


def _unit(name: str) -> int:
    return _SCALE if name in SCALED else 1


def _ones(facts: Counted) -> Ints:
    return np.ones(len(facts), dtype=np.int64)


def _known(values: Floats) -> Ints:
    return (~np.isnan(values)).astype(np.int64)


def _thousandths(values: Floats) -> Ints:
    return np.rint(np.nan_to_num(values) * _SCALE).astype(np.int64)
