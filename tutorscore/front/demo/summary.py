"""What the demo came to, as figures: counts from the rows, skill of the champions from the world's own truth."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from apps.alerts.models import Alert
from apps.alerts.selectors import delivery_counts
from apps.predictions.actions.models import load_champion
from apps.predictions.backtest import Backtest, answer_later
from apps.predictions.ml.targets import TARGETS
from apps.predictions.models import Prediction, TutorScore
from apps.sessions.models import Student, TutoringSession
from apps.tutors.models import Tutor
from tutorscore.accounts.models import Partner
from tutorscore.simulation import World
from tutorscore.simulation.oracles import skill


def counts(partner: Partner) -> dict[str, Any]:
    """Rows of the partner, by kind."""
    return {
        "tutors": Tutor.objects.filter(partner=partner).count(),
        "students": Student.objects.filter(partner=partner).count(),
        "sessions": TutoringSession.objects.filter(partner=partner).count(),
        "scores": TutorScore.objects.filter(tutor__partner=partner).count(),
        "alerts": Alert.objects.filter(partner=partner).count(),
        "predictions": _per_target(Prediction.objects.filter(session__partner=partner)),
        "deliveries": delivery_counts(partner=partner),
    }


def models(world: World, *, partner: Partner, now: datetime) -> dict[str, dict[str, Any]]:
    """Per target how the champion did on the sessions decided after it was trained, each at its decision time.

    ``auc``, ``brier_skill`` and ``ece`` compare with what happened; ``fraction`` is the share of the named oracle's
    skill, measured against the true probabilities of the world.
    """
    found = {}
    for target in TARGETS:
        champion = load_champion(target)
        if champion is None:
            continue
        version, model = champion
        later = answer_later(partner=partner, model=model, since=version.trained_until, now=now)
        found[target] = _figures(world, later)
    return found


def _figures(world: World, later: Backtest) -> dict[str, Any]:
    against_truth = skill(world, later.target, later.rows, later.hours_ahead)
    return {
        "auc": _rounded(later.figures["auc"]["value"]),
        "brier_skill": _rounded(later.figures["brier_skill"]["value"]),
        "ece": _rounded(later.figures["ece"]),
        "oracle": against_truth["oracle"],
        "fraction": _rounded(against_truth["fraction"]),
    }


def _rounded(figure: float | None) -> float | None:
    """Three digits; what could not be computed on so few rows is null."""
    return round(figure, 3) if figure is not None and math.isfinite(figure) else None


def _per_target(predictions: QuerySet[Prediction]) -> dict[str, int]:
    return dict(predictions.order_by().values_list("target").annotate(n=Count("pk")))
