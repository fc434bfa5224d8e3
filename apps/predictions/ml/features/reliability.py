"""How the tutor's appointments ended: moves, no-shows, and how many there were."""

from __future__ import annotations

import numpy as np

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.endings import signed
from apps.predictions.ml.features.asked import Asked, decayed, steadied
from apps.predictions.ml.features.registry import Feature
from apps.predictions.ml.history import Kind
from apps.predictions.ml.windows import ALL_TIME, SHORT_NOTICE_HOURS

WINDOWS = (7, 30, 90)
OVER_LIMIT = 0.15

_UP = {"reschedule": 1}
_ENDS = "sessions and reschedules, by their end or request"

FEATURES = (
    *(
        Feature(f"tutor_sessions_{days}d", f"sessions resolved in {days} days", "sessions", _ENDS, "experience")
        for days in WINDOWS
    ),
    Feature("tutor_sessions", "sessions resolved so far", "sessions", _ENDS, "experience"),
    *(
        Feature(f"tutor_moves_{days}d", f"sessions moved by the tutor in {days} days", "sessions", _ENDS, "moves",
                "moves more often", signs=_UP)
        for days in WINDOWS
    ),
    *(
        Feature(f"tutor_move_rate_{days}d", f"share moved by the tutor in {days} days, steadied", "share", _ENDS,
                "moves", "moves more often", signs=_UP)
        for days in WINDOWS
    ),
    Feature("tutor_move_rate", "share moved by the tutor so far, steadied", "share", _ENDS, "moves",
            "moves more often", signs=_UP),
    Feature("tutor_move_rate_recent", "share moved by the tutor, recent weeks counting most (half-life 21 days)",
            "share", _ENDS, "moves", "moves more often", signs=_UP),
    Feature("tutor_move_rate_trend", "30-day share moved minus the share so far", "share", _ENDS, "moves",
            "moves more than before"),
    Feature("tutor_move_rate_week_trend", "7-day share moved minus the 30-day share", "share", _ENDS, "moves",
            "moves more than before"),
    Feature("tutor_over_limit", "over 15 % moved in 90 days", "yes/no", _ENDS, "moves", "over the limit", "flag",
            signs=_UP),
    *(
        Feature(f"tutor_move_effect_{days}", "moves beyond what such sessions bring, in log-odds "
                f"(half-life {days} days)", "log-odds", _ENDS, "moves", "moves more than others would", signs=_UP)
        for days in (14, 60, 240)
    ),
    Feature("tutor_short_notice_rate", "share moved with under 24 h notice, half-life 60 days", "share", _ENDS,
            "moves", "moves late more often", signs=_UP),
    Feature("tutor_days_since_move", "days since the tutor last moved a session", "days", _ENDS, "moves",
            "longer without a move"),
    Feature("tutor_no_show_rate", "share the tutor missed so far, steadied", "share", _ENDS, "no_shows",
            "misses more often", signs={"no_show_tutor": 1}),
    Feature("tutor_no_show_rate_recent", "share the tutor missed, half-life 60 days, steadied", "share", _ENDS,
            "no_shows", "misses more often", signs={"no_show_tutor": 1}),
    Feature("tutor_no_shows_90d", "sessions the tutor missed in 90 days", "sessions", _ENDS, "no_shows",
            "misses more often", signs={"no_show_tutor": 1}),
    Feature("tutor_absent_students", "share of the tutor's sessions that the student missed, steadied", "share",
            _ENDS, "student_attendance", "students miss more often", signs={"no_show_student": 1}),
    Feature("tutor_absent_students_recent", "share of the tutor's sessions that the student missed, half-life 21 "
            "days", "share", _ENDS, "student_attendance", "students miss more often", signs={"no_show_student": 1}),
)  # fmt: skip


def compute(asked: Asked) -> dict[str, Floats]:
    """The columns of ``FEATURES``."""
    usual = asked.prior.rates
    sums = asked.tutor_sums(("resolved", "moves_tutor", "no_shows_tutor", "no_shows_student"), *WINDOWS, ALL_TIME)
    out: dict[str, Floats] = {}
    for days in WINDOWS:
        resolved, moves = sums[f"resolved_{days}d"], sums[f"moves_tutor_{days}d"]
        out[f"tutor_sessions_{days}d"], out[f"tutor_moves_{days}d"] = resolved, moves
        out[f"tutor_move_rate_{days}d"] = steadied(usual["moved"], moves, resolved)
    out["tutor_over_limit"] = (sums["moves_tutor_90d"] > OVER_LIMIT * sums["resolved_90d"]).astype(np.float64)
    out["tutor_no_shows_90d"] = sums["no_shows_tutor_90d"]
    resolved = out["tutor_sessions"] = sums["resolved_all"]
    out["tutor_move_rate"] = steadied(usual["moved"], sums["moves_tutor_all"], resolved)
    out["tutor_move_rate_trend"] = out["tutor_move_rate_30d"] - out["tutor_move_rate"]
    out["tutor_move_rate_week_trend"] = out["tutor_move_rate_7d"] - out["tutor_move_rate_30d"]
    out["tutor_no_show_rate"] = steadied(usual["no_show_tutor"], sums["no_shows_tutor_all"], resolved)
    out["tutor_absent_students"] = steadied(usual["no_show_student"], sums["no_shows_student_all"], resolved)
    return out | _decayed(asked)


def _decayed(asked: Asked) -> dict[str, Floats]:
    ends, usual = asked.ends, asked.prior.rates
    view = asked.view(ends, "tutor_id")
    every, moved = signed(ends), signed(ends, Kind.MOVED_BY_TUTOR)
    alone, missed = signed(ends, Kind.NO_SHOW_STUDENT), signed(ends, Kind.NO_SHOW_TUTOR)
    short = moved * (np.nan_to_num(ends.values["notice_hours"], nan=np.inf) < SHORT_NOTICE_HOURS)
    recent, wider = decayed(view, ends, every, 21), decayed(view, ends, every, 60)
    surprise = asked.surprise("moved", ends, moved, every)
    requests = asked.only("requests", ends, lambda: moved > 0)
    return {
        "tutor_move_rate_recent": steadied(usual["moved"], decayed(view, ends, moved, 21), recent),
        "tutor_absent_students_recent": steadied(usual["no_show_student"], decayed(view, ends, alone, 21), recent),
        "tutor_no_show_rate_recent": steadied(usual["no_show_tutor"], decayed(view, ends, missed, 60), wider),
        **{f"tutor_move_effect_{days}": surprise.effect(view, days) for days in (14, 60, 240)},
        "tutor_short_notice_rate": decayed(view, ends, short, 60) / (wider + 1.0),
        "tutor_days_since_move": asked.days_since(asked.view(requests, "tutor_id"), requests.happened),
    }
