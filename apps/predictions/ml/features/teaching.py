"""How the tutor's sessions went: ratings, first sessions, punctuality, engagement, objectives, the subject."""

from __future__ import annotations

import numpy as np

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.feature_prior import USUAL_ENGAGEMENT, USUAL_RATING, engaged
from apps.predictions.ml.features.asked import Asked, Surprise, mean_of, ratio, steadied
from apps.predictions.ml.features.registry import Feature
from apps.predictions.ml.windows import ALL_TIME, POOR_RATING

_DOWN, _UP = {"first_session_poor": -1}, {"first_session_poor": 1}
_RATED, _HELD = "ratings by students, by submission", "held sessions, by their end"

FEATURES = (
    Feature("tutor_rating", "mean rating so far", "1 to 5", _RATED, "ratings", "rated better"),
    Feature("tutor_rating_90d", "mean rating in 90 days", "1 to 5", _RATED, "ratings", "rated better"),
    Feature("tutor_rating_later", "mean rating without first sessions", "1 to 5", _RATED, "ratings", "rated better"),
    Feature("tutor_ratings", "ratings so far", "ratings", _RATED, "experience"),
    Feature("tutor_poor_rate", "share rated below 3 so far, steadied", "share", _RATED, "ratings",
            "rated below 3 more often", signs=_UP),
    *(
        Feature(f"tutor_poor_effect_{days}", "poor ratings beyond what such sessions bring, in log-odds "
                f"(half-life {days} days)", "log-odds", _RATED, "ratings", "rated below 3 more often", signs=_UP)
        for days in (45, 720)
    ),
    *(
        Feature(f"tutor_rating_effect_{days}", f"rating above what such sessions get, half-life {days} days, steadied",
                "points", _RATED, "ratings", "rated better", signs=_DOWN)
        for days in (90, 720)
    ),
    Feature("tutor_first_sessions", "first sessions rated so far", "sessions", _RATED, "first_sessions"),
    Feature("tutor_first_poor", "first sessions rated below 3", "sessions", _RATED, "first_sessions",
            "more poor first sessions", learned=False),
    Feature("tutor_first_poor_rate", "share of first sessions rated below 3, steadied", "share", _RATED,
            "first_sessions", "more poor first sessions", signs=_UP),
    Feature("tutor_first_success", "share of first sessions rated 4 and more, steadied", "share", _RATED,
            "first_sessions", "more good first sessions", signs=_DOWN),
    Feature("tutor_days_since_first", "days since the tutor's last rated first session", "days", _RATED,
            "first_sessions", "longer ago"),
    Feature("tutor_late_rate", "share started over 5 min late in 90 days", "share", _HELD, "punctuality",
            "late more often"),
    Feature("tutor_lateness", "mean lateness in 90 days", "seconds", _HELD, "punctuality", "later"),
    Feature("tutor_early_rate", "share ended over 10 min early in 90 days", "share", _HELD, "punctuality",
            "ends early more often"),
    Feature("tutor_engagement", "mean engagement in 90 days", "0 to 100", _HELD, "engagement", "more engaged"),
    *(
        Feature(f"tutor_engagement_effect_{days}", "engagement above what such sessions show, half-life "
                f"{days} days, steadied", "points of 100", _HELD, "engagement", "more engaged", signs=_DOWN)
        for days in (90, 720)
    ),
    Feature("tutor_objectives", "share of sessions that met their objectives in 90 days", "share", _HELD,
            "engagement", "meets objectives more often"),
    Feature("tutor_subject_ratings", "ratings in this subject so far", "ratings", _RATED, "subject"),
    Feature("tutor_subject_poor_effect", "poor ratings in this subject beyond what such sessions bring, in log-odds",
            "log-odds", _RATED, "subject", "rated below 3 more often", signs=_UP),
    Feature("tutor_subject_rating_effect", "rating in this subject above what such sessions get, steadied", "points",
            _RATED, "subject", "rated better", signs=_DOWN),
    Feature("tutor_subject_engagement_effect", "engagement in this subject above what such sessions show, steadied",
            "points of 100", _HELD, "subject", "more engaged", signs=_DOWN),
)  # fmt: skip


def compute(asked: Asked) -> dict[str, Floats]:
    """The columns of ``FEATURES``."""
    return _ratings(asked) | _first_sessions(asked) | _conduct(asked) | _subject(asked)


def poor_ratings(asked: Asked) -> Surprise:
    """Ratings below 3 against what such sessions usually get."""
    rated = asked.history.ratings
    poor = (rated.values["rating"] < POOR_RATING).astype(np.int64)
    return asked.surprise("poor", rated, poor, np.ones(len(rated), dtype=np.int64))


def rating_surplus(asked: Asked) -> Surprise:
    """Ratings against what such sessions usually get."""
    rated = asked.history.ratings
    return asked.surplus("rating", rated, rated.values["rating"], USUAL_RATING)


def engagement_surplus(asked: Asked) -> Surprise:
    """Engagement in held sessions against what such sessions usually show."""
    ends = asked.history.outcomes
    held = asked.only("engaged", ends, lambda: engaged(ends))
    return asked.surplus("engagement", held, held.values["engagement"], USUAL_ENGAGEMENT)


def _ratings(asked: Asked) -> dict[str, Floats]:
    poor, surplus = poor_ratings(asked), rating_surplus(asked)
    rated, rating = poor.facts, poor.facts.values["rating"]
    view, later = asked.view(rated, "tutor_id"), asked.history.earlier_of(rated) > 0
    sums = asked.tutor_sums(("rated", "rating"), 90, ALL_TIME)
    below = view.total((rating < POOR_RATING).astype(np.int64))
    return {
        "tutor_rating": ratio(sums["rating_all"], sums["rated_all"]),
        "tutor_rating_90d": ratio(sums["rating_90d"], sums["rated_90d"]),
        "tutor_rating_later": mean_of(view, np.where(later, rating, np.nan)),
        "tutor_ratings": sums["rated_all"],
        "tutor_poor_rate": steadied(asked.prior.rates["poor"], below, sums["rated_all"]),
        **{f"tutor_poor_effect_{days}": poor.effect(view, days) for days in (45, 720)},
        **{f"tutor_rating_effect_{days}": surplus.effect(view, days) for days in (90, 720)},
    }


def _first_sessions(asked: Asked) -> dict[str, Floats]:
    sums = asked.tutor_sums(("first_rated", "first_poor", "first_good"), ALL_TIME)
    count, poor, good = (sums[f"first_{name}_all"] for name in ("rated", "poor", "good"))
    usual, rated = asked.prior.rates, asked.history.ratings
    first = asked.only("first", rated, lambda: asked.history.earlier_of(rated) == 0)
    return {
        "tutor_first_sessions": count,
        "tutor_first_poor": poor,
        "tutor_first_poor_rate": steadied(usual["poor_first"], poor, count),
        "tutor_first_success": steadied(usual["good_first"], good, count),
        "tutor_days_since_first": asked.days_since(asked.view(first, "tutor_id"), first.happened),
    }


def _conduct(asked: Asked) -> dict[str, Floats]:
    measured = ("late_starts", "late_seconds", "early_ends", "engagement", "objectives_met")
    known = ("start_known", "end_known", "engagement_known", "objectives_known")
    sums = {name.removesuffix("_90d"): values for name, values in asked.tutor_sums(measured + known, 90).items()}
    surplus = engagement_surplus(asked)
    view = asked.view(surplus.facts, "tutor_id")
    return {
        "tutor_late_rate": ratio(sums["late_starts"], sums["start_known"]),
        "tutor_lateness": ratio(sums["late_seconds"], sums["start_known"]),
        "tutor_early_rate": ratio(sums["early_ends"], sums["end_known"]),
        "tutor_engagement": ratio(sums["engagement"], sums["engagement_known"]),
        **{f"tutor_engagement_effect_{days}": surplus.effect(view, days) for days in (90, 720)},
        "tutor_objectives": ratio(sums["objectives_met"], sums["objectives_known"]),
    }


def _subject(asked: Asked) -> dict[str, Floats]:
    poor, rating, engagement = poor_ratings(asked), rating_surplus(asked), engagement_surplus(asked)
    rated, engaged_in = (asked.view(facts, "tutor_subject_id") for facts in (poor.facts, engagement.facts))
    return {
        "tutor_subject_ratings": rated.count().astype(np.float64),
        "tutor_subject_poor_effect": poor.effect(rated, 720),
        "tutor_subject_rating_effect": rating.effect(rated, 720),
        "tutor_subject_engagement_effect": engagement.effect(engaged_in, 720),
    }
