"""What is usual: priors that steady small numbers, and the case mix that makes tutors comparable.

A prior is fitted on the training block alone, stored with the model and given to every later call of
``features.build``. Without one, fixed neutral values are used, so that features never depend on the rows at hand.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from apps.predictions.ml.asof import Mask
from apps.predictions.ml.casemix import CaseMix, fit_mean_mix, fit_rate_mix
from apps.predictions.ml.endings import endings
from apps.predictions.ml.history import Facts, History, Kind
from apps.predictions.ml.prior import Beta, fit_beta
from apps.predictions.ml.windows import GOOD_RATING, POOR_RATING

_NEUTRAL = {
    "moved": Beta(0.15, 12.0),
    "student_moved": Beta(0.02, 10.0),
    "no_show_tutor": Beta(0.01, 50.0),
    "no_show_student": Beta(0.03, 10.0),
    "poor": Beta(0.08, 10.0),
    "poor_first": Beta(0.13, 10.0),
    "good_first": Beta(0.70, 10.0),
}
USUAL_RATING, USUAL_ENGAGEMENT = 4.2, 70.0
_BY_STUDENT = {"student_moved", "no_show_student"}


@dataclass(frozen=True)
class FeaturePrior:
    """Usual rates, and per outcome the case mix: how likely it is in a session whoever the tutor is."""

    rates: dict[str, Beta] = field(default_factory=lambda: dict(_NEUTRAL))
    mixes: dict[str, CaseMix] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> FeaturePrior:
        return FeaturePrior(
            {name: Beta(**beta) for name, beta in stored["rates"].items()},
            {name: CaseMix.from_dict(mix) for name, mix in stored["mixes"].items()},
        )


def fit_feature_prior(history: History, known_by: int) -> FeaturePrior:
    """Usual rates by marginal likelihood across tutors or students, and case mixes, from facts known by ``known_by``.

    The rates of students use students as groups, the others tutors.
    """
    samples = _samples(history, known_by)
    rates = {}
    for name, (facts, hit) in samples.items():
        group = history.of("student_id" if name in _BY_STUDENT else "tutor_id", facts)
        _, code = np.unique(group, return_inverse=True)
        trials = np.bincount(code).astype(np.float64)
        events = np.bincount(code, weights=hit, minlength=len(trials)).astype(np.float64)
        rates[name] = fit_beta(events, trials, _NEUTRAL[name])
    mixes = {name: fit_rate_mix(history, *samples[name]) for name in ("moved", "no_show_student", "poor")}
    return FeaturePrior(rates, mixes | _means(history, known_by))


def _means(history: History, known_by: int) -> dict[str, CaseMix]:
    """The case mix of ratings and of engagement."""
    rated, ends = history.ratings, history.outcomes
    rated = rated.where((rated.enter <= known_by) & (known_by < rated.known_to))
    ends = ends.where((ends.enter <= known_by) & (known_by < ends.known_to) & engaged(ends))
    return {
        "rating": fit_mean_mix(history, rated, rated.values["rating"], USUAL_RATING),
        "engagement": fit_mean_mix(history, ends, ends.values["engagement"], USUAL_ENGAGEMENT),
    }


def engaged(ends: Facts) -> Mask:
    """True for held sessions whose engagement is known."""
    return np.asarray((ends.kind == Kind.HELD) & ~np.isnan(ends.values["engagement"]))


def _samples(history: History, known_by: int) -> dict[str, tuple[Facts, Mask]]:
    """Per outcome the facts that could show it, and whether they did."""
    ends = endings(history)
    ends = ends.where((ends.values["weight"] > 0) & (ends.enter <= known_by) & (known_by < ends.known_to))
    rated = history.ratings
    rated = rated.where((rated.enter <= known_by) & (known_by < rated.known_to))
    poor, first = rated.values["rating"] < POOR_RATING, history.earlier_of(rated) == 0
    good = rated.values["rating"] >= GOOD_RATING
    return {
        "moved": (ends, ends.kind == Kind.MOVED_BY_TUTOR),
        "student_moved": (ends, ends.kind == Kind.MOVED_BY_OTHER),
        "no_show_tutor": (ends, ends.kind == Kind.NO_SHOW_TUTOR),
        "no_show_student": (ends, ends.kind == Kind.NO_SHOW_STUDENT),
        "poor": (rated, poor),
        "poor_first": (rated.where(first), poor[first]),
        "good_first": (rated.where(first), good[first]),
    }
