"""What a value must look like, the same for files and JSON."""

from __future__ import annotations

import pytest

from apps.sessions.ingest.entities import ENTITIES
from apps.sessions.ingest.results import Refusal
from apps.sessions.ingest.rows import RowValidator
from apps.sessions.models import Entity
from tests.sessions.partner_rows import NOW, at, held_row, move_row, rating_row, session_row

TUTOR = {"external_id": "t1", "name": "Ada"}
STUDENT = {"external_id": "s1"}
EVENT = {"tutor_id": "t1", "kind": "message_response", "occurred_at": "2026-03-01T10:00:00Z"}
VALID = {
    "tutors": TUTOR,
    "students": STUDENT,
    "sessions": session_row(),
    "reschedules": move_row(),
    "feedback": rating_row(),
    "tutor_events": EVENT,
}


def check(entity, row):
    return RowValidator(ENTITIES[Entity(entity)], now=NOW).check(1, row)


@pytest.mark.parametrize(
    ("entity", "field", "value", "code"),
    [
        ("sessions", "external_id", "x" * 65, "too_long"),
        ("sessions", "external_id", "x" * 300, "too_long"),
        ("sessions", "external_id", "a/b", "bad_id"),
        ("sessions", "external_id", "a\0b", "control_character"),
        ("sessions", "external_id", "a\nb", "control_character"),
        ("sessions", "external_id", "a\ud800", "control_character"),
        ("sessions", "external_id", 12, "not_text"),
        ("sessions", "external_id", {"a": 1}, "not_text"),
        ("sessions", "tutor_id", None, "required"),
        ("sessions", "student_id", "", "required"),
        ("sessions", "status", "exploded", "unknown_value"),
        ("sessions", "status", "Completed", "unknown_value"),
        ("sessions", "status", ["completed"], "unknown_value"),
        ("sessions", "scheduled_start", "2026-03-05T10:00:00", "naive_time"),
        ("sessions", "scheduled_start", "2026-03-05", "naive_time"),
        ("sessions", "scheduled_start", "2026-02-30T10:00:00Z", "bad_time"),
        ("sessions", "scheduled_start", "yesterday", "bad_time"),
        ("sessions", "scheduled_start", "0001-01-01T00:00:00+14:00", "out_of_range"),
        ("sessions", "scheduled_start", "9999-12-31T23:59:59-14:00", "out_of_range"),
        ("sessions", "scheduled_start", 1772704800, "not_text"),
        ("sessions", "duration_minutes", 0, "out_of_range"),
        ("sessions", "duration_minutes", "1441", "out_of_range"),
        ("sessions", "duration_minutes", "60.5", "not_a_number"),
        ("sessions", "duration_minutes", 60.5, "not_a_number"),
        ("sessions", "duration_minutes", "1e3", "not_a_number"),
        ("sessions", "duration_minutes", "٦٠", "not_a_number"),
        ("sessions", "duration_minutes", True, "not_a_number"),
        ("sessions", "duration_minutes", 10**400, "not_a_number"),
        ("sessions", "engagement", "NaN", "not_a_number"),
        ("sessions", "engagement", float("nan"), "not_a_number"),
        ("sessions", "engagement", float("inf"), "not_a_number"),
        ("sessions", "engagement", "1_0", "not_a_number"),
        ("sessions", "engagement", 100.1, "out_of_range"),
        ("sessions", "technical_issue", "maybe", "not_a_boolean"),
        ("sessions", "technical_issue", 1, "not_text"),
        ("sessions", "subject", "x" * 65, "too_long"),
        ("tutors", "name", "x" * 201, "too_long"),
        ("tutors", "email", "not an address", "bad_email"),
        ("tutors", "timezone", "Mars/Olympus", "unknown_value"),
        ("tutors", "locale", "english please", "unknown_value"),
        ("tutors", "subjects", "a;" + "x" * 65, "too_long"),
        ("tutors", "subjects", [1], "not_text"),
        ("tutors", "teaching_style", "strict", "unknown_value"),
        ("tutors", "preferred_pace", 6, "out_of_range"),
        ("tutors", "weekly_capacity", -1, "out_of_range"),
        ("students", "birth_year", 2027, "out_of_range"),
        ("students", "age", 400, "out_of_range"),
        ("students", "learning_goals", "x" * 5001, "too_long"),
        ("reschedules", "initiator", "unknown", "unknown_value"),
        ("reschedules", "reason_code", "bored", "unknown_value"),
        ("feedback", "rating", 0, "out_of_range"),
        ("feedback", "rating", "4.5", "not_a_number"),
        ("feedback", "comment", "a\x07b", "control_character"),
        ("tutor_events", "kind", "nap", "unknown_value"),
        ("tutor_events", "value", -1, "out_of_range"),
    ],
)  # fmt: skip
def test_bad_value_is_refused_with_its_code(entity, field, value, code):
    refused = check(entity, VALID[entity] | {field: value})
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert refused.field == field or code == "out_of_range"
    assert refused.message


@pytest.mark.parametrize(
    ("entity", "field", "value", "stored"),
    [
        ("sessions", "external_id", "ünïcode ✓ \\N", "ünïcode ✓ \\N"),
        ("sessions", "scheduled_start", "2026-03-05T10:00:00+05:30", at("2026-03-05T04:30:00Z")),
        ("sessions", "duration_minutes", 60.0, 60),
        ("sessions", "duration_minutes", "45", 45),
        ("sessions", "engagement", "99.5", 99.5),
        ("sessions", "objectives_met", "TRUE", True),
        ("sessions", "objectives_met", "0", False),
        ("sessions", "objectives_met", False, False),
        ("tutors", "subjects", "algebra; physics;algebra;", ["algebra", "physics"]),
        ("tutors", "subjects", ["algebra"], ["algebra"]),
        ("students", "learning_goals", "better\ngrades", "better\ngrades"),
        ("students", "birth_year", "2010", 2010),
        ("feedback", "rating", "5", 5),
    ],
)
def test_good_value_is_taken_as_written(entity, field, value, stored):
    assert check(entity, VALID[entity] | {field: value}).values[field] == stored


@pytest.mark.parametrize("entity", VALID)
def test_every_required_field_is_required(entity):
    for name in ENTITIES[Entity(entity)].required:
        row = {key: value for key, value in VALID[entity].items() if key != name}
        refused = check(entity, row)
        assert (refused.code, refused.field) == ("required", name)


@pytest.mark.parametrize("row", [5, None, "x", [1], True])
def test_row_that_is_no_object_is_refused(row):
    assert check("sessions", row).code == "not_an_object"


@pytest.mark.parametrize(
    ("entity", "changes"),
    [
        ("sessions", {"actual_start": "2026-03-05T10:00:00Z", "actual_end": "2026-03-05T09:59:59Z"}),
        ("tutors", {"onboarded_at": "2026-03-05T10:00:00Z", "left_at": "2026-03-05T09:59:59Z"}),
    ],
)
def test_end_before_its_beginning_is_refused(entity, changes):
    assert check(entity, VALID[entity] | changes).code == "inconsistent"


def test_the_contract_names_every_column():
    names = {entity.value: [field.name for field in spec.fields] for entity, spec in ENTITIES.items()}
    assert {entity: len(columns) for entity, columns in names.items()} == {
        "tutors": 18,
        "students": 17,
        "sessions": 17,
        "reschedules": 8,
        "feedback": 7,
        "tutor_events": 5,
    }
    assert ENTITIES[Entity.SESSION].unknown_names(held_row(zzz=1, zz=2)) == ["zzz", "zz"]
