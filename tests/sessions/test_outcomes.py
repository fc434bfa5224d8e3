"""Every row gets one outcome, and the database holds exactly what the outcome says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.sessions.models import Clock, FactRevision, RejectedRow, Student, TutorEvent, TutoringSession
from apps.tutors.models import StaleTutor, Subject, Tutor
from tests.factories import PartnerFactory
from tests.sessions.partner_rows import (
    NOW,
    at,
    facts_of,
    held_row,
    move_row,
    outcomes,
    rating_row,
    refusals,
    send,
    session_row,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner():
    return PartnerFactory()


def test_new_row_is_created_with_stubs_and_subject(partner):
    assert outcomes(send(partner, "sessions", session_row(subject="algebra"))) == ["created"]
    session = TutoringSession.objects.get()
    assert (session.partner, session.external_id, session.occurrence, session.is_latest) == (partner, "x1", 0, True)
    assert (session.status, session.duration_minutes, session.clock) == ("scheduled", 60, Clock.PARTNER)
    assert session.first_known_at == session.recorded_at == at("2026-03-01T10:00:00Z")
    assert Tutor.objects.get().is_stub
    assert Student.objects.get().is_stub
    assert Subject.objects.get().name == session.subject.name == "algebra"


def test_same_row_again_is_unchanged_and_marks_nobody(partner):
    send(partner, "sessions", session_row())
    before = facts_of(partner)
    StaleTutor.objects.all().delete()
    assert outcomes(send(partner, "sessions", session_row())) == ["unchanged"]
    assert facts_of(partner) == before
    assert not StaleTutor.objects.exists()


def test_same_content_at_a_later_time_is_unchanged(partner):
    send(partner, "sessions", held_row())
    assert outcomes(send(partner, "sessions", held_row(recorded_at="2026-03-06T12:00:00Z"))) == ["unchanged"]
    assert TutoringSession.objects.get().recorded_at == at("2026-03-05T12:00:00Z")


def test_outcome_of_a_scheduled_session_is_an_update_without_revision(partner):
    send(partner, "sessions", session_row(booked_at="2026-02-20T10:00:00Z"))
    assert outcomes(send(partner, "sessions", held_row(engagement=70))) == ["updated"]
    session = TutoringSession.objects.get()
    assert (session.status, session.engagement) == ("completed", 70.0)
    assert session.recorded_at == at("2026-03-05T12:00:00Z")
    assert session.first_known_at == at("2026-02-20T10:00:00Z")
    assert not FactRevision.objects.exists()


def test_corrected_outcome_keeps_the_former_state(partner):
    send(partner, "sessions", held_row())
    corrected = held_row(status="no_show_tutor", recorded_at="2026-03-07T09:00:00Z")
    assert outcomes(send(partner, "sessions", corrected)) == ["updated"]
    session = TutoringSession.objects.get()
    kept = FactRevision.objects.get()
    assert session.status == "no_show_tutor"
    assert (kept.entity, kept.fact_id, kept.state["status"]) == ("sessions", session.pk, "completed")
    assert (kept.recorded_at, kept.superseded_at) == (at("2026-03-05T12:00:00Z"), at("2026-03-07T09:00:00Z"))


def test_completed_detail_added_later_keeps_when_the_outcome_was_known(partner):
    send(partner, "sessions", held_row())
    send(partner, "sessions", held_row(engagement=70, recorded_at="2026-03-06T09:00:00Z"))
    kept = FactRevision.objects.get()
    assert (kept.state["status"], kept.state["engagement"]) == ("completed", None)
    assert kept.recorded_at == at("2026-03-05T12:00:00Z")


def test_equal_time_with_other_content_is_a_conflict_and_changes_nothing(partner):
    send(partner, "sessions", held_row())
    before = facts_of(partner)
    (result,) = send(partner, "sessions", held_row(status="cancelled"))
    assert (result.outcome, result.code) == ("conflict", "conflict")
    assert facts_of(partner) == before
    assert RejectedRow.objects.get().code == "conflict"


def test_older_row_goes_to_history(partner):
    send(partner, "sessions", held_row(engagement=70))
    older = held_row(engagement=50, recorded_at="2026-03-05T11:30:00Z")
    assert outcomes(send(partner, "sessions", older)) == ["stale"]
    assert TutoringSession.objects.get().engagement == 70
    kept = FactRevision.objects.get()
    assert kept.state["engagement"] == 50
    assert (kept.recorded_at, kept.superseded_at) == (at("2026-03-05T11:30:00Z"), at("2026-03-05T12:00:00Z"))
    assert outcomes(send(partner, "sessions", older)) == ["unchanged"]


def test_late_row_splits_the_interval_it_falls_into(partner):
    send(partner, "sessions", held_row(engagement=10))
    send(partner, "sessions", held_row(engagement=30, recorded_at="2026-03-08T00:00:00Z"))
    send(partner, "sessions", held_row(engagement=20, recorded_at="2026-03-07T00:00:00Z"))
    kept = FactRevision.objects.order_by("recorded_at")
    assert [(row.state["engagement"], row.recorded_at.day, row.superseded_at.day) for row in kept] == [
        (10, 5, 7),
        (20, 7, 8),
    ]


def test_late_conflicting_version_of_the_past_is_a_conflict(partner):
    send(partner, "sessions", held_row(engagement=10))
    send(partner, "sessions", held_row(engagement=30, recorded_at="2026-03-08T00:00:00Z"))
    before = facts_of(partner)
    assert outcomes(send(partner, "sessions", held_row(engagement=11))) == ["conflict"]
    assert facts_of(partner) == before


def test_late_booking_of_a_known_outcome_only_moves_when_it_was_first_known(partner):
    send(partner, "sessions", held_row())
    assert TutoringSession.objects.get().first_known_at == at("2026-03-05T12:00:00Z")
    assert outcomes(send(partner, "sessions", session_row())) == ["stale"]
    assert TutoringSession.objects.get().first_known_at == at("2026-03-01T10:00:00Z")
    assert not FactRevision.objects.exists()
    assert outcomes(send(partner, "sessions", session_row())) == ["unchanged"]


def test_absent_field_stays_and_empty_field_is_cleared(partner):
    send(partner, "sessions", held_row(engagement=70, subject="algebra", duration_minutes=90))
    send(partner, "sessions", held_row(recorded_at="2026-03-06T00:00:00Z", technical_issue="true"))
    session = TutoringSession.objects.get()
    assert (session.engagement, session.subject.name, session.duration_minutes) == (70, "algebra", 90)
    cleared = {"engagement": None, "subject": "", "duration_minutes": None}
    send(partner, "sessions", held_row(recorded_at="2026-03-07T00:00:00Z", **cleared))
    session = TutoringSession.objects.get()
    assert (session.engagement, session.subject, session.duration_minutes) == (None, None, 60)
    assert session.technical_issue is True


def test_versions_in_one_batch_are_applied_oldest_first(partner):
    newest = held_row(status="no_show_student", recorded_at="2026-03-06T00:00:00Z")
    assert outcomes(send(partner, "sessions", newest, session_row(), held_row())) == ["updated", "created", "updated"]
    assert TutoringSession.objects.get().status == "no_show_student"
    assert FactRevision.objects.get().state["status"] == "completed"


def test_row_without_recorded_at_counts_as_known_from_now(partner):
    send(partner, "sessions", held_row(recorded_at=None))
    session = TutoringSession.objects.get()
    assert (session.recorded_at, session.clock) == (NOW, Clock.ARRIVAL)


@pytest.mark.parametrize(
    ("row", "known_at"),
    [
        (held_row(recorded_at=""), "2026-03-05T12:00:00Z"),
        (held_row(recorded_at="", duration_minutes=30), "2026-03-05T11:30:00Z"),
        (session_row(recorded_at="", booked_at="2026-03-01T00:00:00Z"), "2026-03-01T00:00:00Z"),
        (held_row(recorded_at="", scheduled_start="2026-03-10T10:30:00Z"), "2026-03-10T12:00:00Z"),
    ],
    ids=["end + 1 h", "shorter session", "open: booked_at", "never ahead of now"],
)
def test_event_clock_is_assumed_and_said_so(partner, row, known_at):
    send(partner, "sessions", row, assume_recorded_at="event")
    session = TutoringSession.objects.get()
    assert (session.recorded_at, session.clock) == (at(known_at), Clock.EVENT)


def test_recorded_at_may_be_five_minutes_ahead_but_no_more(partner):
    soon, late = NOW + timedelta(minutes=5), NOW + timedelta(minutes=5, seconds=1)
    results = send(
        partner,
        "sessions",
        session_row(recorded_at=soon.isoformat()),
        session_row(external_id="x2", recorded_at=late.isoformat()),
    )
    assert refusals(results) == [(2, "recorded_at", "future")]
    assert TutoringSession.objects.get().external_id == "x1"


def test_profile_completes_a_stub_and_keeps_no_revision_of_it(partner):
    send(partner, "sessions", session_row())
    profile = {
        "external_id": "t1",
        "name": "Ada",
        "subjects": "algebra; physics",
        "recorded_at": "2026-01-01T00:00:00Z",
    }
    assert outcomes(send(partner, "tutors", profile)) == ["created"]
    tutor = Tutor.objects.get()
    assert (tutor.name, tutor.subjects, tutor.is_stub, tutor.timezone) == ("Ada", ["algebra", "physics"], False, "UTC")
    assert set(Subject.objects.values_list("name", flat=True)) == {"algebra", "physics"}
    assert not FactRevision.objects.exists()


def test_end_before_a_beginning_known_from_an_earlier_row_is_rejected(partner):
    send(partner, "sessions", held_row(actual_start="2026-03-05T10:05:00Z"))
    early = held_row(actual_end="2026-03-05T09:00:00Z", recorded_at="2026-03-06T00:00:00Z")
    (result,) = send(partner, "sessions", early)
    assert (result.outcome, result.code) == ("rejected", "inconsistent")
    assert TutoringSession.objects.get().actual_end is None


def test_age_becomes_a_birth_year_as_of_when_it_was_known(partner):
    send(partner, "students", {"external_id": "s1", "age": "14", "recorded_at": "2020-06-01T00:00:00Z"})
    assert Student.objects.get().birth_year == 2006


def test_facts_about_unknown_sessions_and_tutors_are_rejected(partner):
    other = PartnerFactory()
    send(other, "sessions", session_row())
    assert refusals(send(partner, "feedback", rating_row())) == [(1, "session_id", "unknown_session")]
    assert refusals(send(partner, "reschedules", move_row())) == [(1, "session_id", "unknown_session")]
    event = {"tutor_id": "t1", "kind": "login", "occurred_at": "2026-03-01T10:00:00Z"}
    assert refusals(send(partner, "tutor_events", event)) == [(1, "tutor_id", "unknown_tutor")]
    assert not TutorEvent.objects.exists()


def test_feedback_has_one_row_per_author(partner):
    send(partner, "sessions", held_row())
    results = send(partner, "feedback", rating_row(), rating_row(author="tutor", rating="5"), rating_row(rating=2))
    assert outcomes(results) == ["created", "created", "conflict"]


def test_two_partners_may_use_the_same_ids(partner):
    other = PartnerFactory()
    send(partner, "sessions", held_row())
    before = facts_of(partner)
    send(other, "sessions", held_row(status="cancelled", recorded_at="2026-03-06T00:00:00Z"))
    assert facts_of(partner) == before
    assert TutoringSession.objects.of_partner(other).get().tutor.partner == other


def test_only_tutors_of_changed_rows_are_marked_once_a_batch(partner):
    send(partner, "sessions", session_row(), session_row(external_id="x2", tutor_id="t2"))
    StaleTutor.objects.all().delete()
    send(partner, "sessions", held_row(), session_row(external_id="x2", tutor_id="t2"), held_row(external_id="x3"))
    assert [(mark.tutor.external_id, mark.reason) for mark in StaleTutor.objects.all()] == [("t1", "sessions")]


def test_session_that_changes_hands_marks_both_tutors(partner):
    send(partner, "sessions", session_row())
    StaleTutor.objects.all().delete()
    send(partner, "sessions", session_row(tutor_id="t2", recorded_at="2026-03-02T00:00:00Z"))
    assert set(StaleTutor.objects.values_list("tutor__external_id", flat=True)) == {"t1", "t2"}


def test_feedback_and_moves_mark_the_tutor_of_the_session(partner):
    send(partner, "sessions", held_row())
    for entity, row in (("feedback", rating_row()), ("reschedules", move_row())):
        StaleTutor.objects.all().delete()
        send(partner, entity, row)
        assert [mark.tutor.external_id for mark in StaleTutor.objects.all()] == ["t1"]
