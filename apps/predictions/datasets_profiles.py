"""Profiles of tutors and students for the frames: few rows with text, read by plain queries.

A profile is the present one, ``known_from`` the moment it was stated (or reached us, where the partner states none):
whoever learns from a column of it decides by that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from django.db.models import F
from django.db.models.functions import Coalesce

from apps.predictions.ml.frames import COLUMNS, NEVER
from apps.predictions.moments import to_microseconds
from apps.sessions.models import Student
from apps.tutors.models import Subject, Tutor

_TUTOR_COLUMNS = (
    "timezone",
    "experience_years",
    "teaching_style",
    "preferred_pace",
    "communication_style",
    "confidence_level",
    "preferred_student_level",
    "weekly_capacity",
)
_STUDENT_COLUMNS = (
    "timezone",
    "birth_year",
    "preferred_pace",
    "preferred_teaching_style",
    "urgency_level",
    "previous_satisfaction",
)


def tutor_profiles(*, partner_ids: Sequence[int], tutor_ids: Sequence[int] | None) -> pd.DataFrame:
    """``COLUMNS["tutors"]``, ordered by id."""
    tutors = Tutor.objects.filter(partner_id__in=partner_ids)
    if tutor_ids is not None:
        tutors = tutors.filter(id__in=tutor_ids)
    subjects = {
        (partner_id, name): subject_id
        for subject_id, partner_id, name in Subject.objects.filter(partner_id__in=partner_ids).values_list(
            "id", "partner_id", "name"
        )
    }
    rows = tutors.order_by("id").values_list(
        "id", "partner_id", "onboarded_at", "subjects", "certified_subjects",
        Coalesce("recorded_at", "created_at"), *_TUTOR_COLUMNS,
    )  # fmt: skip

    def ids(partner_id: int, names: Iterable[str]) -> tuple[int, ...]:
        return tuple(subjects[partner_id, name] for name in names if (partner_id, name) in subjects)

    return _table(
        "tutors",
        [
            {
                "tutor_id": tutor_id,
                "onboarded_at": NEVER if onboarded_at is None else to_microseconds(onboarded_at),
                "subject_ids": ids(partner_id, taught),
                "certified_subject_ids": ids(partner_id, certified),
                "known_from": to_microseconds(known_from),
                **dict(zip(_TUTOR_COLUMNS, answers, strict=True)),
            }
            for tutor_id, partner_id, onboarded_at, taught, certified, known_from, *answers in rows
        ],
    )


def student_profiles(*, partner_ids: Sequence[int], student_ids: Sequence[int] | None) -> pd.DataFrame:
    """``COLUMNS["students"]``, ordered by id."""
    students = Student.objects.filter(partner_id__in=partner_ids)
    if student_ids is not None:
        students = students.filter(id__in=student_ids)
    rows = (
        students.order_by("id")
        .annotate(
            student_id=F("id"),
            communication_style=F("communication_style_preference"),
            tutoring_experience=F("previous_tutoring_experience"),
            known=Coalesce("recorded_at", "created_at"),
        )
        .values("student_id", "communication_style", "tutoring_experience", "known", *_STUDENT_COLUMNS)
    )
    return _table("students", [row | {"known_from": to_microseconds(row["known"])} for row in rows])


def _table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as typed columns; a missing number becomes NaN."""
    kinds = COLUMNS[name]
    return pd.DataFrame(
        {column: pd.Series([row[column] for row in rows], dtype=kind) for column, kind in kinds.items()}
    )
