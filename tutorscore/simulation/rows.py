"""Rows as a partner's export shows them: columns of text in the order of the import format."""

from __future__ import annotations

from typing import Final

import numpy as np

from tutorscore.simulation.clock import Array, iso_text
from tutorscore.simulation.events import KINDS
from tutorscore.simulation.people import MISSING
from tutorscore.simulation.resolution import (
    HELD,
    MOVED_BY_STUDENT,
    MOVED_BY_TUTOR,
    NONE,
    STUDENT_ABSENT,
    TUTOR_ABSENT,
)
from tutorscore.simulation.vocabulary import (
    COMMENTS,
    EXAM_GOAL,
    GOALS,
    MOVE_REASONS,
    STUDENT_LEVELS,
    STYLES,
    SUBJECTS,
    ZONES,
)
from tutorscore.simulation.world import World

Text = dict[str, Array]  # column name -> strings, all of one length

STATUS_BY_END: Final = {
    STUDENT_ABSENT: "no_show_student",
    TUTOR_ABSENT: "no_show_tutor",
    HELD: "completed",
}
_ZONE_NAMES: Final = np.array([zone for zone, _, _ in ZONES])
_LOCALES: Final = np.array([locale for _, locale, _ in ZONES])
_COMMENTS: Final = np.array([COMMENTS[rating] for rating in range(1, 6)])


def session_ids(rows: Array) -> Array:
    return _ids("ses-", rows, 8)


def tutor_ids(rows: Array) -> Array:
    return _ids("tut-", rows, 5)


def student_ids(rows: Array) -> Array:
    return _ids("stu-", rows, 6)


def tutor_rows(world: World, rows: Array, left: Array) -> Text:
    """Profiles; where ``left`` is true as they read after the departure."""
    tutors = {name: values[rows] for name, values in world.setting.tutors.items()}
    ids = tutor_ids(rows)
    departed = tutors["departed_at"]
    return {
        "external_id": ids,
        "name": tutors["name"],
        "email": np.char.add(ids, "@tutors.example"),
        "timezone": _ZONE_NAMES[tutors["zone"]],
        "locale": _LOCALES[tutors["zone"]],
        "subjects": _joined(tutors["taught"]),
        "certified_subjects": _joined(tutors["certified"]),
        "onboarded_at": iso_text(tutors["onboarded_at"]),
        "left_at": np.where(left, iso_text(departed), ""),
        "age": tutors["age"].astype(str),
        "experience_years": tutors["experience_years"].astype(str),
        "teaching_style": np.array(STYLES)[tutors["style"]],
        "preferred_pace": tutors["pace"].astype(str),
        "communication_style": tutors["communication"].astype(str),
        "confidence_level": _answers(tutors["confidence"]),
        "preferred_student_level": np.array(STUDENT_LEVELS)[tutors["level"]],
        "weekly_capacity": tutors["capacity"].astype(str),
        "recorded_at": iso_text(np.where(left, departed, tutors["onboarded_at"])),
    }


def student_rows(world: World, rows: Array) -> Text:
    students = {name: values[rows] for name, values in world.setting.students.items()}
    ids = student_ids(rows)
    joined = iso_text(students["joined_at"])
    year = 1970 + students["joined_at"] // 31_556_952
    goal = np.array(GOALS)[students["goal"]]
    minor = students["age"] < 18
    return {
        "external_id": ids,
        "name": students["name"],
        "birth_year": (year - students["age"]).astype(str),
        "timezone": _ZONE_NAMES[students["zone"]],
        "locale": _LOCALES[students["zone"]],
        "preferred_pace": _answers(students["pace"]),
        "preferred_teaching_style": np.where(students["style"] == MISSING, "", np.array(STYLES)[students["style"]]),
        "communication_style_preference": _answers(students["communication"]),
        "urgency_level": _answers(students["urgency"]),
        "learning_goals": np.where(students["exam"], np.char.add(f"{EXAM_GOAL}; ", goal), goal),
        "previous_tutoring_experience": _answers(students["tutored_before"]),
        "previous_satisfaction": _answers(students["satisfaction"]),
        "contact_email": np.where(students["has_email"] & ~minor, np.char.add(ids, "@students.example"), ""),
        "guardian_email": np.where(students["has_email"] & minor, np.char.add(ids, "@guardians.example"), ""),
        "contact_consent_at": np.where(students["has_email"] & students["consents"], joined, ""),
        "recorded_at": joined,
    }


def session_rows(world: World, rows: Array, ended: Array, mailed: Array) -> Text:
    """Sessions as booked, or as they ended where ``ended``; after a preparation mail where ``mailed``."""
    sessions = {name: values[rows] for name, values in world.sessions.items()}
    pair = sessions["pair"]
    pairs = world.setting.pairs
    held = ended & (sessions["end"] == HELD)
    objectives = np.where(mailed, sessions["objectives_mailed"], sessions["objectives"])
    engagement = np.where(mailed, sessions["engagement_mailed"], sessions["engagement"])
    return {
        "external_id": session_ids(rows),
        "tutor_id": tutor_ids(pairs["tutor"][pair]),
        "student_id": student_ids(pairs["student"][pair]),
        "scheduled_start": iso_text(sessions["start"]),
        "status": np.where(ended, _statuses(sessions["end"], sessions["new_start"]), "scheduled"),
        "duration_minutes": pairs["duration_minutes"][pair].astype(str),
        "subject": np.array(SUBJECTS)[pairs["subject"][pair]],
        "booked_at": iso_text(sessions["booked_at"]),
        "replaces_session_id": np.where(sessions["replaces"] == NONE, "", session_ids(sessions["replaces"])),
        "actual_start": np.where(ended, iso_text(sessions["actual_start"]), ""),
        "actual_end": np.where(ended, iso_text(sessions["actual_end"]), ""),
        "tutor_joined_at": np.where(ended, iso_text(sessions["tutor_joined_at"]), ""),
        "student_joined_at": np.where(ended, iso_text(sessions["student_joined_at"]), ""),
        "technical_issue": np.where(held, _booleans(sessions["technical_issue"]), ""),
        "objectives_met": np.where(held & (objectives != NONE), _booleans(objectives == 1), ""),
        "engagement": np.where(held & (engagement != NONE), engagement.astype(str), ""),
        "recorded_at": iso_text(np.where(ended, sessions["outcome_known_at"], sessions["booked_at"])),
    }


def reschedule_rows(world: World, rows: Array) -> Text:
    sessions = {name: values[rows] for name, values in world.sessions.items()}
    by_student = sessions["end"] == MOVED_BY_STUDENT
    requested = iso_text(sessions["requested_at"])
    return {
        "session_id": session_ids(rows),
        "initiator": np.where(by_student, "student", "tutor"),
        "requested_at": requested,
        "original_start": iso_text(sessions["start"]),
        "new_start": iso_text(sessions["new_start"]),
        "reason_code": np.where(by_student, "student_request", np.array(MOVE_REASONS)[sessions["reason"]]),
        "reason": np.full(len(rows), ""),
        "recorded_at": requested,
    }


def feedback_rows(world: World, rows: Array, by_tutor: Array, mailed: Array) -> Text:
    """Ratings by students, and where ``by_tutor`` those by tutors."""
    sessions = {name: values[rows] for name, values in world.sessions.items()}
    by_student = np.where(mailed, sessions["rating_mailed"], sessions["rating"])
    rating = np.where(by_tutor, sessions["tutor_rating"], by_student)
    again = np.where(sessions["says_again"] == 1, rating >= 4, rating == 5)
    silent = by_tutor | (sessions["comment"] == NONE)
    return {
        "session_id": session_ids(rows),
        "rating": rating.astype(str),
        "submitted_at": iso_text(np.where(by_tutor, sessions["tutor_submitted_at"], sessions["submitted_at"])),
        "author": np.where(by_tutor, "tutor", "student"),
        "comment": np.where(silent, "", _COMMENTS[rating - 1, np.maximum(sessions["comment"], 0)]),
        "would_book_again": np.where(by_tutor | (sessions["says_again"] == NONE), "", _booleans(again)),
        "recorded_at": iso_text(np.where(by_tutor, sessions["tutor_submitted_at"], sessions["feedback_known_at"])),
    }


def event_rows(world: World, rows: Array) -> Text:
    events = {name: values[rows] for name, values in world.events.items()}
    return {
        "tutor_id": tutor_ids(events["tutor"]),
        "kind": np.array(KINDS)[events["kind"]],
        "occurred_at": iso_text(events["occurred_at"]),
        "value": _answers(events["value"]),
        "recorded_at": iso_text(events["known_at"]),
    }


def _statuses(end: Array, new_start: Array) -> Array:
    moved = np.where(new_start == NONE, "cancelled", "rescheduled")
    names = np.array([STATUS_BY_END.get(value, "") for value in range(HELD + 1)])
    return np.where(np.isin(end, (MOVED_BY_TUTOR, MOVED_BY_STUDENT)), moved, names[end])


def _ids(prefix: str, rows: Array, digits: int) -> Array:
    return np.char.add(prefix, np.char.zfill(np.asarray(rows).astype(str), digits))


def _answers(values: Array) -> Array:
    return np.where(values == MISSING, "", values.astype(str))


def _booleans(values: Array) -> Array:
    return np.where(values, "true", "false")


def _joined(subjects: Array) -> Array:
    return np.array([";".join(np.array(SUBJECTS)[row]) for row in subjects])
