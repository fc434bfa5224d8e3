"""The page of one tutor: what changed, was it the tutor or us, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from apps.alerts.session_selectors import tutor_alerts, tutor_mails
from apps.predictions.ml.metrics import MINIMUM_SESSIONS, WINDOWS_DAYS
from apps.predictions.ml.weights import LEVELS
from apps.predictions.models import ScoreChange, TutorScore
from apps.predictions.risk_selectors import latest_by_session
from apps.predictions.score_selectors import middle_drivers, middle_metrics, score_changes, share_below
from apps.predictions.weekly import Weeks, weekly_metrics
from apps.sessions.models import TutoringSession
from apps.sessions.timetable_selectors import coming_sessions, past_sessions
from apps.tutors.models import Tutor
from tutorscore.front.charts import Figure, Mark, Point, part_bar, score_figure, sparkline
from tutorscore.front.happenings import happened
from tutorscore.front.ledger import ledger
from tutorscore.front.levels import look
from tutorscore.front.measures import FINEST_SPAN, SHOWN, Measure, measure, shown
from tutorscore.front.risks import Risk, in_order, worst
from tutorscore.front.timeline import timeline
from tutorscore.front.tutor_rows import last_monday

CHART_DAYS = 90
SHORTEST_CHART = timedelta(days=14)
NEXT_SHOWN, PAST_SHOWN = 5, 10


class Part(NamedTuple):
    """A part of the score; ``sentence`` says what it rests on."""

    name: str
    points: float
    of: float
    bar: SafeString
    sentence: str


class MeasureRow(NamedTuple):
    windows: list[Measure]
    longest: Measure
    middle: str
    weeks: SafeString


@dataclass(frozen=True)
class Next:
    session: TutoringSession
    risk: Risk | None


def tutor_page(tutor: Tutor, now: datetime) -> dict[str, Any]:
    """Everything the template shows; about a dozen queries, however much the tutor taught."""
    score: TutorScore | None = getattr(tutor, "score", None)
    since, opened = last_monday(now), now - timedelta(days=CHART_DAYS)
    changes = score_changes(tutor, opened, now)
    recent = list(past_sessions(tutor, now)[:60])
    coming = coming_sessions(tutor, now)
    return {
        "tutor": tutor,
        "now": now,
        "minimum_sessions": MINIMUM_SESSIONS,
        "score": score,
        "below": share_below(tutor.partner, score.score) if score and score.score is not None else None,
        "ledger": ledger(_from(changes, since), since),
        "parts": _parts(tutor, score),
        "figure": _figure(changes, opened, now),
        "measures": _measures(tutor, score, now),
        "windows": WINDOWS_DAYS,
        "sessions": [happened(session) for session in recent[:PAST_SHOWN]],
        "coming": _coming(list(coming[:NEXT_SHOWN])),
        "coming_count": coming.count(),
        "days": timeline(tutor_alerts(tutor, opened), tutor_mails(tutor, opened), recent, changes),
    }


def _from(changes: Sequence[ScoreChange], since: datetime) -> list[ScoreChange]:
    """The changes after ``since``, led by the one that held then."""
    held = [change for change in changes if change.as_of <= since]
    return [*held[-1:], *(change for change in changes if change.as_of > since)]


def _parts(tutor: Tutor, score: TutorScore | None) -> list[Part]:
    if score is None or not score.drivers:
        return []
    middle = middle_drivers(tutor.partner)
    return [
        Part(
            name=driver["name"],
            points=driver["points"],
            of=driver["of"],
            bar=part_bar(driver["points"], driver["of"], middle.get(driver["key"]), _tone(driver)),
            sentence=driver["sentence"],
        )
        for driver in score.drivers
    ]


def _tone(driver: dict[str, Any]) -> str:
    """A part is coloured by the level a whole score of the same share would have."""
    share = 100 * driver["points"] / driver["of"] if driver["of"] else 100.0
    return look(next(level for lowest, level in LEVELS if share >= lowest)).tone


def _figure(changes: Sequence[ScoreChange], since: datetime, now: datetime) -> Figure | None:
    points = [
        Point(change.as_of, change.score, change.score_low, change.score_high)
        for change in changes
        if change.score is not None and change.score_low is not None and change.score_high is not None
    ]
    marks = [
        Mark(change.as_of, "prior" if change.cause == ScoreChange.Cause.PRIOR else f"weights v{change.weights_version}")
        for change in changes
        if change.cause != ScoreChange.Cause.FACTS and change.as_of > since
    ]
    if not points:
        return None
    start = min(max(since, points[0].at), now - SHORTEST_CHART)
    return score_figure(points, start, now, marks)


def _measures(tutor: Tutor, score: TutorScore | None, now: datetime) -> list[MeasureRow]:
    if score is None:
        return []
    middle = middle_metrics(tutor.partner)
    weeks = weekly_metrics(tutor, score, now)
    return [_measure_row(score, key, middle.get(key), weeks) for key in SHOWN]


def _measure_row(score: TutorScore, key: str, middle: float | None, weeks: Weeks) -> MeasureRow:
    windows = [measure(score, key, days) for days in WINDOWS_DAYS]
    metric = windows[-1].metric
    values = weeks.get(key, [])
    known = [value for value in values if value is not None]
    words = f"{len(values)} weeks, {shown(metric, known[0])} to {shown(metric, known[-1])}" if known else ""
    return MeasureRow(
        windows=windows,
        longest=windows[-1],
        middle="" if middle is None else shown(metric, middle),
        weeks=sparkline(values, words, finest_span=FINEST_SPAN[metric.unit]),
    )


def _coming(sessions: Sequence[TutoringSession]) -> list[Next]:
    risks = latest_by_session([session.pk for session in sessions])
    return [Next(session, worst(in_order(risks.get(session.pk, {})))) for session in sessions]
