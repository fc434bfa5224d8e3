"""Ask the champions about upcoming sessions and append what changed.

Two kinds of questions are asked in one pass at ``now``. A **re-score** is asked about now and appended only if the
answer changed. A **decision** is asked once per session and target, about the moment
``as_of = max(first known, start - horizon)`` exactly, by the first pass at or after it: the same question with the
same facts as in a backtest, however late the pass came. Decisions trigger mails and are evaluated; re-scores are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.db import transaction

from apps.predictions.actions.models import load_champion
from apps.predictions.datasets import load_frames
from apps.predictions.ml.explain import explain
from apps.predictions.ml.frames import HOUR, Frames
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.policy import Policy, should_alert
from apps.predictions.ml.questions import decision_questions, open_questions
from apps.predictions.ml.scoring import prepare, score
from apps.predictions.ml.targets import TARGETS, Target
from apps.predictions.models import ModelVersion, Prediction
from apps.predictions.moments import to_datetime, to_microseconds
from apps.sessions.models import Status, TutoringSession
from tutorscore.accounts.models import Partner
from tutorscore.lib.copy_text import insert_copied

CHANGE = 0.005
"""A re-score is appended from this difference of probabilities: half a point of the risk score people see."""

LOOKAHEAD_HOURS = 24.0 * 30
_TUTORS_AT_ONCE = 1_000


@dataclass
class PredictReport:
    """Counts of one pass, per target: questions asked, rows appended, decisions among them.

    ``skipped``: targets without a champion.
    """

    asked: dict[str, int] = field(default_factory=dict)
    appended: dict[str, int] = field(default_factory=dict)
    decided: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def add(self, target: str, asked: int, appended: int, decided: int) -> None:
        for counts, more in ((self.asked, asked), (self.appended, appended), (self.decided, decided)):
            counts[target] = counts.get(target, 0) + more

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def predict_upcoming(
    *,
    partner: Partner,
    now: datetime,
    lookahead_hours: float = LOOKAHEAD_HOURS,
    targets: Sequence[str] | None = None,
    session_ids: Iterable[int] | None = None,
) -> PredictReport:
    """Predict the open sessions that start within ``lookahead_hours`` of ``now``, or those of ``session_ids``.

    Only facts known by ``now`` are used. A second pass at the same moment appends nothing. Passes about one partner
    wait for each other.
    """
    report = PredictReport()
    champions = {name: load_champion(name) for name in targets or TARGETS}
    report.skipped = [name for name, found in champions.items() if found is None]
    chosen = None if session_ids is None else set(session_ids)
    ahead = _ahead(partner, now, lookahead_hours, chosen)
    tutor_ids = sorted(ahead)
    if len(report.skipped) == len(champions):
        return report
    for first in range(0, len(tutor_ids), _TUTORS_AT_ONCE):
        chunk = tutor_ids[first : first + _TUTORS_AT_ONCE]
        student_ids = sorted(set().union(*(ahead[tutor_id] for tutor_id in chunk)))
        frames = load_frames(partner_ids=[partner.pk], tutor_ids=chunk, student_ids=student_ids, known_by=now)
        for name, found in champions.items():
            if found is not None:
                scope = _Pass(partner, now, lookahead_hours, TARGETS[name], *found, frozenset(chunk), chosen)
                report.add(name, *scope.run(frames))
    return report


def predict_changed(*, partner: Partner, now: datetime, since: datetime) -> PredictReport:
    """Predict the open sessions whose rows were written after ``since``: an accepted booking is answered at once."""
    changed = TutoringSession.objects.filter(
        partner=partner,
        status=Status.SCHEDULED,
        scheduled_start__gt=now,
        scheduled_start__lte=now + timedelta(hours=LOOKAHEAD_HOURS),
        updated_at__gt=since,
    )
    session_ids = list(changed.values_list("id", flat=True))
    return predict_upcoming(partner=partner, now=now, session_ids=session_ids) if session_ids else PredictReport()


def _ahead(
    partner: Partner, now: datetime, lookahead_hours: float, session_ids: set[int] | None
) -> dict[int, set[int]]:
    """Tutors with sessions to ask about, and the students of each."""
    upcoming = TutoringSession.objects.filter(
        partner=partner, scheduled_start__gt=now, scheduled_start__lte=now + timedelta(hours=lookahead_hours)
    )
    if session_ids is not None:
        upcoming = upcoming.filter(id__in=session_ids)
    students: dict[int, set[int]] = defaultdict(set)
    for tutor_id, student_id in upcoming.values_list("tutor_id", "student_id"):
        students[tutor_id].add(student_id)
    return students


@dataclass(frozen=True)
class _Pass:
    """One target's questions about the sessions of some tutors at one moment."""

    partner: Partner
    now: datetime
    lookahead_hours: float
    target: Target
    version: ModelVersion
    model: TrainedModel
    tutor_ids: frozenset[int]
    session_ids: set[int] | None

    def run(self, frames: Frames) -> tuple[int, int, int]:
        """Ask, append, and answer with the numbers asked, appended and decided."""
        questions = self._questions(frames)
        with transaction.atomic():
            # One pass at a time decides what changed about a partner's sessions.
            Partner.objects.select_for_update(no_key=True).get(pk=self.partner.pk)
            standing = _Standing.of(self.target.name, questions["session_id"].unique().tolist())
            again = questions["is_decision"] & questions["session_id"].isin(standing.decided)
            questions = questions[~again].reset_index(drop=True)
            features = prepare(self.model, frames, questions)
            answers = questions.join(score(self.model, features, reasons=False))
            news = standing.news(answers, self.version.pk)
            why = explain(self.model, features[news], answers["logit"][news].to_numpy(dtype=np.float64))
            rows = answers[news].assign(reasons=pd.Series(why, dtype=object, index=answers.index[news]))
            present = set(questions["session_id"][~questions["is_decision"]].tolist())
            self._withdraw(present)
            self._append(rows, rows["session_id"].isin(present) & standing.is_followed_by(rows))
        return len(questions), int(news.sum()), int(answers["is_decision"][news].sum())

    def _questions(self, frames: Frames) -> pd.DataFrame:
        """Decisions that have fallen due and the present question of every open session, in order of ``as_of``."""
        now, hours = to_microseconds(self.now), self.target.default_hours
        decisions = decision_questions(frames, self.target, hours, now + 1, now + int(hours * HOUR) + 1)
        present = open_questions(frames, self.target, now, self.lookahead_hours)
        table = pd.concat([decisions.assign(is_decision=True), present.assign(is_decision=False)], ignore_index=True)
        asked = (table["as_of"] <= now) & table["tutor_id"].isin(self.tutor_ids)
        if self.session_ids is not None:
            asked &= table["session_id"].isin(self.session_ids)
        return table[asked].sort_values(["session_id", "as_of", "is_decision"], ascending=[True, True, False])

    def _withdraw(self, present: set[int]) -> None:
        """The latest answer about a session that is no longer asked about (moved, or no first session any more)."""
        ahead = Prediction.objects.filter(
            target=self.target.name,
            is_latest=True,
            tutor_id__in=self.tutor_ids,
            session__scheduled_start__gt=self.now,
            session__scheduled_start__lte=self.now + timedelta(hours=self.lookahead_hours),
            as_of__lt=self.now,
        ).exclude(session_id__in=present)
        if self.session_ids is not None:
            ahead = ahead.filter(session_id__in=self.session_ids)
        ahead.update(is_latest=False)

    def _append(self, rows: pd.DataFrame, latest: pd.Series) -> None:
        policy = Policy(**self.version.policy)
        Prediction.objects.filter(
            target=self.target.name, is_latest=True, session_id__in=rows["session_id"][latest].tolist()
        ).update(is_latest=False)
        insert_copied(
            [
                Prediction(
                    session_id=row["session_id"],
                    tutor_id=row["tutor_id"],
                    target=self.target.name,
                    as_of=to_datetime(row["as_of"]),
                    hours_ahead=(row["start"] - row["as_of"]) / HOUR,
                    probability=row["probability"],
                    level=row["level"],
                    basis=row["basis"],
                    model_version_id=self.version.pk,
                    reasons=row["reasons"],
                    is_latest=is_latest,
                    is_decision=row["is_decision"],
                    should_send_alert=should_alert(policy, row["probability"]),
                )
                for row, is_latest in zip(rows.to_dict("records"), latest.tolist(), strict=True)
            ]
        )


@dataclass(frozen=True)
class _Standing:
    """What is already said about some sessions: the latest answer of each, and those decided."""

    latest: pd.DataFrame
    decided: set[int]

    @classmethod
    def of(cls, target: str, session_ids: list[int]) -> _Standing:
        rows = Prediction.objects.filter(target=target, session_id__in=session_ids)
        names = ["session_id", "as_of", "probability", "level", "model_version_id"]
        latest = pd.DataFrame(rows.filter(is_latest=True).values_list(*names), columns=names).set_index("session_id")
        latest["as_of"] = [to_microseconds(moment) for moment in latest["as_of"]]
        return cls(latest, set(rows.filter(is_decision=True).values_list("session_id", flat=True)))

    def news(self, answers: pd.DataFrame, version_id: int) -> pd.Series:
        """True for every decision, and for a present answer that differs from the one before it.

        The one before is the decision just made in the same pass, else the latest row. Nothing is appended at or
        before a moment that has been answered already, except a decision.
        """
        before = answers[["session_id"]].join(self.latest, on="session_id")
        follows = answers["session_id"].eq(answers["session_id"].shift())
        follows &= ~(before["as_of"] > answers["as_of"].shift())
        for name in ("as_of", "probability", "level"):
            before[name] = before[name].where(~follows, answers[name].shift())
        before["model_version_id"] = before["model_version_id"].where(~follows, version_id)
        changed = (
            before["probability"].isna()
            | (before["level"] != answers["level"])
            | (before["model_version_id"] != version_id)
            | ((answers["probability"] - before["probability"]).abs() >= CHANGE)
        )
        forward = before["as_of"].isna() | (answers["as_of"] > before["as_of"])
        return answers["is_decision"] | (changed & forward)

    def is_followed_by(self, rows: pd.DataFrame) -> pd.Series:
        """True for the new rows, in order of ``as_of`` by session, that come after all others of their session."""
        former = rows["session_id"].map(self.latest["as_of"])
        return ~rows["session_id"].duplicated(keep="last") & ~(former > rows["as_of"])
