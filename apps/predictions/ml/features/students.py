"""What the student did before, and what the two did together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.endings import signed
from apps.predictions.ml.features.asked import Asked, mean_of, steadied
from apps.predictions.ml.features.registry import Feature
from apps.predictions.ml.features.teaching import engagement_surplus, poor_ratings, rating_surplus
from apps.predictions.ml.history import Facts, Kind
from apps.predictions.ml.pairs import held_before, open_before

_ENDS, _RATED = "sessions and reschedules, by their end or request", "ratings by students, by submission"
_ABSENT = {"no_show_student": 1}

FEATURES = (
    Feature("student_sessions", "sessions of the student so far", "sessions", _ENDS, "booking"),
    Feature("student_no_show_rate", "share the student missed so far, steadied", "share", _ENDS,
            "student_attendance", "misses more often", signs=_ABSENT),
    Feature("student_no_shows_30d", "sessions the student missed in 30 days", "sessions", _ENDS,
            "student_attendance", "misses more often", signs=_ABSENT),
    *(
        Feature(f"student_no_show_effect_{days}", "missed sessions beyond what such sessions bring, in log-odds "
                f"(half-life {days} days)", "log-odds", _ENDS, "student_attendance", "misses more often",
                signs=_ABSENT)
        for days in (30, 360)
    ),
    Feature("student_days_since_no_show", "days since the student missed a session", "days", _ENDS,
            "student_attendance", "longer ago"),
    Feature("student_days_since_held", "days since the student's last held session", "days", _ENDS,
            "student_attendance", "longer ago"),
    Feature("student_move_rate", "share the student moved so far, steadied", "share", _ENDS, "student_attendance",
            "moves more often"),
    Feature("student_rating", "mean rating the student gives", "1 to 5", _RATED, "student_ratings", "kinder"),
    Feature("student_poor_effect", "poor ratings by the student beyond what such sessions bring, in log-odds",
            "log-odds", _RATED, "student_ratings", "rates below 3 more often", signs={"first_session_poor": 1}),
    Feature("student_rating_effect", "rating by the student above what such sessions get, steadied", "points", _RATED,
            "student_ratings", "kinder", signs={"first_session_poor": -1}),
    Feature("student_engagement_effect", "engagement of the student above what such sessions show, steadied",
            "points of 100", _ENDS, "student_ratings", "more engaged"),
    Feature("pair_earlier", "sessions of the pair before this one, held or booked", "sessions", _ENDS, "base"),
    Feature("pair_first", "first session of the pair", "yes/no", _ENDS, "base", "first", "flag"),
    Feature("pair_move_rate", "share of the pair's sessions the tutor moved, steadied", "share", _ENDS, "pair",
            "moved more often", signs={"reschedule": 1}),
    Feature("pair_moves", "sessions of the pair the tutor moved", "sessions", _ENDS, "pair", "moved more often"),
    Feature("pair_rating", "mean rating the student gave this tutor", "1 to 5", _RATED, "pair", "rated better"),
    Feature("pair_poor_effect", "poor ratings in the pair beyond what such sessions bring, in log-odds", "log-odds",
            _RATED, "pair", "rated below 3 more often", signs={"first_session_poor": 1}),
    Feature("pair_days_since_held", "days since the pair last met", "days", _ENDS, "pair", "longer ago"),
)  # fmt: skip


def compute(asked: Asked) -> dict[str, Floats]:
    """The columns of ``FEATURES``."""
    return _student(asked) | _given_ratings(asked) | _pair(asked)


def _student(asked: Asked) -> dict[str, Floats]:
    ends, usual = asked.ends, asked.prior.rates
    view = asked.view(ends, "student_id")
    every, absent = signed(ends), signed(ends, Kind.NO_SHOW_STUDENT)
    count, moved = view.total(every), view.total(signed(ends, Kind.MOVED_BY_OTHER))
    missed, held = asked.only("missed", ends, lambda: absent > 0), _held(asked)
    surprise = asked.surprise("no_show_student", ends, absent, every, spread=1.0)
    return {
        "student_sessions": count.astype(np.float64),
        "student_no_show_rate": steadied(usual["no_show_student"], view.total(absent), count),
        "student_no_shows_30d": asked.view(ends, "student_id", 30).total(absent).astype(np.float64),
        **{f"student_no_show_effect_{days}": surprise.effect(view, days) for days in (30, 360)},
        "student_days_since_no_show": asked.days_since(asked.view(missed, "student_id"), missed.happened),
        "student_days_since_held": asked.days_since(asked.view(held, "student_id"), held.happened),
        "student_move_rate": steadied(usual["student_moved"], moved, count),
    }


def _given_ratings(asked: Asked) -> dict[str, Floats]:
    surprise, surplus = replace(poor_ratings(asked), spread=0.5), rating_surplus(asked)
    engagement = engagement_surplus(asked)
    rated, rating = surprise.facts, surprise.facts.values["rating"]
    view, pair = asked.view(rated, "student_id"), asked.view(rated, "pair_id")
    return {
        "student_rating": mean_of(view, rating),
        "student_poor_effect": surprise.effect(view, 720),
        "student_rating_effect": surplus.effect(view, 720),
        "student_engagement_effect": engagement.effect(asked.view(engagement.facts, "student_id"), 720),
        "pair_rating": mean_of(pair, rating),
        "pair_poor_effect": surprise.effect(pair, 720),
    }


def _held(asked: Asked) -> Facts:
    """The meetings among all ends."""
    return asked.only("held", asked.ends, lambda: signed(asked.ends, Kind.HELD) > 0)


def _pair(asked: Asked) -> dict[str, Floats]:
    ends = asked.ends
    view = asked.view(ends, "pair_id")
    moves = view.total(signed(ends, Kind.MOVED_BY_TUTOR))
    held = _held(asked)
    before = held_before(asked.history, asked.tutor, asked.student, asked.moment)
    booked = open_before(asked.history, asked.tutor, asked.student, asked.start, asked.tie, asked.moment)
    earlier = before + booked
    return {
        "pair_earlier": earlier.astype(np.float64),
        "pair_first": (earlier == 0).astype(np.float64),
        "pair_move_rate": steadied(asked.prior.rates["moved"], moves, view.total(signed(ends))),
        "pair_moves": moves.astype(np.float64),
        "pair_days_since_held": asked.days_since(asked.view(held, "pair_id"), held.happened),
    }
