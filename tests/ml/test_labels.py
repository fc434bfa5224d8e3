"""Every line of the label table, as known by a moment."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from apps.predictions.ml.frames import NEVER, Initiator, Status
from apps.predictions.ml.labels import labels
from apps.predictions.ml.questions import decision_questions, hypothetical
from apps.predictions.ml.targets import TARGETS
from tests.ml.world import EPOCH_END, Rows, at


def label(rows: Rows, target: str, known_by: int = EPOCH_END) -> pd.Series:
    """The answer about session 1, which starts at hour 100 and is asked about at hour 76."""
    frames = rows.frames()
    questions = decision_questions(frames, TARGETS["reschedule"], 24.0, at(100), at(101))
    answers = labels(frames, questions[questions["session_id"] == 1], TARGETS[target], known_by)
    return answers.iloc[0]


def session() -> Rows:
    return Rows().session(1, start=100)


def held() -> Rows:
    return session().ended(1, Status.COMPLETED, known=102)


@pytest.mark.parametrize(("rating", "expected"), [(1.0, 1.0), (2.0, 1.0), (2.9, 1.0), (3.0, 0.0), (5.0, 0.0)])
def test_poor_is_a_rating_below_three(rating, expected):
    answer = label(held().rated(1, rating, submitted=110), "first_session_poor")
    assert (answer["label"], answer["judged"]) == (expected, True)


def test_held_but_unrated_has_no_label():
    answer = label(held(), "first_session_poor")
    assert np.isnan(answer["label"])
    assert (answer["judged"], answer["known_at"]) == (False, NEVER)


@pytest.mark.parametrize("status", [Status.NO_SHOW_TUTOR, Status.NO_SHOW_STUDENT, Status.CANCELLED])
def test_other_ends_are_no_poor_first_session_and_are_not_judged(status):
    answer = label(session().ended(1, status, known=102), "first_session_poor")
    assert (answer["label"], answer["judged"]) == (0.0, False)


def test_a_corrected_rating_counts_in_the_form_known_then():
    rows = held().rated(1, 1.0, submitted=110, until=300).rated(1, 5.0, submitted=110, known=300)
    assert label(rows, "first_session_poor", at(299))["label"] == 1.0
    assert label(rows, "first_session_poor", at(300))["label"] == 0.0


def test_a_move_by_the_tutor_after_the_question_counts():
    assert label(session().moved(1, Initiator.TUTOR, requested=77), "reschedule")["label"] == 1.0


def test_a_cancellation_by_the_tutor_counts_like_a_move():
    rows = session().moved(1, Initiator.TUTOR, requested=99).ended(1, Status.CANCELLED, known=99)
    assert label(rows, "reschedule")["label"] == 1.0


@pytest.mark.parametrize("who", [Initiator.STUDENT, Initiator.SYSTEM])
def test_a_move_by_somebody_else_counts_zero(who):
    assert label(session().moved(1, who, requested=90), "reschedule")["label"] == 0.0


def test_a_move_by_nobody_known_has_no_label():
    assert np.isnan(label(session().moved(1, Initiator.UNKNOWN, requested=90), "reschedule")["label"])
    assert np.isnan(label(session().ended(1, Status.RESCHEDULED, known=90), "reschedule")["label"])


def test_a_request_before_the_question_or_after_the_start_counts_zero():
    assert label(session().moved(1, Initiator.TUTOR, requested=70, known=80), "reschedule")["label"] == 0.0
    assert label(session().moved(1, Initiator.TUTOR, requested=100, known=100), "reschedule")["label"] == 0.0


@pytest.mark.parametrize(
    ("status", "student", "tutor", "judged"),
    [
        (Status.COMPLETED, 0.0, 0.0, True),
        (Status.NO_SHOW_STUDENT, 1.0, 0.0, True),
        (Status.NO_SHOW_TUTOR, 0.0, 1.0, True),
        (Status.CANCELLED, 0.0, 0.0, False),
    ],
)
def test_no_shows_are_judged_among_sessions_that_reached_their_start(status, student, tutor, judged):
    rows = session().ended(1, status, known=102)
    answers = {name: label(rows, name) for name in ("no_show_student", "no_show_tutor")}
    assert [answers[name]["label"] for name in answers] == [student, tutor]
    assert [answers[name]["judged"] for name in answers] == [judged, judged]


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_an_unknown_end_has_no_label(target):
    assert np.isnan(label(session(), target)["label"])


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_label_counts_from_its_maturity_however_early_it_was_known(target):
    rows = session().moved(1, Initiator.TUTOR, requested=90)
    ripe = at(101 + TARGETS[target].maturity_hours)
    assert np.isnan(label(rows, target, ripe - 1)["label"])
    answer = label(rows, target, ripe)
    assert answer["known_at"] == ripe
    assert not np.isnan(answer["label"])


def test_a_late_label_counts_from_when_it_was_known():
    rows = session().ended(1, Status.NO_SHOW_STUDENT, known=900)
    assert np.isnan(label(rows, "no_show_student", at(900) - 1)["label"])
    assert label(rows, "no_show_student", at(900))["known_at"] == at(900)


def test_hypothetical_sessions_have_no_labels():
    one = np.array([1])
    asked = hypothetical(one, one, one, np.array([at(30)]), np.array([60.0]), at(10))
    with pytest.raises(ValueError, match="stored sessions"):
        labels(session().frames(), asked, TARGETS["reschedule"], EPOCH_END)
