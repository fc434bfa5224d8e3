"""Who the tutor is and how the two fit: tenure, profile, training, messages, preferences. Tutor age is never here."""

from __future__ import annotations

import numpy as np

from apps.predictions.ml.asof import Floats, Timeline, View
from apps.predictions.ml.features.asked import Asked, mean_of
from apps.predictions.ml.features.registry import Feature
from apps.predictions.ml.frames import DAY, HOUR, NEVER, EventKind

STYLES = ("structured", "flexible", "interactive", "traditional", "modern")

_PROFILE, _EVENTS = "profiles", "tutor events"

FEATURES = (
    Feature("tutor_tenure", "time since the tutor joined", "days", _PROFILE, "experience", "longer with us"),
    Feature("tutor_experience", "years of teaching before", "years", _PROFILE, "experience", "more experienced"),
    Feature("tutor_confidence", "confidence, as stated", "1 to 5", _PROFILE, "experience", "more confident"),
    Feature("tutor_pace", "preferred pace of the tutor", "1 to 5", _PROFILE, "match"),
    Feature("tutor_communication", "style of the tutor, 1 formal to 5 casual", "1 to 5", _PROFILE, "match"),
    Feature("tutor_style", "teaching style", "style", _PROFILE, "match", kind="category"),
    Feature("tutor_certified", "certified in the subject", "yes/no", _PROFILE, "subject", "certified", "flag"),
    Feature("tutor_lists_subject", "names the subject in the profile", "yes/no", _PROFILE, "subject", "named", "flag"),
    Feature("tutor_days_since_training", "days since the last training", "days", _EVENTS, "experience", "longer ago"),
    Feature("tutor_days_since_login", "days since the last login", "days", _EVENTS, "engagement", "longer ago"),
    Feature("tutor_response", "mean time to answer messages in 90 days", "minutes", _EVENTS, "engagement", "slower"),
    Feature("student_age", "age of the student", "years", _PROFILE, "student_needs", "older"),
    Feature("student_pace", "pace the student asked for", "1 to 5", _PROFILE, "student_needs", "faster"),
    Feature("student_communication", "style the student asked for, 1 formal to 5 casual", "1 to 5", _PROFILE,
            "student_needs", "more casual"),
    Feature("student_urgency", "how urgent it is for the student", "1 to 5", _PROFILE, "student_needs", "more urgent"),
    Feature("student_tutoring_before", "experience with tutoring", "as stated", _PROFILE, "student_needs",
            "more experience"),
    Feature("student_satisfaction_before", "satisfaction with tutoring before", "1 to 5", _PROFILE, "student_needs",
            "was more satisfied"),
    Feature("pace_gap", "difference between the pace asked for and the tutor's", "points", _PROFILE, "match",
            "further apart"),
    Feature("communication_gap", "difference between the style asked for and the tutor's", "points", _PROFILE,
            "match", "further apart"),
    Feature("style_fits", "teaching style is the one asked for", "yes/no", _PROFILE, "match", "fits", "flag"),
)  # fmt: skip


def compute(asked: Asked) -> dict[str, Floats]:
    """The columns of ``FEATURES``."""
    return _tutor(asked) | _events(asked) | _student(asked)


def _tutor(asked: Asked) -> dict[str, Floats]:
    profile = asked.tutor_profile
    joined = profile.times("onboarded_at", int(NEVER))
    style = profile.texts("teaching_style")
    code = np.full(len(asked), np.nan)
    for number, name in enumerate(STYLES):
        code[style == name] = number
    return {
        "tutor_tenure": np.where(joined <= asked.moment, (asked.as_of - joined) / DAY, np.nan),
        "tutor_experience": profile.numbers("experience_years"),
        "tutor_confidence": profile.numbers("confidence_level"),
        "tutor_pace": profile.numbers("preferred_pace"),
        "tutor_communication": profile.numbers("communication_style"),
        "tutor_style": code,
        "tutor_certified": profile.contains("certified_subject_ids", asked.subject),
        "tutor_lists_subject": profile.contains("subject_ids", asked.subject),
    }


def _events(asked: Asked) -> dict[str, Floats]:
    table = asked.history.frames.events
    columns = {name: table[name].to_numpy() for name in ("tutor_id", "kind", "occurred_at", "value", "known_from")}

    def view(kind: EventKind, days: float | None = None) -> tuple[View, np.ndarray]:
        rows = np.flatnonzero(columns["kind"] == kind)
        happened = columns["occurred_at"][rows]
        leave = None if days is None else happened + int(days * DAY)
        enter = np.maximum(happened, columns["known_from"][rows])
        return Timeline(columns["tutor_id"][rows], enter, leave).at(asked.tutor, asked.moment), rows

    training, trained = view(EventKind.TRAINING_COMPLETED)
    login, seen = view(EventKind.LOGIN)
    answer, answered = view(EventKind.MESSAGE_RESPONSE, 90)
    return {
        "tutor_days_since_training": asked.days_since(training, columns["occurred_at"][trained]),
        "tutor_days_since_login": asked.days_since(login, columns["occurred_at"][seen]),
        "tutor_response": mean_of(answer, columns["value"][answered]),
    }


def _student(asked: Asked) -> dict[str, Floats]:
    student, tutor = asked.student_profile, asked.tutor_profile
    year = 1970 + asked.start / (365.2425 * 24 * HOUR)
    wanted, style = student.texts("preferred_teaching_style"), tutor.texts("teaching_style")
    stated = (wanted != "") & (style != "")
    pace, manner = student.numbers("preferred_pace"), student.numbers("communication_style")
    return {
        "student_age": np.floor(year - student.numbers("birth_year")),
        "student_pace": pace,
        "student_communication": manner,
        "student_urgency": student.numbers("urgency_level"),
        "student_tutoring_before": student.numbers("tutoring_experience"),
        "student_satisfaction_before": student.numbers("previous_satisfaction"),
        "pace_gap": np.abs(pace - tutor.numbers("preferred_pace")),
        "communication_gap": np.abs(manner - tutor.numbers("communication_style")),
        "style_fits": np.where(stated, (wanted == style).astype(np.float64), np.nan),
    }
