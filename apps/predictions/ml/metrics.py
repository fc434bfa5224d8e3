"""The metrics of a tutor: what each is called, counted from, compared with and said as. Thresholds stand here alone.

Adjusted rates leave out the sessions that were to start inside a recorded leave. docs/scores.md gives the source of
every threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Ints
from apps.predictions.ml.frames import Frames
from apps.predictions.ml.metric import COUNT, MINUTES, POINTS, RATE, RATING, Metric
from apps.predictions.ml.windows import (
    EARLY_END_SECONDS,
    GOOD_RATING,
    LATE_SECONDS,
    SHORT_NOTICE_HOURS,
    TutorFacts,
    tutor_window_sums,
)

WINDOWS_DAYS = (7, 30, 90)
TRENDS = ((7, 30), (30, 90))

# Below this many resolved sessions a tutor is "not enough data": the prior would say more than the tutor.
MINIMUM_SESSIONS = 10

RESCHEDULE_LIMIT = 0.15
RESCHEDULE_ALERT_PROBABILITY = 0.9

METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            "sessions",
            "Sessions",
            "Sessions resolved: held, no-show, moved or cancelled",
            COUNT,
            "resolved",
            "{count:.0f} sessions in {days} days",
        ),
        Metric("completed", "Held", "Sessions held", COUNT, "completed", "{count:.0f} held in {days} days"),
        Metric(
            "reschedules",
            "Moves by the tutor",
            "Sessions the tutor moved or cancelled",
            COUNT,
            "moves_tutor",
            "{count:.0f} moved by the tutor in {days} days",
            higher_is_better=False,
        ),
        Metric(
            "reschedule_rate",
            "Moved by the tutor",
            "Share of resolved sessions the tutor moved or cancelled",
            RATE,
            "moves_tutor",
            "{count:.0f} of {n:.0f} sessions moved by the tutor",
            bottom="resolved",
            higher_is_better=False,
            minimum=5,
            concern=RESCHEDULE_LIMIT,
            good=0.10,
        ),
        Metric(
            "reschedule_rate_adjusted",
            "Moved by the tutor, leave excused",
            "The same without sessions inside a recorded leave",
            RATE,
            "moves_tutor",
            "{count:.0f} of {n:.0f} sessions moved by the tutor",
            bottom="resolved",
            excused_top="excused_moves_tutor",
            excused_bottom="excused",
            higher_is_better=False,
            minimum=5,
            concern=RESCHEDULE_LIMIT,
            good=0.10,
        ),
        Metric(
            "short_notice",
            "Moved at short notice",
            f"Moves by the tutor less than {SHORT_NOTICE_HOURS} h before the start",
            COUNT,
            "moves_short_notice",
            "{count:.0f} moved by the tutor with less than " + f"{SHORT_NOTICE_HOURS} h notice",
            higher_is_better=False,
        ),
        Metric(
            "no_show_rate",
            "Tutor no-shows",
            "Share of resolved sessions the tutor did not turn up to",
            RATE,
            "no_shows_tutor",
            "{count:.0f} of {n:.0f} sessions without their tutor",
            bottom="resolved",
            higher_is_better=False,
            minimum=5,
            concern=0.05,
        ),
        Metric(
            "no_show_rate_adjusted",
            "Tutor no-shows, leave excused",
            "The same without sessions inside a recorded leave",
            RATE,
            "no_shows_tutor",
            "{count:.0f} of {n:.0f} sessions without their tutor",
            bottom="resolved",
            excused_top="excused_no_shows_tutor",
            excused_bottom="excused",
            higher_is_better=False,
            minimum=5,
            concern=0.05,
        ),
        Metric(
            "late_start_rate",
            "Late starts",
            f"Share of held sessions that began more than {LATE_SECONDS // 60} minutes late",
            RATE,
            "late_starts",
            "{count:.0f} of {n:.0f} starts over " + f"{LATE_SECONDS // 60} minutes late",
            bottom="start_known",
            higher_is_better=False,
            minimum=5,
            concern=0.20,
        ),
        Metric(
            "mean_lateness",
            "Mean lateness",
            "Minutes from the agreed to the true start; an early start counts 0",
            MINUTES,
            "late_seconds",
            "{value:.1f} minutes late on average over {n:.0f} sessions",
            bottom="start_known",
            divisor=60.0,
            higher_is_better=False,
            minimum=5,
            concern=LATE_SECONDS / 60,
        ),
        Metric(
            "early_end_rate",
            "Early ends",
            f"Share of held sessions that ended more than {EARLY_END_SECONDS // 60} minutes early",
            RATE,
            "early_ends",
            "{count:.0f} of {n:.0f} ended over " + f"{EARLY_END_SECONDS // 60} minutes early",
            bottom="end_known",
            higher_is_better=False,
            minimum=5,
            concern=0.20,
        ),
        Metric(
            "mean_rating",
            "Mean rating",
            "Mean of the students' ratings, 1 to 5",
            RATING,
            "rating",
            "mean rating {value:.1f} from {n:.0f} ratings",
            bottom="rated",
            higher_is_better=True,
            minimum=3,
            concern=3.5,
            good=4.5,
        ),
        Metric(
            "first_sessions",
            "First sessions",
            "Held sessions that were the first of tutor and student together",
            COUNT,
            "first_sessions",
            "{count:.0f} first sessions in {days} days",
        ),
        Metric(
            "first_session_success",
            "Good first sessions",
            f"Share of rated first sessions that were rated {GOOD_RATING} or 5",
            RATE,
            "first_good",
            "{count:.0f} of {n:.0f} rated first sessions were good",
            bottom="first_rated",
            higher_is_better=True,
            minimum=5,
            concern=0.70,
            good=0.85,
        ),
        Metric(
            "objectives_met",
            "Objectives met",
            "Share of held sessions whose objectives were met, where that is known",
            RATE,
            "objectives_met",
            "objectives met in {count:.0f} of {n:.0f} sessions",
            bottom="objectives_known",
            higher_is_better=True,
            minimum=5,
            concern=0.80,
        ),
        Metric(
            "engagement",
            "Engagement",
            "Mean engagement of held sessions, 0 to 100 as the partner measures it",
            POINTS,
            "engagement",
            "engagement {value:.0f} of 100 over {n:.0f} sessions",
            bottom="engagement_known",
            higher_is_better=True,
            minimum=5,
            concern=60.0,
            good=80.0,
        ),
        Metric(
            "response_time",
            "Answers messages in",
            "Mean minutes until the tutor answers a message",
            MINUTES,
            "response_minutes",
            "answers {n:.0f} messages in {value:.0f} minutes on average",
            bottom="responses",
            higher_is_better=False,
            minimum=3,
        ),
        Metric(
            "repeat_student_rate",
            "Students who came back",
            "Share of the students last met in the window who met this tutor at least twice",
            RATE,
            "repeat_students",
            "{count:.0f} of {n:.0f} students came back",
            bottom="students",
            higher_is_better=True,
            minimum=5,
            concern=0.70,
        ),
    )
}

# Figures compared over two windows: the shorter minus the longer.
TREND_METRICS = ("reschedule_rate", "no_show_rate", "mean_rating", "engagement")


def window_metrics(
    frames: Frames,
    tutor_ids: Ints,
    as_of: Ints | np.int64 | int,
    *,
    facts: TutorFacts | None = None,
    windows_days: Sequence[int] = WINDOWS_DAYS,
) -> pd.DataFrame:
    """Every metric of ``tutor_ids[i]`` as known at ``as_of[i]`` (µs, or one moment for all), in one pass.

    Indexed by tutor; columns ``(metric, window, field)`` with windows "7d" … and fields value, count, n; value is NaN
    where n is 0. Trends stand under windows "7v30" and "30v90": value is the difference, n the smaller of both.
    """
    sums = tutor_window_sums(frames, tutor_ids, as_of, windows_days, facts=facts)
    return metrics_of(sums, tutor_ids, windows_days)


def metrics_of(sums: pd.DataFrame, tutor_ids: Ints, windows_days: Sequence[int] = WINDOWS_DAYS) -> pd.DataFrame:
    """See ``window_metrics``; from sums that are already there."""
    table: dict[tuple[str, str, str], Floats] = {}
    for metric in METRICS.values():
        for days in windows_days:
            table[metric.key, f"{days}d", "value"] = metric.value(sums, days)
            table[metric.key, f"{days}d", "count"] = metric.count(sums, days)
            table[metric.key, f"{days}d", "n"] = metric.n(sums, days)
    for key in TREND_METRICS:
        for short, long in TRENDS:
            if short in windows_days and long in windows_days:
                metric, window = METRICS[key], f"{short}v{long}"
                table[key, window, "value"] = metric.value(sums, short) - metric.value(sums, long)
                table[key, window, "n"] = np.minimum(metric.n(sums, short), metric.n(sums, long))
    return pd.DataFrame(table, index=pd.Index(np.asarray(tutor_ids), name="tutor_id"))
