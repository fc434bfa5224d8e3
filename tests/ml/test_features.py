"""Features are functions of what was known before ``as_of``, and of nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from apps.predictions.ml import features
from apps.predictions.ml.feature_prior import FeaturePrior, fit_feature_prior
from apps.predictions.ml.features import FEATURES, GROUPS, build
from apps.predictions.ml.frames import DAY, Frames, Initiator, Status
from apps.predictions.ml.history import History
from apps.predictions.ml.questions import decision_questions, hypothetical, open_questions, training_questions
from apps.predictions.ml.targets import TARGETS
from tests.ml.mutation import changed_from, known_before
from tests.ml.world import EPOCH, EPOCH_END, Rows, at

TARGET = TARGETS["reschedule"]


@pytest.fixture(scope="module")
def prior(small_world: Frames) -> FeaturePrior:
    return fit_feature_prior(History(small_world), EPOCH + 120 * DAY)


@pytest.fixture(scope="module")
def asked(small_world: Frames) -> pd.DataFrame:
    return decision_questions(small_world, TARGET, 24.0, EPOCH, EPOCH_END)


def moments(asked: pd.DataFrame) -> list[int]:
    """Exact decision times of some questions, so that rows known at that very moment are tried too."""
    early_known = asked[asked["as_of"] > asked["booked_at"]]
    return [int(early_known["as_of"].quantile(share, interpolation="nearest")) for share in (0.3, 0.6, 0.9)]


def test_changing_the_future_changes_nothing(small_world, asked, prior):
    for seed, moment in enumerate(moments(asked)):
        before = asked[(asked["as_of"] <= moment) & (asked["booked_at"] < moment)]
        plain = build(small_world, before, prior)
        changed = build(changed_from(small_world, moment, seed), before, prior)
        pd.testing.assert_frame_equal(plain, changed, check_exact=True)


def test_forgetting_the_future_changes_nothing(small_world, asked, prior):
    for moment in moments(asked):
        before = asked[(asked["as_of"] <= moment) & (asked["booked_at"] < moment)]
        known = known_before(small_world, moment)
        pd.testing.assert_frame_equal(build(small_world, before, prior), build(known, before, prior), check_exact=True)


@pytest.mark.parametrize("leak", ["by an hour", "by a microsecond"])
def test_a_planted_leak_is_caught(small_world, asked, prior, monkeypatch, leak):
    """The check above sees a feature that looks past ``as_of``, even at the rows of that very moment."""
    ahead = {"by an hour": 3_600_000_000, "by a microsecond": 1}[leak]
    honest = features.Asked

    class Leaking(honest):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)
            self.moment = self.moment + ahead

    moment = moments(asked)[1]
    at_once = asked[(asked["as_of"] == moment) & (asked["booked_at"] < moment)]
    rated = small_world.ratings.iloc[:1].assign(
        session_id=small_world.sessions.loc[small_world.sessions["tutor_id"] == at_once["tutor_id"].iloc[0],
                                            "session_id"].iloc[0],
        rating=1.0, submitted_at=moment - DAY, known_from=moment,
    )  # fmt: skip
    told = dataclasses.replace(small_world, ratings=pd.concat([small_world.ratings, rated], ignore_index=True))
    changed = changed_from(told, moment)
    assert build(told, at_once, prior).equals(build(changed, at_once, prior))
    monkeypatch.setattr(features, "Asked", Leaking)
    assert not build(told, at_once, prior).equals(build(changed, at_once, prior))


def test_a_training_row_equals_the_serving_row(small_world, prior):
    trained = training_questions(small_world, TARGET, EPOCH_END)
    on_time = trained[trained["as_of"] == trained["start"] - (trained["hours_ahead"] * 3_600_000_000).astype("int64")]
    for _, row in on_time.iloc[::150].iterrows():
        now = int(row["as_of"])
        known = known_before(small_world, now + 1)
        served = open_questions(known, TARGET, now, float(row["hours_ahead"]))
        served = served[served["session_id"] == row["session_id"]]
        trained_row = build(small_world, on_time[on_time["session_id"] == row["session_id"]], prior)
        served_row = build(known, served, prior)
        assert trained_row.to_numpy().tobytes() == served_row.to_numpy().tobytes()


def test_rows_do_not_depend_on_their_order_or_company(small_world, asked, prior):
    whole = build(small_world, asked, prior)
    rng = np.random.default_rng(0)
    mixed = {name: getattr(small_world, name).sample(frac=1, random_state=3) for name in Frames.__dataclass_fields__}
    some = asked.iloc[rng.permutation(len(asked))[:200]]
    again = build(Frames(**mixed), some, prior)
    pd.testing.assert_frame_equal(whole.loc[some.index], again, check_exact=True)


def test_rows_do_not_depend_on_which_other_tutors_are_loaded(small_world, asked, prior):
    """A chunk holds some tutors whole and every other session of their students, as the loader promises."""
    whole = build(small_world, asked, prior)
    for chunk in (range(1, 6), range(6, 16)):
        mine = asked[asked["tutor_id"].isin(chunk)]
        part = build(_chunk(small_world, list(chunk)), mine, prior)
        pd.testing.assert_frame_equal(whole.loc[mine.index], part, check_exact=True)


def _chunk(frames: Frames, tutors: list[int]) -> Frames:
    sessions = frames.sessions
    students = sessions.loc[sessions["tutor_id"].isin(tutors), "student_id"]
    sessions = sessions[sessions["tutor_id"].isin(tutors) | sessions["student_id"].isin(students)]

    def of(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["session_id"].isin(sessions["session_id"])]

    return dataclasses.replace(
        frames, sessions=sessions, outcomes=of(frames.outcomes), moves=of(frames.moves), ratings=of(frames.ratings),
        events=frames.events[frames.events["tutor_id"].isin(tutors)],
    )  # fmt: skip


def test_counts_and_rates_of_a_tutor_are_what_the_rows_say():
    rows = Rows()
    for number, start in enumerate((10, 34, 58, 24 * 40), start=1):
        rows.session(number, start=start, student=number)
    rows.ended(1, Status.COMPLETED, known=12).rated(1, 2.0, submitted=13)
    rows.moved(2, Initiator.TUTOR, requested=20)
    rows.ended(3, Status.NO_SHOW_STUDENT, known=60)
    row = build(rows.frames(), _question(rows, 4)).iloc[0]
    assert [row[f"tutor_sessions_{name}"] for name in ("7d", "30d", "90d")] == [0, 0, 3]
    assert (row["tutor_sessions"], row["tutor_moves_90d"]) == (3, 1)
    assert row["tutor_move_rate"] == pytest.approx((1 + 12 * 0.15) / (3 + 12))
    assert (row["tutor_rating"], row["tutor_first_sessions"], row["tutor_first_poor"]) == (2.0, 1, 1)
    assert row["tutor_days_since_move"] == pytest.approx(39 - 20 / 24)
    assert (row["pair_earlier"], row["pair_first"], row["hours_until"]) == (0, 1, 24)
    assert row["tutor_over_limit"] == 1.0


def test_a_fact_known_at_the_moment_of_the_question_is_not_used():
    rows = Rows().session(1, start=10).session(2, start=100, student=2)
    frames_then = rows.ended(1, Status.COMPLETED, known=76).frames()
    assert build(frames_then, _question(rows, 2)).iloc[0]["tutor_sessions"] == 0
    rows.tables["outcomes"][0]["known_from"] = at(76) - 1
    assert build(rows.frames(), _question(rows, 2)).iloc[0]["tutor_sessions"] == 1


def test_load_counts_open_sessions_of_the_tutors_own_day():
    rows = Rows()
    for number, start in ((1, 110), (2, 111), (3, 114), (4, 90), (5, 112)):
        rows.session(number, start=start, student=number)
    rows.moved(5, Initiator.STUDENT, requested=50)
    row = build(rows.frames(), _question(rows, 2)).iloc[0]
    assert (row["day_load"], row["week_load"], row["back_to_back"]) == (2, 3, 1)


def test_hour_and_weekday_are_the_tutors(small_world):
    tutors = small_world.tutors.iloc[:1].assign(tutor_id=1, timezone="Asia/Kolkata")
    rows = Rows().session(1, start=24 + 20)
    frames = dataclasses.replace(rows.frames(), tutors=tutors)
    row = build(frames, _question(rows, 1)).iloc[0]
    assert (row["hour"], row["weekday"]) == (1.5, 4), "Thursday 2 Jan 20:00 UTC is Friday 01:30 in Kolkata"


def test_a_hypothetical_session_takes_the_same_path(small_world, asked, prior):
    """Asked about as if it were not booked, a session differs only in what booking it says."""
    real = asked[(asked["as_of"] == asked["booked_at"])].iloc[[20]]
    columns = {name: real[name].to_numpy() for name in ("tutor_id", "student_id", "subject_id", "start")}
    guess = hypothetical(**columns, minutes=np.array([60.0]), as_of=int(real["as_of"].iloc[0]))
    stored, free = build(small_world, real, prior).iloc[0], build(small_world, guess, prior).iloc[0]
    pd.testing.assert_series_equal(stored, free, check_names=False, check_exact=True)


def test_registry_is_complete_and_leaves_out_the_age_of_tutors():
    assert len(FEATURES) >= 52
    for feature in FEATURES.values():
        assert feature.words
        assert feature.unit
        assert feature.source
        assert feature.group in GROUPS
        assert set(feature.signs) <= set(TARGETS)
    assert not [name for name in FEATURES if "age" in name and name != "student_age" and "engagement" not in name]


def test_no_questions_give_no_rows(small_world, asked, prior):
    assert build(small_world, asked.iloc[:0], prior).shape == (0, len(FEATURES))


def _question(rows: Rows, session_id: int) -> pd.DataFrame:
    asked = decision_questions(rows.frames(), TARGET, 24.0, EPOCH, EPOCH_END)
    return asked[asked["session_id"] == session_id]
