"""Priors of tutor metrics: how tutors usually differ, so that three sessions are not read like three hundred.

Rates are beta-binomial: a tutor's rate is drawn from Beta(mean x strength, (1 - mean) x strength), and ``strength`` is
how many sessions that belief is worth. Ratings are normal around a tutor's own mean, which is normal around the usual
one. Both are fitted to all tutors together by marginal likelihood (Gelman et al., Bayesian Data Analysis, 5.3 and 5.4).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.frames import Frames
from apps.predictions.ml.metric import RATE
from apps.predictions.ml.metrics import METRICS
from apps.predictions.ml.windows import TutorFacts, tutor_window_sums

INTERVAL = 0.90
PRIOR_WINDOW_DAYS = 90

FITTED, NEUTRAL = "fitted", "neutral"
_MINIMUM_TUTORS, _MINIMUM_TRIALS = 10, 200
_STRENGTHS = (2.0, 500.0)


@dataclass(frozen=True)
class Beta:
    """A beta prior of one rate. ``source`` tells a fitted prior from the neutral one used while data are too few."""

    mean: float
    strength: float
    source: str = NEUTRAL
    tutors: int = 0
    trials: int = 0

    def posterior_mean(self, events: Floats, trials: Floats) -> Floats:
        return (self.mean * self.strength + events) / (self.strength + trials)

    def posterior_sd(self, events: Floats, trials: Floats) -> Floats:
        mean, total = self.posterior_mean(events, trials), self.strength + trials
        return np.sqrt(mean * (1 - mean) / (total + 1))

    def interval(self, events: Floats, trials: Floats) -> tuple[Floats, Floats]:
        """Ends of the central 90 % interval of the rate."""
        a, b = self._posterior(events, trials)
        tail = (1 - INTERVAL) / 2
        low: Floats = np.asarray(special.betaincinv(a, b, tail), dtype=np.float64)
        high: Floats = np.asarray(special.betaincinv(a, b, 1 - tail), dtype=np.float64)
        return low, high

    def chance_above(self, limit: float, events: Floats, trials: Floats) -> Floats:
        """P(rate > limit)."""
        return np.asarray(special.betaincc(*self._posterior(events, trials), limit), dtype=np.float64)

    def _posterior(self, events: Floats, trials: Floats) -> tuple[Floats, Floats]:
        return self.mean * self.strength + events, (1 - self.mean) * self.strength + trials - events


@dataclass(frozen=True)
class Normal:
    """A normal prior of a mean: tutors' means spread by ``between_sd``, single values around them by ``within_sd``."""

    mean: float
    within_sd: float
    between_sd: float
    source: str = NEUTRAL
    tutors: int = 0
    trials: int = 0

    def posterior_mean(self, total: Floats, n: Floats) -> Floats:
        """``total`` is the sum of the ``n`` values."""
        weight = self.within_sd**2 / self.between_sd**2
        return (self.mean * weight + total) / (weight + n)

    def posterior_sd(self, n: Floats) -> Floats:
        return np.sqrt(1 / (1 / self.between_sd**2 + n / self.within_sd**2))

    def interval(self, total: Floats, n: Floats) -> tuple[Floats, Floats]:
        """Ends of the central 90 % interval of the tutor's own mean."""
        mean = self.posterior_mean(total, n)
        reach = float(special.ndtri((1 + INTERVAL) / 2)) * self.posterior_sd(n)
        return mean - reach, mean + reach


# Before there are data: the usual rates of the marketplace briefs, worth ten sessions.
NEUTRAL_RATES: dict[str, Beta] = {
    "reschedule_rate": Beta(0.153, 12.5),
    "reschedule_rate_adjusted": Beta(0.153, 12.5),
    "no_show_rate": Beta(0.01, 50.0),
    "no_show_rate_adjusted": Beta(0.01, 50.0),
    "late_start_rate": Beta(0.10, 10.0),
    "early_end_rate": Beta(0.05, 10.0),
    "first_session_success": Beta(0.70, 10.0),
    "objectives_met": Beta(0.80, 10.0),
    "repeat_student_rate": Beta(0.80, 10.0),
}
NEUTRAL_RATING = Normal(mean=4.2, within_sd=0.9, between_sd=0.35)
RATING_METRIC = "mean_rating"


@dataclass(frozen=True)
class Prior:
    """What is usual for every metric that is shrunk."""

    rates: dict[str, Beta]
    rating: Normal

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"rates": {key: asdict(beta) for key, beta in self.rates.items()}, "rating": asdict(self.rating)}

    @staticmethod
    def neutral() -> Prior:
        """The prior before there are data."""
        return Prior(NEUTRAL_RATES, NEUTRAL_RATING)

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Prior:
        """The prior ``to_dict`` wrote; a metric added since is neutral."""
        rates = {key: Beta(**values) for key, values in stored["rates"].items()}
        return Prior(NEUTRAL_RATES | rates, Normal(**stored["rating"]))


def fit_prior(frames: Frames, as_of: int, *, facts: TutorFacts | None = None) -> Prior:
    """The prior from every tutor of ``frames`` as known at ``as_of`` (µs), on the 90 days before."""
    ids = np.unique(frames.sessions["tutor_id"].to_numpy(dtype=np.int64))
    return prior_of(prior_sums(frames, ids, as_of, facts=facts))


def prior_sums(frames: Frames, tutor_ids: Ints, as_of: int, *, facts: TutorFacts | None = None) -> pd.DataFrame:
    """What ``prior_of`` needs, a row a tutor; sums of several chunks of tutors may be concatenated."""
    return tutor_window_sums(frames, tutor_ids, as_of, (PRIOR_WINDOW_DAYS,), facts=facts)


def prior_of(sums: pd.DataFrame) -> Prior:
    """The prior from the 90-day sums of all tutors."""
    rates = {}
    for key, neutral in NEUTRAL_RATES.items():
        metric = METRICS[key]
        if metric.unit != RATE:
            raise ValueError(f"metric {key} is no rate; a beta prior does not fit it")
        events, trials = metric.count(sums, PRIOR_WINDOW_DAYS), metric.n(sums, PRIOR_WINDOW_DAYS)
        rates[key] = fit_beta(events, trials, neutral)
    days = f"{PRIOR_WINDOW_DAYS}d"
    n, total, squares = (
        sums[f"{name}_{days}"].to_numpy(dtype=np.float64) for name in ("rated", "rating", "rating_squares")
    )
    return Prior(rates, fit_normal(n, total, squares, NEUTRAL_RATING))


def fit_beta(events: Floats, trials: Floats, neutral: Beta) -> Beta:
    """The beta prior under which ``events[i]`` of ``trials[i]`` are likeliest; ``neutral`` while data are too few."""
    seen = trials > 0
    events, trials = events[seen], trials[seen]
    total = float(trials.sum())
    if len(trials) < _MINIMUM_TUTORS or total < _MINIMUM_TRIALS or not 0 < events.sum() < total:
        return neutral

    def surprise(point: Floats) -> float:
        mean, strength = special.expit(point[0]), np.exp(point[1])
        a, b = mean * strength, (1 - mean) * strength
        return -float((special.betaln(a + events, b + trials - events) - special.betaln(a, b)).sum()) / len(trials)

    start = np.array([special.logit(events.sum() / total), np.log(neutral.strength)])
    bounds = [(-12.0, 12.0), tuple(np.log(_STRENGTHS))]
    found = optimize.minimize(surprise, start, method="L-BFGS-B", bounds=bounds)
    mean, strength = float(special.expit(found.x[0])), float(np.exp(found.x[1]))
    return Beta(mean, strength, FITTED, len(trials), int(total))


def fit_normal(n: Floats, total: Floats, squares: Floats, neutral: Normal) -> Normal:
    """The normal prior by moments: within from each tutor's own spread, between from the spread of their means."""
    seen = n > 0
    n, total, squares = n[seen], total[seen], squares[seen]
    tutors, values = len(n), float(n.sum())
    if tutors < _MINIMUM_TUTORS or values < _MINIMUM_TRIALS:
        return neutral
    mean = float(total.sum() / values)
    within = float((squares - total**2 / n).sum() / max(values - tutors, 1.0))
    usable = values - float((n**2).sum()) / values
    between = (float((n * (total / n - mean) ** 2).sum()) - (tutors - 1) * within) / usable
    return Normal(mean, max(within, 0.01) ** 0.5, max(between, 0.0025) ** 0.5, FITTED, tutors, int(values))
