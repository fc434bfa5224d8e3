"""What the pipeline would have said: learn what was known on a date, then answer every later question at its moment.

The same loaders, questions, features, learner and labels as in service; only the moments are past. Nothing is written.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from apps.predictions.datasets import load_frames
from apps.predictions.ml.evaluation import figures
from apps.predictions.ml.frames import NEVER, Frames
from apps.predictions.ml.labels import labels
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.questions import decision_questions
from apps.predictions.ml.scoring import prepare, score
from apps.predictions.ml.targets import TARGETS
from apps.predictions.ml.training import train
from apps.predictions.moments import to_datetime, to_microseconds
from apps.sessions.models import TutoringSession
from tutorscore.accounts.models import Partner

CSV_COLUMNS = ("session_id", "as_of", "probability", "label")


@dataclass(frozen=True)
class Backtest:
    """One row per later session asked about: ``CSV_COLUMNS`` and ``rate``, ordered by ``as_of`` and session.

    ``session_id`` is the partner's own, ``as_of`` aware UTC, ``label`` 0, 1 or NaN. A label is missing where the end is
    unknown or has not matured, and where the probability does not speak about it: a first session that was not held or
    not rated, for a no-show a session that never reached its start. ``rate`` is what the tutor's steadied rate alone
    would have said.
    """

    target: str
    hours_ahead: float
    train_until: datetime
    model: TrainedModel
    rows: pd.DataFrame
    figures: dict[str, Any]

    def write(self, path: Path) -> None:
        """The rows as CSV; a missing label is an empty field."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(CSV_COLUMNS)
            for row in self.rows.to_dict("records"):
                label = "" if np.isnan(row["label"]) else int(row["label"])
                writer.writerow([row["session_id"], row["as_of"].isoformat(), repr(row["probability"]), label])


def run_backtest(
    *, partner: Partner, target: str, train_until: datetime, now: datetime, hours_ahead: float | None = None
) -> Backtest:
    """Train on facts known by ``train_until`` and predict, once each, the sessions decided after it.

    A session is asked about at ``max(first known, start - hours_ahead)`` if that is after ``train_until``; its label is
    what is known by ``now``. ``hours_ahead`` defaults to the target's own horizon.
    """
    asked = TARGETS[target]
    model = train(
        load_frames(partner_ids=[partner.pk], known_by=train_until), asked, known_by=to_microseconds(train_until)
    )
    return answer_later(partner=partner, model=model, since=train_until, now=now, hours_ahead=hours_ahead)


def answer_later(
    *, partner: Partner, model: TrainedModel, since: datetime, now: datetime, hours_ahead: float | None = None
) -> Backtest:
    """What ``model`` says about every session decided after ``since``, once each, at its decision time."""
    asked = TARGETS[model.target]
    hours = asked.default_hours if hours_ahead is None else hours_ahead
    after = to_microseconds(since)
    frames = load_frames(partner_ids=[partner.pk], known_by=now)
    questions = decision_questions(frames, asked, hours, after, int(NEVER))
    questions = questions[questions["as_of"] > after].sort_values(["as_of", "session_id"], ignore_index=True)
    return _answered(model, frames, questions, hours, since, now)


def _answered(
    model: TrainedModel, frames: Frames, questions: pd.DataFrame, hours: float, train_until: datetime, now: datetime
) -> Backtest:
    features = prepare(model, frames, questions)
    probability = score(model, features, reasons=False)["probability"].to_numpy(dtype=np.float64)
    found = labels(frames, questions, TARGETS[model.target], to_microseconds(now))
    label = found["label"].where(found["judged"]).to_numpy(dtype=np.float64)
    judged = ~np.isnan(label)
    rows = pd.DataFrame(
        {
            "session_id": _external_ids(questions["session_id"]),
            "as_of": [to_datetime(moment) for moment in questions["as_of"]],
            "probability": probability,
            "label": label,
            "rate": expit(model.rate.logits(features)),
        }
    )
    return Backtest(
        target=model.target,
        hours_ahead=hours,
        train_until=train_until,
        model=model,
        rows=rows,
        figures=figures(label[judged], probability[judged], model.usual, questions["tutor_id"].to_numpy()[judged]),
    )


def _external_ids(session_ids: pd.Series) -> list[str]:
    names = dict(TutoringSession.objects.filter(id__in=session_ids.tolist()).values_list("id", "external_id"))
    return [names[session_id] for session_id in session_ids]
