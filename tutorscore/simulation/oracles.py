"""What the best possible reader of a simulated world could say, and how close a model came.

``filter`` knows what the export had shown by ``as_of`` and the law of the world; ``tutor-known`` knows the tutor's
latents and both profiles; ``omniscient`` knows everything but the dice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from tutorscore.simulation import truth
from tutorscore.simulation.clock import Array
from tutorscore.simulation.reliability_filter import ReliabilityFilter
from tutorscore.simulation.student_integrals import absent_given_past, poor_given_tutor
from tutorscore.simulation.world import World

DEFAULT_ORACLE: Final = {
    "reschedule": "filter",
    "first_session_poor": "tutor-known",
    "no_show_tutor": "filter",
    "no_show_student": "filter",
    "pair_churn": "omniscient",
}


def oracle_probabilities(
    world: World,
    target: str,
    session_ids: Sequence[str],
    as_of: Any = None,
    hours_ahead: float = 24,
    oracle: str | None = None,
) -> Array:
    """Probabilities of the target's oracle (``DEFAULT_ORACLE``, or ``oracle``) for questions about sessions.

    ``as_of`` is anything pandas reads as moments (naive means UTC), one per session; without it the decision time
    max(booked_at, start - hours_ahead). Raises KeyError for an unknown target, ValueError for an oracle it lacks.
    """
    name = oracle or DEFAULT_ORACLE[target]
    rows = session_rows_of(session_ids)
    moments = truth.decision_time(world, rows, hours_ahead) if as_of is None else epoch_array(as_of)
    if name == "omniscient":
        return _omniscient(world, target, rows, moments)
    if (target, name) == ("reschedule", "filter"):
        return ReliabilityFilter(world, rows).move_probabilities(moments)
    if (target, name) == ("no_show_student", "filter"):
        return absent_given_past(world, rows, moments)
    if (target, name) == ("no_show_tutor", "filter"):
        absent = ReliabilityFilter(world, rows).absence_probabilities(moments)
        return absent * (1 - absent_given_past(world, rows, moments))
    if (target, name) == ("first_session_poor", "tutor-known"):
        return poor_given_tutor(world, rows)
    raise ValueError(f"{target} has no oracle {name}")


def truth_probabilities(
    world: World, target: str, session_ids: Sequence[str], as_of: Any = None, hours_ahead: float = 24
) -> Array:
    """True probabilities behind the draws, for the same questions."""
    return oracle_probabilities(world, target, session_ids, as_of, hours_ahead, oracle="omniscient")


def fraction(p_model: Array, p_oracle: Array, p_true: Array) -> float:
    """Share of the oracle's skill that a model reached: (B_base - B_model) / (B_base - B_oracle).

    Expected Brier scores against the true probabilities, mean[p*(1-p*) + (p-p*)^2]; base is the constant mean of p*.
    """
    base = expected_brier(np.full(len(p_true), np.mean(p_true)), p_true)
    return (base - expected_brier(p_model, p_true)) / (base - expected_brier(p_oracle, p_true))


def expected_brier(p: Array, p_true: Array) -> float:
    return float(np.mean(p_true * (1 - p_true) + (np.asarray(p) - p_true) ** 2))


def expected_auc(p: Array, p_true: Array) -> float:
    """AUC of ``p`` expected over fresh draws from ``p_true``: chance that a positive ranks above a negative."""
    _, group = np.unique(p, return_inverse=True)
    positive = np.bincount(group, weights=p_true)
    negative = np.bincount(group, weights=1 - np.asarray(p_true))
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def expected_recall(p: Array, p_true: Array, precision: float) -> float:
    """The largest share of positives that a threshold on ``p`` finds while ``precision`` is expected of it; else 0."""
    order = np.argsort(-np.asarray(p), kind="stable")
    found = np.cumsum(np.asarray(p_true)[order])
    reached = np.flatnonzero(found / np.arange(1, len(found) + 1) >= precision)
    return float(found[reached[-1]] / found[-1]) if len(reached) else 0.0


def skill(world: World, target: str, answers: pd.DataFrame, hours_ahead: float = 24) -> dict[str, Any]:
    """Read-out of a table of answers with ``session_id``, ``probability`` and optionally ``as_of``.

    ``{"oracle", "fraction", "auc", "auc_oracle", "auc_omniscient", "n"}``; AUCs are expected over fresh draws, so a
    model above its oracle's by more than .005 has seen what it could not know.
    """
    ids = answers["session_id"].astype(str).tolist()
    as_of = answers.get("as_of")
    p_true = truth_probabilities(world, target, ids, as_of, hours_ahead)
    p_oracle = oracle_probabilities(world, target, ids, as_of, hours_ahead)
    p_model = answers["probability"].to_numpy(dtype=float)
    return {
        "oracle": DEFAULT_ORACLE[target],
        "fraction": fraction(p_model, p_oracle, p_true),
        "auc": expected_auc(p_model, p_true),
        "auc_oracle": expected_auc(p_oracle, p_true),
        "auc_omniscient": expected_auc(p_true, p_true),
        "n": len(ids),
    }


def session_rows_of(session_ids: Sequence[str]) -> Array:
    """Row numbers in the world behind the export's session ids."""
    return np.array([int(one.removeprefix("ses-")) for one in session_ids], dtype=np.int64)


def epoch_array(moments: Any) -> Array:
    """UTC epoch seconds of anything pandas reads as moments."""
    parsed = pd.DatetimeIndex(pd.to_datetime(np.asarray(moments), utc=True, format="ISO8601"))
    return parsed.as_unit("s").asi8


def _omniscient(world: World, target: str, rows: Array, moments: Array) -> Array:
    if target == "reschedule":
        return truth.reschedule_probability(world, rows, moments)
    if target == "first_session_poor":
        return truth.poor_probability(world, rows)
    if target == "pair_churn":
        return truth.churn_probability(world, rows)
    student, tutor = truth.absence_probabilities(world, rows)
    return {"no_show_student": student, "no_show_tutor": tutor}[target]
