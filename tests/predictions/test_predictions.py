"""Answers are appended when they change, decisions are taken once, and later facts change nothing said before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.predictions.actions import predictions
from apps.predictions.actions.predictions import predict_changed, predict_upcoming
from apps.predictions.models import Prediction
from apps.sessions.models import TutoringSession
from tests.factories import (
    NOON,
    FeedbackFactory,
    PartnerFactory,
    RescheduleFactory,
    SessionFactory,
    StudentFactory,
    TutorFactory,
)

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def tutor():
    """A tutor with twenty held sessions, four moved ones and some ratings, all known a week before noon."""
    tutor = TutorFactory()
    student = StudentFactory(partner=tutor.partner)
    for week in range(2, 22):
        held = SessionFactory(tutor=tutor, student=student, scheduled_start=NOON - week * 7 * DAY, status="completed")
        if week % 2:
            FeedbackFactory(session=held, rating=2 + week % 3)
        if week % 5 == 0:
            RescheduleFactory(
                session=SessionFactory(
                    tutor=tutor, student=student, scheduled_start=NOON - week * 7 * DAY + HOUR, status="rescheduled"
                )
            )
    return tutor


def upcoming(tutor, hours=72, **attributes):
    return SessionFactory(tutor=tutor, scheduled_start=NOON + hours * HOUR, **attributes)


def rows(session, target="reschedule"):
    return list(Prediction.objects.filter(session=session, target=target).order_by("as_of", "-is_decision"))


def test_open_session_gets_one_answer_with_reasons_that_add_up(tutor, make_champion):
    champion = make_champion()
    session = upcoming(tutor)
    report = predict_upcoming(partner=tutor.partner, now=NOON)
    assert report.asked["reschedule"] == report.appended["reschedule"] == 1
    assert report.skipped == ["first_session_poor", "no_show_tutor", "no_show_student"]
    (answer,) = rows(session)
    assert (answer.as_of, answer.hours_ahead, answer.model_version) == (NOON, 72.0, champion)
    assert (answer.is_latest, answer.is_decision, answer.basis) == (True, False, champion.basis)
    said = answer.reasons
    assert said["base"] + sum(reason["contribution"] for reason in said["reasons"]) == pytest.approx(said["logit"])


def test_second_pass_at_the_same_moment_appends_nothing(tutor, make_champion):
    make_champion()
    upcoming(tutor, hours=12)
    first = predict_upcoming(partner=tutor.partner, now=NOON)
    assert (first.asked["reschedule"], first.decided["reschedule"]) == (2, 1)
    again = predict_upcoming(partner=tutor.partner, now=NOON)
    assert (again.appended["reschedule"], again.decided["reschedule"]) == (0, 0)


def test_decision_is_taken_once_at_its_exact_moment_however_late_the_pass(tutor, make_champion):
    make_champion()
    session = upcoming(tutor, hours=24)
    for minutes in (-30, 47, 110):
        predict_upcoming(partner=tutor.partner, now=NOON + timedelta(minutes=minutes))
    (decision,) = [row for row in rows(session) if row.is_decision]
    assert (decision.as_of, decision.hours_ahead) == (NOON, 24.0)


def test_late_booking_is_decided_at_its_booking(tutor, make_champion):
    make_champion()
    session = upcoming(tutor, hours=5, booked_at=NOON - HOUR)
    predict_upcoming(partner=tutor.partner, now=NOON)
    assert [row.as_of for row in rows(session) if row.is_decision] == [NOON - HOUR]


def test_decision_is_recorded_also_when_the_session_was_called_off_since(tutor, make_champion):
    make_champion()
    session = upcoming(tutor, hours=24, status="rescheduled", recorded_at=NOON + timedelta(minutes=20))
    predict_upcoming(partner=tutor.partner, now=NOON + HOUR)
    (decision,) = rows(session)
    assert decision.is_decision and not decision.is_latest


def test_session_that_has_begun_is_not_asked_about(tutor, make_champion):
    make_champion()
    session = upcoming(tutor, hours=0)
    predict_upcoming(partner=tutor.partner, now=NOON)
    assert rows(session) == []


def test_re_score_is_appended_from_half_a_point(tutor, make_champion, monkeypatch):
    make_champion()
    session = upcoming(tutor)
    predict_upcoming(partner=tutor.partner, now=NOON)
    said = rows(session)[0].probability
    answer = predictions.score

    def shifted(by):
        def score(*args, **kwargs):
            table = answer(*args, **kwargs)
            return table.assign(probability=said + by, level="LOW")

        return score

    Prediction.objects.update(level="LOW")
    monkeypatch.setattr(predictions, "score", shifted(0.0049))
    predict_upcoming(partner=tutor.partner, now=NOON + HOUR)
    assert len(rows(session)) == 1
    monkeypatch.setattr(predictions, "score", shifted(0.0051))
    predict_upcoming(partner=tutor.partner, now=NOON + 2 * HOUR)
    assert [row.is_latest for row in rows(session)] == [False, True]


def test_new_champion_answers_anew(tutor, make_champion):
    former = make_champion()
    session = upcoming(tutor)
    predict_upcoming(partner=tutor.partner, now=NOON)
    type(former).objects.update(standing="retired")
    champion = make_champion(version=2)
    predict_upcoming(partner=tutor.partner, now=NOON + timedelta(minutes=1))
    assert [row.model_version for row in rows(session)] == [former, champion]


def test_answer_about_a_session_called_off_loses_its_standing(tutor, make_champion):
    make_champion()
    session = upcoming(tutor)
    predict_upcoming(partner=tutor.partner, now=NOON)
    TutoringSession.objects.filter(id=session.id).update(status="cancelled", recorded_at=NOON + HOUR)
    predict_upcoming(partner=tutor.partner, now=NOON + 2 * HOUR)
    assert [row.is_latest for row in rows(session)] == [False]


def test_session_stops_being_a_first_one_when_an_earlier_is_booked(tutor, make_champion):
    make_champion("first_session_poor")
    student = StudentFactory(partner=tutor.partner)
    session = upcoming(tutor, student=student)
    predict_upcoming(partner=tutor.partner, now=NOON)
    assert [row.is_latest for row in rows(session, "first_session_poor")] == [True]
    earlier = upcoming(tutor, hours=48, student=student, booked_at=NOON + HOUR)
    predict_upcoming(partner=tutor.partner, now=NOON + 2 * HOUR)
    assert [row.is_latest for row in rows(session, "first_session_poor")] == [False]
    assert [row.is_latest for row in rows(earlier, "first_session_poor")] == [True]


def test_policy_answers_from_its_threshold(tutor, make_champion):
    make_champion(policy={"kind": "fixed", "threshold": 0.0, "share": None, "precision": None})
    session = upcoming(tutor)
    predict_upcoming(partner=tutor.partner, now=NOON)
    assert rows(session)[0].should_send_alert is True


def test_only_the_sessions_named_are_asked_about(tutor, make_champion):
    make_champion()
    asked, other = upcoming(tutor), upcoming(tutor, hours=80)
    predict_upcoming(partner=tutor.partner, now=NOON, session_ids=[asked.id])
    assert len(rows(asked)) == 1
    assert rows(other) == []


def test_new_booking_is_answered_from_its_arrival(tutor, make_champion):
    make_champion()
    old, new = upcoming(tutor), upcoming(tutor, hours=80)
    TutoringSession.objects.filter(id=old.id).update(updated_at=NOON - 2 * HOUR)
    TutoringSession.objects.filter(id=new.id).update(updated_at=NOON)
    report = predict_changed(partner=tutor.partner, now=NOON + timedelta(seconds=30), since=NOON - HOUR)
    assert report.appended["reschedule"] == 1
    assert (len(rows(old)), len(rows(new))) == (0, 1)


def test_without_a_champion_nothing_is_said(tutor):
    upcoming(tutor)
    report = predict_upcoming(partner=tutor.partner, now=NOON)
    assert report.appended == {}
    assert len(report.skipped) == 4
    assert not Prediction.objects.exists()


def test_other_partners_are_left_alone(tutor, make_champion):
    make_champion()
    session = upcoming(tutor)
    predict_upcoming(partner=PartnerFactory(), now=NOON)
    assert rows(session) == []


def test_facts_that_arrive_later_do_not_change_what_was_said(tutor, make_champion):
    """The same moment asked again, after much has happened since: identical to the last bit."""
    for target in ("reschedule", "first_session_poor"):
        make_champion(target)
    sessions = [upcoming(tutor, hours=24), upcoming(tutor, hours=100, student=StudentFactory(partner=tutor.partner))]
    predict_upcoming(partner=tutor.partner, now=NOON)
    before = _said()
    _live_on(tutor, sessions)
    Prediction.objects.all().delete()
    predict_upcoming(partner=tutor.partner, now=NOON)
    assert len(before) >= 4
    assert _said() == before


def test_facts_known_in_time_do_change_it(tutor, make_champion):
    """The counterpart of the test above: it would also pass if facts had no effect at all."""
    make_champion()
    upcoming(tutor, hours=24)
    predict_upcoming(partner=tutor.partner, now=NOON)
    before = _said()
    for day in range(1, 6):
        RescheduleFactory(
            session=SessionFactory(tutor=tutor, scheduled_start=NOON - day * DAY, status="rescheduled"),
        )
    Prediction.objects.all().delete()
    predict_upcoming(partner=tutor.partner, now=NOON)
    assert _said() != before


def _said():
    names = ("session_id", "target", "as_of", "is_decision", "probability", "reasons")
    return list(Prediction.objects.order_by("session_id", "target", "as_of", "is_decision").values_list(*names))


def _live_on(tutor, sessions):
    """Everything that can become known after noon: outcomes, moves, ratings, corrections, bookings, events."""
    late = NOON + timedelta(microseconds=1)
    TutoringSession.objects.filter(id=sessions[0].id).update(status="no_show_tutor", recorded_at=late)
    RescheduleFactory(session=sessions[1], requested_at=late, recorded_at=late)
    TutoringSession.objects.filter(id=sessions[1].id).update(status="rescheduled", recorded_at=late)
    for held in TutoringSession.objects.filter(tutor=tutor, status="completed", feedback__isnull=True):
        FeedbackFactory(session=held, rating=1, submitted_at=held.scheduled_start + HOUR, recorded_at=late)
    for day in range(1, 6):
        start = NOON - day * DAY
        known = SessionFactory(
            tutor=tutor, scheduled_start=start, status="no_show_tutor", recorded_at=late, booked_at=None
        )
        TutoringSession.objects.filter(id=known.id).update(first_known_at=late)
    upcoming(tutor, hours=20, student=sessions[1].student, booked_at=late)
    tutor.events.create(kind="training_completed", occurred_at=NOON - DAY, recorded_at=late)
