"""Outcomes: labels as known, who was reached, by what chance, and corrections."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.predictions.actions.exposures import record_draw, record_exposure
from apps.predictions.actions.outcomes import record_outcomes
from apps.predictions.models import Exposure, Outcome, TreatmentDraw
from apps.sessions.models import TutoringSession
from tests.factories import NOON, FeedbackFactory, PredictionFactory, RescheduleFactory, SessionFactory

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RIPE = NOON + 8 * DAY


def decided(session, target="first_session_poor", **attributes):
    return PredictionFactory(
        session=session,
        target=target,
        is_decision=True,
        model_version__target=target,
        model_version__standing="retired",
        **attributes,
    )


def join(session, now=RIPE):
    record_outcomes(partner=session.partner, now=now)
    return list(Outcome.objects.filter(session=session).order_by("target"))


@pytest.mark.parametrize(("rating", "label"), [(1, True), (2, True), (3, False), (5, False)])
def test_rated_first_session_is_poor_below_three(rating, label):
    said = FeedbackFactory(rating=rating)
    prediction = decided(said.session)
    (outcome,) = join(said.session)
    assert (outcome.label, outcome.prediction) == (label, prediction)
    assert outcome.known_at == NOON + HOUR + 7 * DAY


def test_held_but_unrated_session_has_no_label():
    session = SessionFactory(status="completed")
    decided(session)
    (outcome,) = join(session)
    assert outcome.label is None


def test_nothing_is_joined_before_maturity():
    said = FeedbackFactory(rating=1)
    decided(said.session)
    assert join(said.session, now=NOON + HOUR + 7 * DAY - timedelta(microseconds=1)) == []
    assert len(join(said.session, now=NOON + HOUR + 7 * DAY)) == 1


def test_re_scores_are_not_joined():
    said = FeedbackFactory(rating=1)
    PredictionFactory(session=said.session, is_decision=False)
    assert join(said.session) == []


def test_moved_by_the_tutor_counts_and_by_the_student_does_not():
    tutors, students = RescheduleFactory(), RescheduleFactory(initiator="student")
    for move in (tutors, students):
        TutoringSession.objects.filter(id=move.session_id).update(recorded_at=move.recorded_at)
        decided(move.session, "reschedule", as_of=move.requested_at - HOUR)
    assert [outcome.label for outcome in join(tutors.session) + join(students.session)] == [True, False]


def test_no_show_is_judged_only_among_sessions_that_reached_their_start():
    missed, moved = SessionFactory(status="no_show_student"), RescheduleFactory().session
    for session in (missed, moved):
        decided(session, "no_show_student")
    assert [outcome.label for outcome in join(missed) + join(moved)] == [True, None]


def test_second_join_changes_nothing_and_a_late_rating_does():
    session = SessionFactory(status="completed")
    decided(session)
    first = record_outcomes(partner=session.partner, now=RIPE)
    again = record_outcomes(partner=session.partner, now=RIPE)
    assert (first.created, again.created, again.updated, again.unchanged) == (1, 0, 0, 1)
    FeedbackFactory(session=session, rating=1, submitted_at=RIPE + DAY)
    report = record_outcomes(partner=session.partner, now=RIPE + 2 * DAY)
    assert (report.created, report.updated) == (0, 1)
    assert Outcome.objects.get().label is True


@pytest.mark.parametrize(
    ("reached", "treated"),
    [
        (NOON - DAY - 31 * DAY, False),
        (NOON - DAY - 29 * DAY, True),
        (NOON - 2 * HOUR, True),
        (NOON + 2 * HOUR, False),
    ],
)
def test_row_is_treated_if_something_reached_the_tutor_in_time(reached, treated):
    said = FeedbackFactory(rating=4)
    decided(said.session)
    record_exposure(
        tutor_id=said.session.tutor_id, session_id=None, kind="mail", reached_at=reached, source="delivery:1"
    )
    (outcome,) = join(said.session)
    assert outcome.was_treated is treated


def test_propensity_counts_one_draw_per_experiment_within_the_time():
    said = FeedbackFactory(rating=4)
    session = said.session
    decided(session)
    for experiment, days, chance in (("tips", 1, 0.5), ("tips", 10, 0.5), ("calls", 3, 0.8), ("old", 40, 0.1)):
        record_draw(
            tutor_id=session.tutor_id,
            session_id=SessionFactory(tutor=session.tutor).id,
            experiment=experiment,
            drawn_at=NOON - days * DAY,
            untreated_propensity=chance,
        )
    (outcome,) = join(session)
    assert outcome.propensity == pytest.approx(0.4)


def test_exposure_and_draw_are_written_once():
    session = SessionFactory()
    for _ in range(2):
        record_exposure(
            tutor_id=session.tutor_id, session_id=session.id, kind="mail", reached_at=NOON, source="delivery:1"
        )
        record_draw(
            tutor_id=session.tutor_id,
            session_id=session.id,
            experiment="tips",
            drawn_at=NOON,
            untreated_propensity=0.5,
        )
    assert (Exposure.objects.count(), TreatmentDraw.objects.count()) == (1, 1)
