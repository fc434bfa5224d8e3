"""Frames say exactly what the rows say: both clocks, former states, missing answers."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection

from apps.predictions.datasets import load_frames, tutor_chunks
from apps.predictions.ml.frames import NEVER, EventKind, Initiator, Status
from apps.predictions.models import Exposure
from apps.predictions.moments import to_datetime, to_microseconds
from apps.sessions.models import FactRevision, TutorEvent, TutoringSession
from tests.factories import (
    NOON,
    FeedbackFactory,
    PartnerFactory,
    RescheduleFactory,
    SessionFactory,
    StudentFactory,
    SubjectFactory,
    TutorFactory,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def us(moment):
    return to_microseconds(moment)


def keep_former_state(fact, entity, superseded_at):
    """What ingestion keeps when it replaces a known state: the row as it stood."""
    table = fact._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO tutoring_sessions_factrevision"
            f" (partner_id, entity, fact_id, state, recorded_at, superseded_at)"
            f" SELECT %s, %s, id, to_jsonb(t), recorded_at, %s FROM {table} t WHERE id = %s",
            [fact_partner(fact).id, entity, superseded_at, fact.id],
        )
    return FactRevision.objects.get(entity=entity, fact_id=fact.id, superseded_at=superseded_at)


def fact_partner(fact):
    return fact.partner if isinstance(fact, TutoringSession) else fact.session.partner


def rows(table):
    return table.replace({np.nan: None}).to_dict("records")


def test_moments_are_exact_both_ways():
    moment = NOON + timedelta(microseconds=123457)
    assert to_datetime(to_microseconds(moment)) == moment
    assert to_microseconds(NOON) == int(NOON.timestamp()) * 1_000_000


def test_open_session_is_known_from_its_booking_and_has_no_outcome():
    session = SessionFactory(duration_minutes=45)
    frames = load_frames(partner_ids=[session.partner_id])
    assert rows(frames.sessions) == [
        {
            "session_id": session.id,
            "tutor_id": session.tutor_id,
            "student_id": session.student_id,
            "subject_id": session.subject_id,
            "start": us(NOON),
            "end": us(NOON + 45 * MINUTE),
            "booked_at": us(NOON - timedelta(days=7)),
            "known_at": us(NOON - timedelta(days=7)),
            "replaces_id": 0,
            "tie": 1,
        }
    ]
    assert len(frames.outcomes) == len(frames.moves) == len(frames.ratings) == 0


def test_session_without_booking_time_is_known_from_the_first_record():
    session = SessionFactory(booked_at=None, recorded_at=NOON - HOUR, subject=None)
    only = load_frames(partner_ids=[session.partner_id]).sessions.iloc[0]
    assert (only["booked_at"], only["known_at"], only["subject_id"]) == (NEVER, us(NOON - HOUR), 0)


def test_held_session_carries_lateness_of_the_tutor_and_early_end():
    session = SessionFactory(
        status="completed",
        actual_start=NOON + 9 * MINUTE,
        tutor_joined_at=NOON + 7 * MINUTE,
        actual_end=NOON + 48 * MINUTE,
        engagement=72.5,
        objectives_met=True,
    )
    (outcome,) = rows(load_frames(partner_ids=[session.partner_id]).outcomes)
    assert outcome == {
        "session_id": session.id,
        "status": Status.COMPLETED,
        "known_from": us(NOON + 2 * HOUR),
        "known_to": NEVER,
        "late_seconds": 420.0,
        "early_end_seconds": 720.0,
        "objectives_met": 1.0,
        "engagement": 72.5,
        "technical_issue": None,
    }


@pytest.mark.parametrize(
    ("times", "late", "early"),
    [
        ({"actual_start": NOON + 3 * MINUTE}, 180.0, None),
        ({"actual_start": NOON, "tutor_joined_at": NOON - 4 * MINUTE, "actual_end": NOON + 90 * MINUTE}, 0.0, 0.0),
        ({}, None, None),
    ],
)
def test_lateness_falls_back_to_the_actual_start_and_is_never_negative(times, late, early):
    session = SessionFactory(status="completed", **times)
    (outcome,) = rows(load_frames(partner_ids=[session.partner_id]).outcomes)
    assert (outcome["late_seconds"], outcome["early_end_seconds"]) == (late, early)


def test_corrected_outcome_appears_once_per_form():
    session = SessionFactory(status="no_show_tutor", recorded_at=NOON + HOUR)
    keep_former_state(session, "sessions", NOON + 30 * HOUR)
    TutoringSession.objects.filter(id=session.id).update(
        status="completed", recorded_at=NOON + 30 * HOUR, actual_start=NOON + MINUTE
    )
    outcomes = load_frames(partner_ids=[session.partner_id]).outcomes
    assert outcomes[["status", "known_from", "known_to", "late_seconds"]].replace({np.nan: None}).values.tolist() == [
        [Status.NO_SHOW_TUTOR, us(NOON + HOUR), us(NOON + 30 * HOUR), None],
        [Status.COMPLETED, us(NOON + 30 * HOUR), NEVER, 60.0],
    ]


def test_former_open_state_is_no_outcome():
    session = SessionFactory(recorded_at=NOON - 5 * HOUR)
    keep_former_state(session, "sessions", NOON + HOUR)
    TutoringSession.objects.filter(id=session.id).update(status="completed", recorded_at=NOON + HOUR)
    (outcome,) = rows(load_frames(partner_ids=[session.partner_id]).outcomes)
    assert outcome["known_from"] == us(NOON + HOUR)


def test_known_by_undoes_later_facts_and_later_corrections():
    session = SessionFactory(status="no_show_tutor", recorded_at=NOON + HOUR)
    keep_former_state(session, "sessions", NOON + 30 * HOUR)
    TutoringSession.objects.filter(id=session.id).update(status="completed", recorded_at=NOON + 30 * HOUR)
    FeedbackFactory(session=session, submitted_at=NOON + 31 * HOUR)
    SessionFactory(tutor=session.tutor, scheduled_start=NOON + 400 * HOUR)
    frames = load_frames(partner_ids=[session.partner_id], known_by=NOON + 29 * HOUR)
    assert frames.sessions["session_id"].tolist() == [session.id]
    assert frames.outcomes[["status", "known_to"]].values.tolist() == [[Status.NO_SHOW_TUTOR, NEVER]]
    assert len(frames.ratings) == 0


def test_fact_recorded_exactly_at_the_limit_is_known():
    session = SessionFactory(status="completed")
    assert len(load_frames(partner_ids=[session.partner_id], known_by=session.recorded_at).outcomes) == 1
    before = session.recorded_at - timedelta(microseconds=1)
    assert len(load_frames(partner_ids=[session.partner_id], known_by=before).outcomes) == 0


def test_moves_carry_who_when_and_whither_in_every_form():
    move = RescheduleFactory(initiator="unknown", is_derived=True, new_start=NOON + 48 * HOUR)
    keep_former_state(move, "reschedules", NOON)
    type(move).objects.filter(id=move.id).update(initiator="tutor", is_derived=False, new_start=None, recorded_at=NOON)
    asked = us(NOON - 30 * HOUR)
    assert load_frames(partner_ids=[move.session.partner_id]).moves.values.tolist() == [
        [move.session_id, Initiator.UNKNOWN, asked, us(NOON + 48 * HOUR), asked, us(NOON)],
        [move.session_id, Initiator.TUTOR, asked, NEVER, us(NOON), NEVER],
    ]  # fmt: skip


def test_only_ratings_of_students_count_and_corrections_are_kept():
    said = FeedbackFactory(rating=2)
    FeedbackFactory(session=said.session, author="tutor", rating=5)
    keep_former_state(said, "feedback", NOON + 9 * HOUR)
    type(said).objects.filter(id=said.id).update(rating=4, recorded_at=NOON + 9 * HOUR)
    ratings = load_frames(partner_ids=[said.session.partner_id]).ratings
    assert ratings.values.tolist() == [
        [said.session_id, 2.0, us(NOON + 3 * HOUR), us(NOON + 3 * HOUR), us(NOON + 9 * HOUR)],
        [said.session_id, 4.0, us(NOON + 3 * HOUR), us(NOON + 9 * HOUR), NEVER],
    ]


def test_replacement_names_the_session_it_replaces_in_both_forms():
    named = SessionFactory(status="rescheduled")
    follower = SessionFactory(tutor=named.tutor, replaces_external_id=named.external_id)
    moved = SessionFactory(tutor=named.tutor, external_id="same", is_latest=False, status="rescheduled")
    occurrence = SessionFactory(tutor=named.tutor, external_id="same", occurrence=1, scheduled_start=NOON + HOUR)
    stranger = SessionFactory(replaces_external_id=named.external_id)
    sessions = load_frames(partner_ids=[named.partner_id, stranger.partner_id]).sessions.set_index("session_id")
    assert sessions["replaces_id"].to_dict() == {
        named.id: 0, follower.id: named.id, moved.id: 0, occurrence.id: moved.id, stranger.id: 0,
    }  # fmt: skip


def test_ties_follow_the_bytes_of_the_external_id():
    tutor = TutorFactory()
    order = ["10", "9", "B", "a", "é"]
    made = {name: SessionFactory(tutor=tutor, external_id=name).id for name in reversed(order)}
    sessions = load_frames(partner_ids=[tutor.partner_id]).sessions.set_index("session_id")
    assert sessions["tie"].sort_values().index.tolist() == [made[name] for name in order]


def test_tutor_scope_loads_the_other_sessions_of_students_only_on_request():
    ours, theirs = SessionFactory(), SessionFactory()
    elsewhere = SessionFactory(tutor=theirs.tutor, student=ours.student, partner=ours.partner, subject=None)
    elsewhere.tutor.partner = ours.partner
    elsewhere.tutor.save()
    partner_ids = [ours.partner_id]
    alone = load_frames(partner_ids=partner_ids, tutor_ids=[ours.tutor_id])
    whole = load_frames(partner_ids=partner_ids, tutor_ids=[ours.tutor_id], student_ids=[ours.student_id])
    assert alone.sessions["session_id"].tolist() == [ours.id]
    assert whole.sessions["session_id"].tolist() == [ours.id, elsewhere.id]
    assert whole.tutors["tutor_id"].tolist() == [ours.tutor_id, elsewhere.tutor_id]
    assert whole.students["student_id"].tolist() == [ours.student_id]


def test_no_tutor_is_not_every_tutor():
    session = SessionFactory()
    assert len(load_frames(partner_ids=[session.partner_id], tutor_ids=[]).sessions) == 0


def test_other_partners_stay_out_and_no_partner_is_refused():
    ours, _ = SessionFactory(status="completed"), SessionFactory(status="completed")
    assert load_frames(partner_ids=[ours.partner_id]).outcomes["session_id"].tolist() == [ours.id]
    with pytest.raises(ValueError, match="given none"):
        load_frames(partner_ids=[])


def test_profiles_events_and_exposures():
    partner = PartnerFactory()
    maths = SubjectFactory(partner=partner, name="mathematics")
    physics = SubjectFactory(partner=partner, name="physics")
    tutor = TutorFactory(
        partner=partner,
        subjects=["physics", "mathematics", "unheard"],
        certified_subjects=["mathematics"],
        weekly_capacity=12,
        onboarded_at=None,
    )
    student = StudentFactory(partner=partner, communication_style_preference=4, previous_tutoring_experience=0)
    session = SessionFactory(tutor=tutor, student=student, subject=maths)
    TutorEvent.objects.create(
        tutor=tutor, kind="message_response", occurred_at=NOON, value=12.5, recorded_at=NOON + HOUR
    )
    Exposure.objects.create(tutor=tutor, session=session, kind="mail", reached_at=NOON, source="delivery:1")
    frames = load_frames(partner_ids=[partner.id])
    assert frames.events.values.tolist() == [[tutor.id, EventKind.MESSAGE_RESPONSE, us(NOON), 12.5, us(NOON + HOUR)]]
    assert frames.exposures.values.tolist() == [[tutor.id, session.id, us(NOON)]]
    (profile,) = rows(frames.tutors)
    assert profile["subject_ids"] == (physics.id, maths.id)
    assert profile["certified_subject_ids"] == (maths.id,)
    assert (profile["weekly_capacity"], profile["onboarded_at"]) == (12.0, NEVER)
    assert profile["experience_years"] is None
    assert profile["known_from"] == us(tutor.recorded_at)
    (learner,) = rows(frames.students)
    assert (learner["communication_style"], learner["tutoring_experience"]) == (4.0, 0.0)
    assert learner["birth_year"] is None


def test_profile_without_a_clock_is_known_from_its_arrival():
    tutor = TutorFactory(recorded_at=None)
    assert load_frames(partner_ids=[tutor.partner_id]).tutors["known_from"].tolist() == [us(tutor.created_at)]


def test_chunks_cover_every_tutor_once():
    partner = PartnerFactory()
    ids = [TutorFactory(partner=partner).id for _ in range(5)]
    TutorFactory()
    assert list(tutor_chunks(partner.id, 2)) == [ids[:2], ids[2:4], ids[4:]]


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_all_tables_come_from_one_snapshot():
    session = SessionFactory(status="completed")
    frames = load_frames(partner_ids=[session.partner_id])
    assert frames.outcomes["session_id"].tolist() == [session.id]
    TutoringSession.objects.filter(id=session.id).update(engagement=5)  # the connection may write again
