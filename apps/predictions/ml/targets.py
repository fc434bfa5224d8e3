"""What is predicted: one entry per target, with its words, horizons, maturity and probability bands.

A **horizon** is how many hours before its start a session is asked about; the decision falls at
``as_of = max(booked_at, start - horizon)``. A **label** counts only after ``maturity_hours`` past the planned end:
the ends of a session become known at different speeds, and whoever trains before the slow ones have arrived learns
from the fast ones alone.
"""

from __future__ import annotations

from dataclasses import dataclass

LOW, MEDIUM, HIGH, CRITICAL = "LOW", "MEDIUM", "HIGH", "CRITICAL"

# Lowest probability of each level, riskiest first.
BANDS: dict[str, tuple[tuple[float, str], ...]] = {
    "first_session": ((0.7, CRITICAL), (0.5, HIGH), (0.3, MEDIUM)),
    "reschedule": ((0.35, HIGH), (0.15, MEDIUM)),
    "no_show": ((0.5, CRITICAL), (0.2, HIGH), (0.1, MEDIUM)),
}


@dataclass(frozen=True)
class Target:
    """One question we put to a model.

    ``question`` is asked of one session; ``sentence`` finishes "Of 100 sessions like this one, N …"; ``usual`` names
    what the usual rate is a rate of. ``oracle`` names the bound that skill on simulated worlds is measured against.
    """

    name: str
    words: str
    question: str
    sentence: str
    usual: str
    horizons: tuple[float, ...]
    default_hours: float
    maturity_hours: float
    bands: str
    oracle: str
    first_sessions_only: bool = False

    @property
    def longest_hours(self) -> float:
        return max(self.horizons)


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            name="first_session_poor",
            words="Poor first session",
            question="Will the student rate this first session below 3 of 5?",
            sentence="first sessions like this one end rated below 3 of 5, among those that are rated",
            usual="first sessions that were rated",
            horizons=(24.0,),
            default_hours=24.0,
            maturity_hours=7 * 24.0,
            bands="first_session",
            oracle="tutor_known",
            first_sessions_only=True,
        ),
        Target(
            name="reschedule",
            words="Reschedule",
            question="Will the tutor move or cancel this session before it starts?",
            sentence="sessions like this one are moved or cancelled by the tutor",
            usual="sessions still scheduled this long ahead",
            horizons=(24.0, 72.0, 168.0),
            default_hours=24.0,
            maturity_hours=48.0,
            bands="reschedule",
            oracle="filter",
        ),
        Target(
            name="no_show_tutor",
            words="Tutor no-show",
            question="Will the tutor fail to turn up?",
            sentence="sessions like this one start without their tutor",
            usual="sessions that reach their start",
            horizons=(24.0, 48.0),
            default_hours=24.0,
            maturity_hours=7 * 24.0,
            bands="no_show",
            oracle="omniscient",
        ),
        Target(
            name="no_show_student",
            words="Student no-show",
            question="Will the student fail to turn up?",
            sentence="sessions like this one start without their student",
            usual="sessions that reach their start",
            horizons=(24.0, 48.0),
            default_hours=24.0,
            maturity_hours=7 * 24.0,
            bands="no_show",
            oracle="omniscient",
        ),
    )
}


def level(target: str, probability: float) -> str:
    """LOW, MEDIUM, HIGH or CRITICAL: the one place where a probability becomes a level."""
    for lowest, name in BANDS[TARGETS[target].bands]:
        if probability >= lowest:
            return name
    return LOW


def risk_score(probability: float) -> int:
    """0 to 100, as shown to people."""
    return round(100 * probability)
