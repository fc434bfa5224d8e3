"""Rows of the list of tutors: score, range, change and twelve weeks, put together from a few set-based reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.safestring import SafeString

from apps.predictions.models import ScoreChange, TutorLevel, TutorScore
from apps.predictions.score_selectors import score_histories
from apps.sessions.timetable_selectors import next_starts
from apps.tutors.models import Tutor
from tutorscore.front.charts import range_bar, sparkline
from tutorscore.front.levels import look
from tutorscore.front.measures import Measure, measure

WEEKS = 12


@dataclass(frozen=True)
class TutorRow:
    """``change`` is the score's move since ``last_monday``; none where one of the two scores is missing."""

    tutor: Tutor
    score: TutorScore | None
    level: str
    range: SafeString
    change: float | None
    weeks: SafeString
    moved: Measure
    no_shows: Measure
    rating: Measure
    good_first: Measure
    next_start: datetime | None


def tutor_rows(tutors: Sequence[Tutor], now: datetime) -> list[TutorRow]:
    """Three queries however many tutors there are; the tutors come with their scores."""
    ids = [tutor.pk for tutor in tutors]
    histories = score_histories(ids, now - timedelta(weeks=WEEKS), now)
    starts = next_starts(ids, now)
    return [_row(tutor, histories[tutor.pk], starts.get(tutor.pk), now) for tutor in tutors]


def last_monday(now: datetime) -> datetime:
    """Midnight, in the reader's zone, of the last Monday that lies at least a day back."""
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday() or 7)


def score_at(history: Sequence[ScoreChange], moment: datetime) -> float | None:
    """The score that held at a moment; ``history`` is oldest first."""
    held = [change for change in history if change.as_of <= moment]
    return held[-1].score if held else None


def _row(tutor: Tutor, history: Sequence[ScoreChange], next_start: datetime | None, now: datetime) -> TutorRow:
    score: TutorScore | None = getattr(tutor, "score", None)
    before = score_at(history, last_monday(now))
    present = score.score if score else None
    return TutorRow(
        tutor=tutor,
        score=score,
        level=score.level if score else TutorLevel.NOT_ENOUGH_DATA,
        range=_range(score),
        change=present - before if present is not None and before is not None else None,
        weeks=_weeks(history, now),
        moved=measure(score, "reschedule_rate", 90),
        no_shows=measure(score, "no_show_rate", 90),
        rating=measure(score, "mean_rating", 90),
        good_first=measure(score, "first_session_success", 90),
        next_start=next_start,
    )


def _range(score: TutorScore | None) -> SafeString:
    if score is None or score.score is None or score.score_low is None or score.score_high is None:
        return SafeString("")
    return range_bar(score.score, score.score_low, score.score_high, look(score.level).tone)


def _weeks(history: Sequence[ScoreChange], now: datetime) -> SafeString:
    values = [score_at(history, now - timedelta(weeks=back)) for back in range(WEEKS, -1, -1)]
    known = [round(value) for value in values if value is not None]
    return sparkline(values, f"{WEEKS} weeks, {known[0]} to {known[-1]}" if known else "")
