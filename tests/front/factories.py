"""Rows that only pages need: scores with drivers, their history, alerts."""

from __future__ import annotations

from datetime import timedelta

import factory

from apps.alerts.models import Alert
from apps.predictions.ml.metrics import METRICS, WINDOWS_DAYS
from apps.predictions.models import ScoreChange, TutorScore
from tests.factories import NOON, TutorFactory

PARTS = (
    ("reliability", "Reliability", 30),
    ("punctuality", "Punctuality", 15),
    ("first_sessions", "First sessions", 20),
    ("ratings", "Ratings", 20),
    ("continuity", "Continuity", 15),
)


def drivers(*points: float) -> list[dict]:
    """The parts of a score, one number of points each."""
    return [
        {"key": key, "name": name, "points": had, "of": of, "sentence": f"{name} rests on {had:g}"}
        for (key, name, of), had in zip(PARTS, points, strict=True)
    ]


def metrics(**values: tuple[float, float, float]) -> dict:
    """Every metric empty but those given as (value, count, n), the same in every window, ± 0.05."""
    empty = {"value": None, "count": 0, "n": 0, "low": None, "high": None}
    found = {key: {f"{days}d": dict(empty) for days in WINDOWS_DAYS} for key in METRICS}
    for key, (value, count, n) in values.items():
        window = {"value": value, "count": count, "n": n, "low": value - 0.05, "high": value + 0.05}
        found[key] = {f"{days}d": dict(window) for days in WINDOWS_DAYS}
    return found


class TutorScoreFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TutorScore

    tutor = factory.SubFactory(TutorFactory)
    as_of = NOON
    score = 48.0
    score_low = 43.0
    score_high = 53.0
    level = "needs_attention"
    sessions_90d = 143
    drivers = factory.LazyFunction(lambda: drivers(14, 12, 8, 9, 5))
    metrics = factory.LazyFunction(lambda: metrics(reschedule_rate=(0.1329, 19, 143), mean_rating=(4.1, 279, 68)))
    weights_version = 1


class ScoreChangeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ScoreChange

    tutor = factory.SubFactory(TutorFactory)
    as_of = NOON - timedelta(days=20)
    score = 61.0
    score_low = 56.0
    score_high = 66.0
    level = "developing"
    sessions_90d = 140
    drivers = factory.LazyFunction(lambda: drivers(20, 14, 8, 14, 5))
    weights_version = 1
    cause = "facts"


class AlertFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Alert

    tutor = factory.SubFactory(TutorFactory)
    partner = factory.SelfAttribute("tutor.partner")
    rule = "reschedule_rate"
    condition = factory.Sequence(lambda n: f"reschedule_rate:{n}")
    urgency = "high"
    title = factory.LazyAttribute(lambda alert: f"{alert.tutor} moves many sessions")
    reason = "21 of 96 sessions moved by the tutor in 90 days: 22 %, likely 16 to 28 %."
    next_step = "Ask which hours no longer work, and change the calendar."
    evidence = factory.LazyFunction(lambda: {"moved": 21, "n": 96, "probability": 0.97})
    opened_at = NOON - timedelta(hours=3)
    due_at = NOON + timedelta(hours=3)
