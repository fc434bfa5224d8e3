"""What is asked, when, and what counts as a first session."""

from __future__ import annotations

import numpy as np
import pandas as pd

from apps.predictions.ml.frames import HOUR, NEVER, QUESTION_COLUMNS, Frames, Initiator, Status
from apps.predictions.ml.questions import (
    decision_questions,
    hashed_hours,
    hypothetical,
    open_questions,
    training_questions,
)
from apps.predictions.ml.targets import TARGETS
from tests.ml.world import EPOCH_END, Rows, at

RESCHEDULE, FIRST = TARGETS["reschedule"], TARGETS["first_session_poor"]


def decided(frames: Frames, target=RESCHEDULE, hours: float = 24.0) -> pd.DataFrame:
    return decision_questions(frames, target, hours, at(0), EPOCH_END).set_index("session_id")


def test_decision_falls_at_the_horizon_or_at_booking_if_that_is_later():
    frames = Rows().session(1, start=100, booked=0).session(2, start=100, booked=90, student=2).frames()
    asked = decided(frames)
    assert asked.loc[1, "as_of"] == at(76)
    assert asked.loc[2, "as_of"] == at(90)
    assert list(asked["hours_ahead"]) == [24.0, 24.0]


def test_session_without_booking_time_is_asked_from_when_we_heard_of_it():
    rows = Rows().session(1, start=100, booked=None, known=80).session(2, start=100, booked=None, known=101, student=2)
    asked = decided(rows.frames())
    assert list(asked.index) == [1]
    assert asked.loc[1, "as_of"] == at(80)
    assert asked.loc[1, "booked_at"] == NEVER


def test_only_sessions_open_at_the_decision_are_asked():
    rows = Rows()
    for session_id, known in ((1, 75), (2, 77)):
        rows.session(session_id, start=100, student=session_id)
        rows.moved(session_id, Initiator.TUTOR, requested=70, known=known)
    rows.session(3, start=100, student=3).ended(3, Status.CANCELLED, known=76)
    assert list(decided(rows.frames()).index) == [2]


def test_a_retracted_cancellation_opens_the_session_again():
    rows = Rows().session(1, start=100).ended(1, Status.CANCELLED, known=50, until=60)
    assert list(decided(rows.frames()).index) == [1]
    rows = Rows().session(1, start=100).ended(1, Status.CANCELLED, known=50, until=90)
    assert list(decided(rows.frames()).index) == []


def test_a_move_into_the_present_start_leaves_the_session_open():
    rows = Rows().session(1, start=100).moved(1, Initiator.TUTOR, requested=10)
    rows.tables["moves"][0]["new_start"] = at(100)
    assert list(decided(rows.frames()).index) == [1]


def test_first_session_is_decided_by_what_was_known():
    rows = Rows().session(1, start=50).ended(1, Status.COMPLETED, known=120)
    rows.session(2, start=100)
    assert list(decided(rows.frames(), FIRST).index) == [1], "the earlier session still looked open at hour 76"
    rows = Rows().session(1, start=50).moved(1, Initiator.TUTOR, requested=20).session(2, start=100)
    assert list(decided(rows.frames(), FIRST).index) == [2], "the earlier session had been moved"
    rows = Rows().session(1, start=50).ended(1, Status.COMPLETED, known=52).session(2, start=100)
    assert list(decided(rows.frames(), FIRST).index) == [1], "the earlier session was known to be held"


def test_an_earlier_session_booked_later_does_not_count_before_it_is_known():
    rows = Rows().session(1, start=100, booked=0).session(2, start=95, booked=90)
    assert sorted(decided(rows.frames(), FIRST).index) == [1, 2]


def test_sessions_that_start_together_are_ordered_by_tie():
    rows = Rows().session(1, start=100, tie=9).session(2, start=100, tie=3)
    assert list(decided(rows.frames(), FIRST).index) == [2]


def test_a_no_show_does_not_make_the_next_session_a_later_one():
    rows = Rows().session(1, start=50).ended(1, Status.NO_SHOW_STUDENT, known=52).session(2, start=100)
    assert sorted(decided(rows.frames(), FIRST).index) == [1, 2]


def test_open_questions_are_about_now():
    rows = Rows().session(1, start=100).session(2, start=130, student=2).session(3, start=10, student=3)
    asked = open_questions(rows.frames(), RESCHEDULE, at(90), 24.0)
    assert list(asked["session_id"]) == [1]
    assert list(asked["as_of"]) == [at(90)]
    assert list(asked["hours_ahead"]) == [10.0]


def test_training_asks_once_per_session_and_only_mature_known_labels():
    rows = Rows().session(1, start=100).ended(1, Status.COMPLETED, known=102)
    frames = rows.frames()
    ripe = at(101 + RESCHEDULE.maturity_hours)
    assert list(training_questions(frames, RESCHEDULE, ripe)["session_id"]) == [1]
    assert training_questions(frames, RESCHEDULE, ripe - 1).empty


def test_training_horizon_is_a_fixed_function_of_the_session():
    ids = np.arange(1, 3_001)
    hours = hashed_hours(RESCHEDULE, ids)
    assert np.array_equal(hours, hashed_hours(RESCHEDULE, ids))
    assert np.array_equal(hours[::-1], hashed_hours(RESCHEDULE, ids[::-1]))
    shares = {value: float((hours == value).mean()) for value in RESCHEDULE.horizons}
    assert 0.46 < shares[24.0] < 0.54
    assert min(shares.values()) > 0.21


def test_training_on_poor_ratings_takes_every_rated_session():
    rows = Rows().session(1, start=50).ended(1, Status.COMPLETED, known=52).rated(1, 2.0, submitted=60)
    rows.session(2, start=100).ended(2, Status.COMPLETED, known=102).rated(2, 5.0, submitted=103)
    rows.session(3, start=150).ended(3, Status.COMPLETED, known=152)
    assert list(training_questions(rows.frames(), FIRST, EPOCH_END)["session_id"]) == [1, 2]


def test_hypothetical_sessions_take_the_shape_of_questions():
    one = np.array([1])
    asked = hypothetical(one, one + 1, one, np.array([at(30)]), np.array([60.0]), at(10))
    assert {name: str(kind) for name, kind in asked.dtypes.items()} == QUESTION_COLUMNS
    assert asked.loc[0, "session_id"] == 0
    assert asked.loc[0, "end"] - asked.loc[0, "start"] == HOUR
    assert asked.loc[0, "hours_ahead"] == 20.0
