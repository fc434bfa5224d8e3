"""Questions beside the history they may look at: everything known before ``as_of``, nothing at or after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Ints, Mask, View
from apps.predictions.ml.endings import endings
from apps.predictions.ml.feature_prior import FeaturePrior
from apps.predictions.ml.frames import DAY, HOUR
from apps.predictions.ml.history import Facts, History, pair_id
from apps.predictions.ml.localtime import offset
from apps.predictions.ml.prior import Beta
from apps.predictions.ml.profiles import Known, Profiles
from apps.predictions.ml.windows import TutorFacts

_SCALE = 1000  # fractions are summed as thousandths, so that sums stay exact


class Asked:
    """The questions as numpy columns, the moment they look back from, and the history."""

    def __init__(self, history: History, questions: pd.DataFrame, prior: FeaturePrior) -> None:
        self.history = history
        self.prior = prior
        self.session = questions["session_id"].to_numpy(dtype=np.int64)
        self.tutor = questions["tutor_id"].to_numpy(dtype=np.int64)
        self.student = questions["student_id"].to_numpy(dtype=np.int64)
        self.subject = questions["subject_id"].to_numpy(dtype=np.int64)
        self.start = questions["start"].to_numpy(dtype=np.int64)
        self.end = questions["end"].to_numpy(dtype=np.int64)
        self.booked_at = questions["booked_at"].to_numpy(dtype=np.int64)
        self.tie = questions["tie"].to_numpy(dtype=np.int64)
        self.as_of = questions["as_of"].to_numpy(dtype=np.int64)
        self.moment = self.as_of - 1
        self.pair = pair_id(self.tutor, self.student)

    def __len__(self) -> int:
        return len(self.as_of)

    @cached_property
    def _ids(self) -> dict[str, Ints]:
        return {
            "tutor_id": self.tutor,
            "student_id": self.student,
            "pair_id": self.pair,
            "tutor_subject_id": pair_id(self.tutor, self.subject),
        }

    def only(self, name: str, facts: Facts, mask: Callable[[], Mask]) -> Facts:
        """The facts at ``mask``, chosen once per history under ``name``."""
        return self.history.about(facts, name, lambda: facts.where(mask()))

    @cached_property
    def tutor_profile(self) -> Known:
        return Profiles(self.history.frames.tutors, "tutor_id").at(self.tutor, self.moment)

    @cached_property
    def student_profile(self) -> Known:
        return Profiles(self.history.frames.students, "student_id").at(self.student, self.moment)

    @cached_property
    def tutor_ahead(self) -> Ints:
        """Microseconds the tutor's clock is ahead of UTC at the start."""
        return offset(self.start, self.tutor_profile.texts("timezone"))

    @cached_property
    def local_start(self) -> Ints:
        """Start on the tutor's wall clock."""
        return self.start + self.tutor_ahead

    @cached_property
    def ends(self) -> Facts:
        return self.history.keep("endings", lambda: endings(self.history))

    @cached_property
    def tutor_facts(self) -> TutorFacts:
        return self.history.keep("tutor_facts", lambda: TutorFacts(self.history))

    def tutor_sums(self, names: tuple[str, ...], *windows: int) -> dict[str, Floats]:
        """Sums about the tutor as the scores and pages count them, named as in ``windows``."""
        sums = self.tutor_facts.sums(self.tutor, self.moment, windows, names)
        return {str(name): sums[name].to_numpy(dtype=np.float64) for name in sums.columns}

    def view(self, facts: Facts, by: str, days: float | None = None) -> View:
        """``facts`` of each question's tutor, student, pair or tutor and subject, that hold at its moment."""
        return self.history.line(facts, by, days).at(self._ids[by], self.moment)

    def days_since(self, view: View, happened: Ints) -> Floats:
        """Days since the fact of ``view`` that became known last, NaN without one; corrections are not undone."""
        latest = view.latest(happened, -1)
        return np.where(latest < 0, np.nan, (self.as_of - latest) / DAY)

    def surplus(self, name: str, facts: Facts, values: Floats, usual: float) -> Surprise:
        """Measured values against the case mix ``name``, or against ``usual`` where none was fitted."""
        mix = self.prior.mixes.get(name)
        expected = mix.expected(self.history, facts) if mix else np.full(len(facts), usual)
        return Surprise(facts, values - expected, np.ones(len(facts)), mix.spread if mix else 0.1)

    def surprise(self, name: str, facts: Facts, hit: Ints, weight: Ints, spread: float | None = None) -> Surprise:
        """Events (``hit``, in units of ``weight``) against the case mix ``name``, or against the usual rate."""
        mix = self.prior.mixes.get(name)
        expected = mix.expected(self.history, facts) if mix else np.full(len(facts), self.prior.rates[name].mean)
        between = spread or (mix.spread if mix else 0.5)
        return Surprise(facts, hit - weight * expected, weight * expected * (1 - expected), between)

    def hours_until(self) -> Floats:
        return np.asarray((self.start - self.as_of) / HOUR, dtype=np.float64)


def thousandths(values: Floats) -> Ints:
    """Values as whole thousandths, NaN as 0: ready for exact sums."""
    return np.rint(np.nan_to_num(values) * _SCALE).astype(np.int64)


def mean_of(view: View, values: Floats) -> Floats:
    """Mean of the values that are there, NaN where none is."""
    there = view.total((~np.isnan(values)).astype(np.int64))
    return ratio(view.total(thousandths(values)) / _SCALE, there)


def ratio(numerator: Floats | Ints, denominator: Floats | Ints) -> Floats:
    """``numerator / denominator``, NaN where the denominator is 0."""
    out = np.full(len(denominator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def steadied(prior: Beta, events: Floats | Ints, trials: Floats | Ints) -> Floats:
    """A rate shrunk towards what is usual."""
    return prior.posterior_mean(np.asarray(events, dtype=np.float64), np.asarray(trials, dtype=np.float64))


def decayed(view: View, facts: Facts, values: Floats | Ints, half_life_days: float) -> Floats:
    """Sum of ``values`` that halve every ``half_life_days``; held at 0 where rounding would fall below."""
    sums = view.decayed(np.asarray(values, dtype=np.float64), facts.happened, half_life_days)
    return np.maximum(sums, 0.0)


@dataclass(frozen=True)
class Surprise:
    """Facts, by how much each exceeded what its session would usually bring, and the variance of that."""

    facts: Facts
    surplus: Floats
    variance: Floats
    spread: float

    def effect(self, view: View, half_life_days: float) -> Floats:
        """How a group differs from its case mix, decayed and shrunk towards 0.

        One Newton step of a random-effects model: sum w (y - p) / (sum w v + 1 / spread); in log-odds for rates, in
        the unit of the values else.
        """
        surplus = view.decayed(self.surplus, self.facts.happened, half_life_days)
        return surplus / (decayed(view, self.facts, self.variance, half_life_days) + 1 / self.spread)
