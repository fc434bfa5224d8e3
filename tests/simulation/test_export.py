"""An export is what a partner's system would hold: valid, consistent, a little untidy, and silent about the future."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from tests.simulation.conftest import Export
from tutorscore.simulation import World, write_export
from tutorscore.simulation.clock import DAY

COLUMNS = {
    "tutors": "external_id name email timezone locale subjects certified_subjects onboarded_at left_at age "
    "experience_years teaching_style preferred_pace communication_style confidence_level preferred_student_level "
    "weekly_capacity recorded_at",
    "students": "external_id name birth_year timezone locale preferred_pace preferred_teaching_style "
    "communication_style_preference urgency_level learning_goals previous_tutoring_experience previous_satisfaction "
    "contact_email guardian_email contact_consent_at recorded_at",
    "sessions": "external_id tutor_id student_id scheduled_start status duration_minutes subject booked_at "
    "replaces_session_id actual_start actual_end tutor_joined_at student_joined_at technical_issue objectives_met "
    "engagement recorded_at",
    "reschedules": "session_id initiator requested_at original_start new_start reason_code reason recorded_at",
    "feedback": "session_id rating submitted_at author comment would_book_again recorded_at",
    "tutor_events": "tutor_id kind occurred_at value recorded_at",
}
STATUSES = {"scheduled", "completed", "rescheduled", "cancelled", "no_show_tutor", "no_show_student"}
REASONS = {
    "personal", "scheduling", "family", "technical", "health", "work", "transportation", "childcare", "weather",
    "student_request", "other",
}  # fmt: skip
KEYS = {
    "tutors": ["external_id"],
    "students": ["external_id"],
    "sessions": ["external_id"],
    "reschedules": ["session_id", "requested_at"],
    "feedback": ["session_id", "author"],
    "tutor_events": ["tutor_id", "kind", "occurred_at"],
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_are_those_of_the_import_format(export: Export, kind: str) -> None:
    assert list(export.tables[kind].columns) == COLUMNS[kind].split()


@pytest.mark.parametrize("kind", COLUMNS)
def test_moments_carry_an_offset_and_recorded_ones_are_past(world: World, export: Export, kind: str) -> None:
    table = export.tables[kind]
    for name in table.columns[table.columns.str.endswith(("_at", "_start", "_end"))]:
        assert table[name].map(lambda text: text == "" or MOMENT.fullmatch(text) is not None).all(), name
    recorded = pd.to_datetime(table["recorded_at"], utc=True)
    assert recorded.max() <= pd.Timestamp(world.now, unit="s", tz="UTC")


def test_vocabularies(export: Export) -> None:
    sessions, students = export.tables["sessions"], export.tables["students"]
    assert set(sessions["status"]) == STATUSES
    assert set(export.tables["reschedules"]["initiator"]) == {"tutor", "student"}
    assert set(export.tables["reschedules"]["reason_code"]) <= REASONS
    assert set(export.tables["feedback"]["rating"]) == set("12345")
    assert set(export.tables["tutor_events"]["kind"]) == {
        "login", "message_response", "training_completed", "leave_start", "leave_end",
    }  # fmt: skip
    for name in ("preferred_pace", "communication_style_preference", "urgency_level", "previous_satisfaction"):
        assert set(students[name]) == {"", *"12345"}
    for zone in set(students["timezone"]) | set(export.tables["tutors"]["timezone"]):
        assert ZoneInfo(zone).key == zone
    assert sessions["subject"].nunique() == 16


@pytest.mark.parametrize("kind", KEYS)
def test_a_few_rows_come_twice_word_for_word(export: Export, kind: str) -> None:
    table = export.tables[kind]
    again = table.duplicated(KEYS[kind])
    if kind != "sessions":
        assert table.duplicated().equals(again)
    if kind in ("sessions", "feedback", "tutor_events"):
        assert 0.001 < again.mean() < 0.01


def test_a_few_sessions_come_again_in_their_older_state(export: Export) -> None:
    sessions = export.tables["sessions"]
    older = sessions.groupby("external_id")["recorded_at"].nunique() == 2
    assert 0.0005 < older.mean() < 0.004
    states = sessions[sessions["external_id"].isin(older.index[older])].sort_values("recorded_at")
    assert (states.groupby("external_id")["status"].first() == "scheduled").all()
    assert (states.groupby("external_id")["status"].last() != "scheduled").all()


def test_rows_name_only_what_the_export_holds(export: Export) -> None:
    sessions = export.sessions
    assert set(sessions["tutor_id"]) <= set(export.tables["tutors"]["external_id"])
    assert set(sessions["student_id"]) <= set(export.tables["students"]["external_id"])
    rated = sessions.loc[export.tables["feedback"]["session_id"], "status"]
    assert set(rated) <= {"completed", "scheduled"}
    assert (rated == "scheduled").mean() < 0.002  # their outcome comes late
    assert set(sessions["replaces_session_id"]) - {""} <= set(sessions.index)


def test_moves_end_a_session_and_start_another(export: Export) -> None:
    sessions, moves = export.sessions, export.newest("reschedules", ["session_id"])
    moved = sessions[sessions["status"].isin(["rescheduled", "cancelled"])]
    assert set(moved.index) == set(moves.index)
    assert (moved["scheduled_start"] == pd.to_datetime(moves["original_start"], utc=True)).all()
    assert ((moves["new_start"] == "") == (moved["status"] == "cancelled")).all()
    replacing = sessions[sessions["replaces_session_id"] != ""]
    former = moves.loc[replacing["replaces_session_id"]]
    assert (replacing["scheduled_start"].to_numpy() == pd.to_datetime(former["new_start"]).to_numpy()).all()
    assert (replacing["booked_at"] > pd.to_datetime(former["requested_at"].to_numpy())).all()
    assert (replacing["status"] == "rescheduled").any()
    requested = pd.to_datetime(moves["requested_at"], utc=True)
    assert ((requested > moved["booked_at"]) & (requested < moved["scheduled_start"])).all()


def test_answers_are_missing_and_rows_are_late(export: Export) -> None:
    sessions = export.sessions
    held = sessions[sessions["status"] == "completed"]
    assert 0.05 < (held["engagement"] == "").mean() < 0.2
    assert 0.15 < (held["objectives_met"] == "").mean() < 0.35
    assert (held["tutor_joined_at"] == "").any()
    assert (export.tables["students"]["preferred_pace"] == "").any()
    delay = held["recorded_at"] - held["scheduled_start"]
    assert 0.005 < (delay > pd.Timedelta(hours=6)).mean() < 0.04
    assert delay.max() < pd.Timedelta(days=11)


def test_sessions_lie_in_daytime_of_the_student(export: Export) -> None:
    sessions, students = export.sessions, export.newest("students", ["external_id"])
    zone = students["timezone"].reindex(sessions["student_id"])
    for name in set(zone):
        local = sessions["scheduled_start"][(zone == name).to_numpy()].dt.tz_convert(name)
        assert local.dt.hour.between(8, 21).all(), name
        assert set(local.dt.minute) <= {0, 30}


def test_nothing_that_lies_ahead_is_told(world: World, tmp_path: Path) -> None:
    until = datetime.fromtimestamp(world.now - 90 * DAY, tz=UTC)
    write_export(world, tmp_path, until)
    then = Export.read(tmp_path)
    for kind in COLUMNS:
        assert pd.to_datetime(then.tables[kind]["recorded_at"], utc=True).max() <= pd.Timestamp(until)
    sessions = then.sessions
    ahead = sessions["scheduled_start"] > until
    assert set(sessions["status"][ahead]) == {"scheduled", "rescheduled", "cancelled"}
    assert (sessions["status"][ahead] == "scheduled").mean() > 0.5
    left = then.newest("tutors", ["external_id"])["left_at"]
    assert pd.to_datetime(left[left != ""], utc=True).max() <= pd.Timestamp(until)
    assert set(then.truth.index) == set(sessions.index)


def test_truth_is_made_of_probabilities(export: Export) -> None:
    values = export.truth.to_numpy()
    assert list(export.truth.columns) == [
        "p_reschedule_24h", "p_reschedule_72h", "p_reschedule_7d", "p_no_show_tutor", "p_no_show_student",
        "p_poor_first_session", "p_pair_churn",
    ]  # fmt: skip
    assert ((values >= 0) & (values < 1) | np.isnan(values)).all()
    assert not np.isnan(values[:, :5]).any()
    assert (export.truth["p_reschedule_24h"] <= export.truth["p_reschedule_7d"] + 1e-9).all()
    assert set(export.truth.index) == set(export.sessions.index)
