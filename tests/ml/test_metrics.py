"""Metrics of tutors on sessions written by hand: what counts, since when, and for how long."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from apps.predictions.ml.frames import NEVER, EventKind, Initiator, Status, empty_frames
from apps.predictions.ml.metric import RATE
from apps.predictions.ml.metrics import METRICS, WINDOWS_DAYS, window_metrics
from apps.predictions.ml.weights import WEIGHTS
from apps.predictions.ml.windows import ALL_TIME, SCALED, TutorFacts, tutor_window_sums
from tests.ml.world import EPOCH, Rows, at, make_world

NIGHT = 24 * 100


def metric(rows, key, window="90d", field="value", now=NIGHT, tutor=1):
    table = window_metrics(rows.frames(), np.array([tutor]), at(now))
    return table[key, window, field].iloc[0]


def held(rows, session_id, hours_ago, known=0.0, **words):
    start = NIGHT - hours_ago - 1
    return rows.session(session_id, start, **words).ended(session_id, Status.COMPLETED, start + 1 + known)


def test_sessions_count_from_their_end_until_the_window_has_passed():
    rows = held(Rows(), 1, hours_ago=0)
    assert metric(rows, "completed", "7d", now=NIGHT - 0.001) == 0
    assert metric(rows, "completed", "7d", now=NIGHT) == 1
    assert metric(rows, "completed", "7d", now=NIGHT + 7 * 24 - 0.001) == 1
    assert metric(rows, "completed", "7d", now=NIGHT + 7 * 24) == 0
    assert metric(rows, "completed", "30d", now=NIGHT + 7 * 24) == 1


def test_nothing_counts_before_it_is_known():
    rows = held(Rows(), 1, hours_ago=10, known=4)
    assert metric(rows, "completed", now=NIGHT - 6.001) == 0
    assert metric(rows, "completed", now=NIGHT - 6) == 1


def test_corrected_ending_replaces_the_former_from_then_on():
    rows = Rows().session(1, 10).ended(1, Status.COMPLETED, 11, until=20).ended(1, Status.NO_SHOW_TUTOR, 20)
    assert (metric(rows, "completed", now=19), metric(rows, "no_show_rate", now=19)) == (1, 0)
    assert (metric(rows, "completed", now=20), metric(rows, "no_show_rate", now=20)) == (0, 1)


def test_move_counts_when_it_was_requested():
    rows = Rows().session(1, 200).moved(1, Initiator.TUTOR, requested=20).ended(1, Status.RESCHEDULED, 20)
    assert metric(rows, "reschedule_rate", "7d", now=21) == 1
    assert metric(rows, "sessions", "7d", now=20 + 7 * 24) == 0
    assert metric(rows, "sessions", "30d", now=20 + 7 * 24) == 1


@pytest.mark.parametrize(
    ("initiator", "moves", "resolved"),
    [(Initiator.TUTOR, 1, 1), (Initiator.STUDENT, 0, 1), (Initiator.UNKNOWN, 0, 1), (Initiator.SYSTEM, 0, 1)],
)
def test_only_the_tutors_own_moves_are_the_tutors(initiator, moves, resolved):
    rows = Rows().session(1, 200).moved(1, initiator, requested=20).ended(1, Status.CANCELLED, 20)
    assert (metric(rows, "reschedules", now=30), metric(rows, "sessions", now=30)) == (moves, resolved)


def test_short_notice_is_less_than_a_day():
    for ahead, short in ((24, 0), (23.99, 1)):
        rows = Rows().session(1, 200).moved(1, Initiator.TUTOR, requested=200 - ahead)
        assert metric(rows, "short_notice", now=210) == short


def test_session_is_resolved_once_whatever_is_known_of_it():
    rows = Rows().session(1, 50).ended(1, Status.RESCHEDULED, 20)
    rows.moved(1, Initiator.STUDENT, requested=18, known=25).moved(1, Initiator.TUTOR, requested=30)
    for now, mine in ((21, 0), (26, 0), (31, 1)):
        assert (metric(rows, "sessions", now=now), metric(rows, "reschedules", now=now)) == (1, mine)


def test_meeting_outranks_a_request_that_was_made_before():
    rows = Rows().session(1, 50).moved(1, Initiator.TUTOR, requested=20).ended(1, Status.COMPLETED, 51)
    assert (metric(rows, "reschedules", now=50), metric(rows, "sessions", now=50)) == (1, 1)
    assert (metric(rows, "reschedules", now=51), metric(rows, "sessions", now=51)) == (0, 1)


def test_lateness_and_early_end_have_limits_of_five_and_ten_minutes():
    frames = Rows().session(1, 1).session(2, 3).session(3, 5).frames()
    outcomes = pd.DataFrame({
        "session_id": [1, 2, 3], "status": int(Status.COMPLETED), "known_from": at(10), "known_to": NEVER,
        "late_seconds": [300.0, 301.0, np.nan], "early_end_seconds": [600.0, 601.0, 0.0],
        "objectives_met": [1.0, 0.0, np.nan], "engagement": [50.0, 71.5, np.nan], "technical_issue": np.nan,
    })  # fmt: skip
    table = window_metrics(empty_frames(sessions=frames.sessions, outcomes=outcomes), np.array([1]), at(11)).iloc[0]
    assert table["late_start_rate", "7d", "value"] == 0.5
    assert table["mean_lateness", "7d", "value"] == pytest.approx(300.5 / 60)
    assert table["early_end_rate", "7d", "value"] == pytest.approx(1 / 3)
    assert table["objectives_met", "7d", "value"] == 0.5
    assert table["engagement", "7d", "value"] == 60.75


def test_first_session_is_what_was_the_first_as_known():
    rows = Rows().session(1, 10).ended(1, Status.COMPLETED, 11).rated(1, 5, submitted=12)
    rows.session(2, 5).ended(2, Status.COMPLETED, 40).rated(2, 1, submitted=41)
    assert metric(rows, "first_session_success", now=39) == 1
    assert metric(rows, "first_session_success", now=40, field="n") == 0
    assert metric(rows, "first_session_success", now=41) == 0
    assert metric(rows, "first_sessions", now=41) == 1


def test_sessions_that_start_together_are_told_apart_by_their_id():
    rows = Rows().session(1, 10, tie=2).ended(1, Status.COMPLETED, 11).rated(1, 1, submitted=12)
    rows.session(2, 10, tie=1).ended(2, Status.COMPLETED, 11).rated(2, 5, submitted=12)
    assert metric(rows, "first_session_success", now=13) == 1


def test_student_came_back_once_a_second_meeting_is_known():
    rows = held(held(Rows(), 1, hours_ago=50), 2, hours_ago=10, student=2)
    assert metric(rows, "repeat_student_rate") == 0
    held(rows, 3, hours_ago=1)
    assert metric(rows, "repeat_student_rate") == 0.5
    assert metric(rows, "repeat_student_rate", field="n") == 2


def test_leave_is_excused_beside_the_raw_rate():
    rows = Rows()
    for number, start in enumerate((100, 120, 200), start=1):
        rows.session(number, start).moved(number, Initiator.TUTOR, requested=90)
    held(rows, 4, hours_ago=NIGHT - 80)
    frames = rows.frames()
    events = pd.DataFrame({
        "tutor_id": 1, "kind": [int(EventKind.LEAVE_START), int(EventKind.LEAVE_END)],
        "occurred_at": [at(100), at(120)], "value": np.nan, "known_from": [at(95), at(130)],
    }).astype({"kind": "int8"})  # fmt: skip
    frames = empty_frames(sessions=frames.sessions, outcomes=frames.outcomes, moves=frames.moves, events=events)
    adjusted = {
        now: window_metrics(frames, np.array([1]), at(now))["reschedule_rate_adjusted", "30d", "value"].iloc[0]
        for now in (94, 96, 131)
    }
    assert adjusted == {
        94: 3 / 4,
        96: 0.0,
        131: 2 / 3,
    }  # an open leave excuses all later sessions, a closed one its own
    assert window_metrics(frames, np.array([1]), at(131))["reschedule_rate", "30d", "value"].iloc[0] == 3 / 4


def test_trend_is_the_short_window_less_the_long_one():
    rows = held(Rows(), 1, hours_ago=24 * 20)
    rows.session(2, NIGHT + 5).moved(2, Initiator.TUTOR, requested=NIGHT - 5)
    assert metric(rows, "reschedule_rate", "7v30") == 0.5
    assert metric(rows, "reschedule_rate", "7v30", "n") == 1


def test_answers_may_be_asked_at_many_moments_at_once():
    frames = make_world(tutors=5, sessions=400, seed=3)
    ids = np.array([1, 2, 3, 1, 9], dtype=np.int64)
    moments = np.array([EPOCH + day * 24 * 3_600_000_000 for day in (50, 100, 200, 300, 300)], dtype=np.int64)
    together = tutor_window_sums(frames, ids, moments, (7, 90, ALL_TIME))
    for place in range(len(ids)):
        alone = tutor_window_sums(frames, ids[[place]], int(moments[place]), (7, 90, ALL_TIME))
        pd.testing.assert_series_equal(together.iloc[place], alone.iloc[0], check_names=False)
    assert together.iloc[4].sum() == 0


def test_sums_do_not_depend_on_which_tutors_are_loaded():
    frames = make_world(tutors=8, sessions=900, seed=5)
    own = frames.sessions[frames.sessions.tutor_id == 4]
    keep = {name: getattr(frames, name) for name in ("outcomes", "moves", "ratings")}
    keep = {name: table[table.session_id.isin(own.session_id)] for name, table in keep.items()}
    part = empty_frames(sessions=own, events=frames.events[frames.events.tutor_id == 4], **keep)
    now = EPOCH + 250 * 24 * 3_600_000_000
    for days in (30, ALL_TIME):
        whole = tutor_window_sums(frames, np.array([4]), now, (days,))
        pd.testing.assert_frame_equal(whole, tutor_window_sums(part, np.array([4]), now, (days,)))


def test_what_is_learned_later_changes_no_earlier_sum():
    frames = make_world(tutors=6, sessions=900, seed=7)
    now = EPOCH + 200 * 24 * 3_600_000_000
    rng = np.random.default_rng(0)
    changed = {}
    for name in ("outcomes", "moves", "ratings"):
        table = getattr(frames, name).copy()
        late = (table.known_from > now).to_numpy()
        for column in table.columns.difference(["session_id", "known_from", "known_to"]):
            table.loc[late, column] = rng.permutation(table.loc[late, column].to_numpy())
        changed[name] = table
    mutated = empty_frames(sessions=frames.sessions, events=frames.events, **changed)
    ids = np.arange(1, 7)
    before, after = (tutor_window_sums(each, ids, now, (7, 30, 90, ALL_TIME)) for each in (frames, mutated))
    pd.testing.assert_frame_equal(before, after)


def test_next_change_is_when_a_window_next_moves():
    rows = held(held(Rows(), 1, hours_ago=24 * 3), 2, hours_ago=24 * 40)
    facts = TutorFacts.of(rows.frames())
    ask = facts.next_change(np.array([1, 2]), np.full(2, at(NIGHT), dtype=np.int64), WINDOWS_DAYS)
    assert ask.tolist() == [at(NIGHT + 24 * 4), int(NEVER)]


def test_limiting_the_names_changes_no_sum():
    frames = make_world(tutors=3, sessions=300, seed=1)
    now, ids = EPOCH + 200 * 24 * 3_600_000_000, np.arange(1, 4)
    every = tutor_window_sums(frames, ids, now, (30,))
    some = tutor_window_sums(frames, ids, now, (30,), names={"moves_tutor", "resolved"})
    assert set(some.columns) == {"moves_tutor_30d", "resolved_30d"}
    pd.testing.assert_frame_equal(every[some.columns], some)


def test_every_metric_names_sums_that_exist_and_can_be_said():
    sums = set(tutor_window_sums(empty_frames(), np.array([1]), 0, (7,)).columns)
    for each in METRICS.values():
        for name in filter(None, (each.top, each.bottom, each.excused_top, each.excused_bottom)):
            assert f"{name}_7d" in sums
        assert each.sentence.format(value=0.5, count=1.0, n=2.0, days=90)
        assert (each.unit == RATE) <= bool(each.bottom)
        assert (each.concern is None) or (each.higher_is_better is not None)
    assert {f"{name}_7d" for name in SCALED} <= sums


def test_every_weighted_metric_scales_from_its_concern():
    for drivers in WEIGHTS.values():
        assert sum(driver.points for driver in drivers) == 100
        for part in (part for driver in drivers for part in driver.parts):
            concern = METRICS[part.metric].concern
            values = np.array([part.best, concern, part.worst])
            assert part.earned(values).tolist() == pytest.approx([part.points, part.points / 2, 0.0])
