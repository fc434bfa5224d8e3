"""What became of decided sessions: labels joined to decisions, with who was reached and by what chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.db import transaction

from apps.predictions.datasets import load_frames
from apps.predictions.ml.exposures import UNTREATED_DAYS, untreated
from apps.predictions.ml.frames import DAY, HOUR, QUESTION_COLUMNS, Frames
from apps.predictions.ml.labels import labels
from apps.predictions.ml.targets import TARGETS, Target
from apps.predictions.models import Outcome, Prediction, TreatmentDraw
from apps.predictions.moments import to_datetime, to_microseconds
from tutorscore.accounts.models import Partner

LOOK_BACK_DAYS = 120
"""Decisions this old are looked at again: late ratings and corrections still change their outcome."""

_FIELDS = ["prediction_id", "label", "known_at", "was_treated", "propensity"]


@dataclass(frozen=True)
class OutcomeReport:
    """Rows of one join: outcomes added, changed by a later fact, and left as they were."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: OutcomeReport) -> OutcomeReport:
        return OutcomeReport(
            self.created + other.created, self.updated + other.updated, self.unchanged + other.unchanged
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def record_outcomes(*, partner: Partner, now: datetime) -> OutcomeReport:
    """Join every decision whose label has matured by ``now``; a second call changes nothing.

    A decision is mature ``maturity_hours`` after the planned end. What can then not be known, or is not what the
    probability speaks about (held but unrated), has an outcome without label.
    """
    since = now - timedelta(days=LOOK_BACK_DAYS)
    decisions = Prediction.objects.filter(
        is_decision=True,
        session__partner=partner,
        session__scheduled_start__gte=since,
        session__scheduled_start__lt=now,
    )
    tutor_ids = list(decisions.order_by("tutor_id").values_list("tutor_id", flat=True).distinct())
    if not tutor_ids:
        return OutcomeReport()
    frames = load_frames(partner_ids=[partner.pk], tutor_ids=tutor_ids, known_by=now)
    draws = _draws(tutor_ids)
    report = OutcomeReport()
    for target in TARGETS.values():
        asked = _questions(frames, target, decisions, now)
        if len(asked):
            report += _upsert(target, _judged(frames, target, asked, draws, now))
    return report


def _questions(frames: Frames, target: Target, decisions: Any, now: datetime) -> pd.DataFrame:
    """The decided questions whose time has come, as they were asked, with the prediction that answered each."""
    names = ["prediction_id", "session_id", "as_of"]
    rows = pd.DataFrame(decisions.filter(target=target.name).values_list("id", "session_id", "as_of"), columns=names)
    rows["as_of"] = np.array([to_microseconds(moment) for moment in rows["as_of"]], dtype=np.int64)
    table = rows.merge(frames.sessions, on="session_id").assign(hours_ahead=target.default_hours)
    ripe = table["end"] + int(target.maturity_hours * HOUR) <= to_microseconds(now)
    return table[ripe].astype(QUESTION_COLUMNS).sort_values("session_id", ignore_index=True)


def _judged(frames: Frames, target: Target, asked: pd.DataFrame, draws: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """``Outcome`` columns of each question."""
    answers = labels(frames, asked, target, to_microseconds(now))
    ripe = asked["end"] + int(target.maturity_hours * HOUR)
    return pd.DataFrame(
        {
            "session_id": asked["session_id"],
            "prediction_id": asked["prediction_id"],
            "label": answers["label"].where(answers["judged"]),
            "known_at": answers["known_at"].where(answers["label"].notna(), ripe),
            "was_treated": ~untreated(frames, asked),
            "propensity": _propensity(asked, draws),
        }
    )


def _draws(tutor_ids: list[int]) -> pd.DataFrame:
    names = ["tutor_id", "experiment", "drawn_at", "untreated_propensity"]
    table = pd.DataFrame(TreatmentDraw.objects.filter(tutor_id__in=tutor_ids).values_list(*names), columns=names)
    table["drawn_at"] = np.array([to_microseconds(moment) for moment in table["drawn_at"]], dtype=np.int64)
    return table


def _propensity(asked: pd.DataFrame, draws: pd.DataFrame) -> np.ndarray:
    """Chance that nothing reached the tutor in the time that decides whether the row is treated.

    All draws of one experiment about one tutor are one draw; different experiments draw independently.
    """
    pairs = asked[["tutor_id", "as_of", "end"]].reset_index().merge(draws, on="tutor_id")
    counted = pairs[(pairs["drawn_at"] >= pairs["as_of"] - UNTREATED_DAYS * DAY) & (pairs["drawn_at"] <= pairs["end"])]
    by_experiment = counted.groupby(["index", "experiment"])["untreated_propensity"].min()
    return by_experiment.groupby("index").prod().reindex(asked.index, fill_value=1.0).to_numpy()


@transaction.atomic
def _upsert(target: Target, judged: pd.DataFrame) -> OutcomeReport:
    rows = Outcome.objects.select_for_update().filter(target=target.name, session_id__in=judged["session_id"].tolist())
    held = {outcome.session_id: outcome for outcome in rows.order_by("id")}
    new: list[Outcome] = []
    changed: list[Outcome] = []
    for row in judged.to_dict("records"):
        outcome = Outcome(
            session_id=row["session_id"],
            target=target.name,
            prediction_id=row["prediction_id"],
            label=None if np.isnan(row["label"]) else bool(row["label"]),
            known_at=to_datetime(row["known_at"]),
            was_treated=row["was_treated"],
            propensity=row["propensity"],
        )
        former = held.get(row["session_id"])
        if former is None:
            new.append(outcome)
        elif any(getattr(former, name) != getattr(outcome, name) for name in _FIELDS):
            outcome.pk = former.pk
            changed.append(outcome)
    Outcome.objects.bulk_create(new, batch_size=2_000, ignore_conflicts=True)
    Outcome.objects.bulk_update(changed, _FIELDS, batch_size=1_000)
    return OutcomeReport(len(new), len(changed), len(judged) - len(new) - len(changed))
