"""Moves in both forms: as a replacement that names the former session, and as another start under one id."""

from __future__ import annotations

import pytest

from apps.sessions.models import FactRevision, Feedback, Initiator, Reschedule, TutoringSession
from tests.factories import PartnerFactory
from tests.sessions.partner_rows import (
    START,
    at,
    facts_of,
    held_row,
    move_row,
    outcomes,
    rating_row,
    send,
    session_row,
)

pytestmark = pytest.mark.django_db

NEW_START = "2026-03-07T15:00:00Z"
MOVED_AT = "2026-03-02T10:00:00Z"


@pytest.fixture
def partner():
    return PartnerFactory()


def moved_row(**changes):
    return session_row(scheduled_start=NEW_START, recorded_at=MOVED_AT) | changes


def occurrences():
    return list(TutoringSession.objects.order_by("occurrence"))


def test_replacement_names_the_session_it_replaces(partner):
    send(partner, "sessions", session_row())
    ended = session_row(status="rescheduled", recorded_at=MOVED_AT)
    replacement = session_row(external_id="x2", scheduled_start=NEW_START, replaces_session_id="x1")
    assert outcomes(send(partner, "sessions", ended, replacement)) == ["updated", "created"]
    assert TutoringSession.objects.get(external_id="x1").status == "rescheduled"
    assert TutoringSession.objects.get(external_id="x2").replaces_external_id == "x1"
    assert not Reschedule.objects.exists()


def test_other_start_under_one_id_ends_one_occurrence_and_begins_the_next(partner):
    send(partner, "sessions", session_row(booked_at="2026-02-20T10:00:00Z", subject="algebra"))
    moved = moved_row(booked_at="2026-02-20T10:00:00Z")
    assert outcomes(send(partner, "sessions", moved)) == ["updated"]
    former, standing = occurrences()
    assert (former.scheduled_start, former.status, former.is_latest) == (at(START), "rescheduled", False)
    assert (standing.scheduled_start, standing.status, standing.is_latest) == (at(NEW_START), "scheduled", True)
    assert former.recorded_at == standing.first_known_at == standing.booked_at == at(MOVED_AT)
    assert former.first_known_at == at("2026-02-20T10:00:00Z")
    assert standing.subject.name == "algebra"
    move = Reschedule.objects.get()
    assert (move.session, move.initiator, move.is_derived) == (former, Initiator.UNKNOWN, True)
    assert (move.requested_at, move.original_start, move.new_start) == (at(MOVED_AT), at(START), at(NEW_START))
    assert outcomes(send(partner, "sessions", moved)) == ["unchanged"]


def test_both_rows_in_one_batch_and_again(partner):
    rows = (moved_row(), session_row())
    assert outcomes(send(partner, "sessions", *rows)) == ["updated", "created"]
    before = facts_of(partner)
    assert outcomes(send(partner, "sessions", *rows)) == ["unchanged", "unchanged"]
    assert facts_of(partner) == before


def test_move_understood_from_rows_in_either_order(partner):
    other = PartnerFactory()
    send(partner, "sessions", session_row())
    send(partner, "sessions", moved_row())
    assert outcomes(send(other, "sessions", moved_row())) == ["created"]
    assert outcomes(send(other, "sessions", session_row())) == ["updated"]
    assert facts_of(partner) == facts_of(other)


def test_moved_and_moved_back_is_three_occurrences(partner):
    back = session_row(recorded_at="2026-03-03T10:00:00Z")
    send(partner, "sessions", session_row(), moved_row(), back)
    assert [(row.scheduled_start, row.status) for row in occurrences()] == [
        (at(START), "rescheduled"),
        (at(NEW_START), "rescheduled"),
        (at(START), "scheduled"),
    ]
    assert Reschedule.objects.count() == 2


def test_reschedule_row_takes_the_place_of_the_derived_one(partner):
    send(partner, "sessions", session_row(), moved_row())
    row = move_row(original_start=START, new_start=NEW_START, reason_code="health", recorded_at="2026-03-04T00:00:00Z")
    assert outcomes(send(partner, "reschedules", row)) == ["created"]
    move = Reschedule.objects.get()
    assert (move.session.occurrence, move.initiator, move.is_derived) == (0, "tutor", False)
    assert (move.requested_at, move.reason_code) == (at("2026-03-02T09:00:00Z"), "health")
    kept = FactRevision.objects.get()
    assert (kept.entity, kept.fact_id, kept.state["initiator"]) == ("reschedules", move.pk, "unknown")
    assert (kept.recorded_at, kept.superseded_at) == (at(MOVED_AT), at("2026-03-04T00:00:00Z"))
    assert outcomes(send(partner, "reschedules", row)) == ["unchanged"]
    assert outcomes(send(partner, "sessions", session_row(), moved_row())) == ["unchanged", "unchanged"]
    assert Reschedule.objects.count() == 1


def test_no_move_is_derived_where_a_reschedule_row_came_first(partner):
    send(partner, "sessions", session_row())
    send(partner, "reschedules", move_row(original_start=START, new_start=NEW_START))
    send(partner, "sessions", moved_row())
    assert [(move.session.occurrence, move.initiator) for move in Reschedule.objects.all()] == [(0, "tutor")]


def test_request_that_named_a_start_not_yet_known_follows_it(partner):
    send(partner, "sessions", moved_row())
    send(partner, "reschedules", move_row(original_start=START, new_start=NEW_START))
    send(partner, "sessions", session_row())
    assert [(move.session.occurrence, move.initiator) for move in Reschedule.objects.all()] == [(0, "tutor")]


def test_former_occurrence_that_was_cancelled_stays_cancelled(partner):
    send(partner, "sessions", session_row(status="cancelled"), moved_row())
    former, standing = occurrences()
    assert (former.status, former.recorded_at) == ("cancelled", at("2026-03-01T10:00:00Z"))
    assert standing.status == "scheduled"


def test_outcome_replaced_by_a_move_stays_in_history(partner):
    send(partner, "sessions", held_row())
    send(partner, "sessions", moved_row(status="completed", recorded_at="2026-03-08T00:00:00Z"))
    kept = FactRevision.objects.get()
    assert (kept.fact_id, kept.state["status"]) == (occurrences()[0].pk, "completed")


def test_facts_belong_to_the_occurrence_that_stood_at_their_time(partner):
    send(
        partner,
        "sessions",
        session_row(),
        moved_row(),
        moved_row(status="completed", recorded_at="2026-03-07T17:00:00Z"),
    )
    send(partner, "feedback", rating_row(submitted_at="2026-03-07T18:00:00Z", recorded_at="2026-03-07T18:00:00Z"))
    send(partner, "reschedules", move_row(requested_at=MOVED_AT))
    send(partner, "reschedules", move_row(requested_at="2026-03-06T10:00:00Z", recorded_at="2026-03-06T10:00:00Z"))
    assert Feedback.objects.get().session.occurrence == 1
    assert [
        (move.requested_at.day, move.session.occurrence) for move in Reschedule.objects.order_by("requested_at")
    ] == [
        (2, 0),
        (6, 1),
    ]


def test_late_row_about_a_former_start_is_history_of_that_occurrence(partner):
    send(partner, "sessions", session_row(), moved_row())
    before = occurrences()
    late = session_row(duration_minutes=90, recorded_at="2026-03-01T12:00:00Z")
    assert outcomes(send(partner, "sessions", late)) == ["stale"]
    assert FactRevision.objects.get().fact_id == before[0].pk
    assert [(row.pk, row.duration_minutes) for row in occurrences()] == [(row.pk, 60) for row in before]
