"""From computed scores to rows: the present state of a tutor, and what of it is worth a line of history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.predictions.ml.score import ScoreResult
from apps.predictions.models import MetricPrior, ScoreChange, ScoreState, TutorScore
from apps.predictions.moments import to_datetime

Cause = ScoreChange.Cause

_STATE = ("as_of", "score", "score_low", "score_high", "level", "sessions_90d", "drivers", "weights_version", "prior")
_NOW = (
    "metrics",
    "reschedule_rate_90d",
    "rating_90d",
    "over_reschedule_limit",
    "reschedule_alert_probability",
    "next_change_at",
)


@dataclass(frozen=True)
class Step:
    """A score on the way from the stored one to the new one: what it would be had only ``cause`` happened so far."""

    cause: Cause
    result: ScoreResult
    prior: MetricPrior


def score_row(result: ScoreResult, prior: MetricPrior) -> TutorScore:
    """The present state, not yet saved."""
    changes_at = result.next_change_at
    return TutorScore(
        tutor_id=result.tutor_id,
        **_state(result, prior),
        metrics=result.metrics,
        reschedule_rate_90d=result.reschedule_rate_90d,
        rating_90d=result.rating_90d,
        over_reschedule_limit=result.over_reschedule_limit,
        reschedule_alert_probability=result.reschedule_alert_probability,
        next_change_at=None if changes_at is None else to_datetime(changes_at),
    )


def upsert_scores(rows: list[TutorScore]) -> None:
    """Write the present states in one statement a batch."""
    TutorScore.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["tutor"],
        update_fields=[*_STATE, *_NOW, "computed_at"],
    )


def changes(stored: ScoreState | None, steps: Iterable[Step]) -> list[ScoreChange]:
    """One line of history for every step after which the score, the level or a driver stands elsewhere."""
    found = []
    before = None if stored is None else _standing(stored.score, stored.level, stored.drivers)
    for step in steps:
        after = _standing(step.result.score, step.result.level, step.result.drivers)
        if after != before:
            state = _state(step.result, step.prior)
            found.append(ScoreChange(tutor_id=step.result.tutor_id, cause=step.cause, **state))
        before = after
    return found


def differing_fields(stored: TutorScore, row: TutorScore) -> list[str]:
    """Fields in which a stored row is not what it should be; ``as_of`` alone may differ."""
    return [name for name in (*_STATE[1:], *_NOW) if getattr(stored, name) != getattr(row, name)]


def _state(result: ScoreResult, prior: MetricPrior) -> dict[str, Any]:
    return {
        "as_of": to_datetime(result.as_of),
        "score": result.score,
        "score_low": result.score_low,
        "score_high": result.score_high,
        "level": result.level,
        "sessions_90d": result.sessions_90d,
        "drivers": result.drivers,
        "weights_version": result.weights_version,
        "prior": prior,
    }


def _standing(score: float | None, level: str, drivers: list[dict[str, Any]]) -> tuple[Any, ...]:
    return score, level, tuple((driver["key"], driver["points"]) for driver in drivers)
