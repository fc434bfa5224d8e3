"""The as-of kernel against counting by hand, and open bookings against the definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.predictions.ml.asof import Timeline
from apps.predictions.ml.frames import DAY, NEVER, Initiator, Status
from apps.predictions.ml.history import History
from tests.ml.world import EPOCH, Rows, at

MOMENTS = st.integers(0, 12)
FACTS = st.lists(st.tuples(st.integers(1, 3), MOMENTS, MOMENTS | st.none(), st.integers(-5, 5)), max_size=25)
QUESTIONS = st.lists(st.tuples(st.integers(0, 4), MOMENTS), min_size=1, max_size=10)


def columns(facts: list, questions: list) -> tuple[np.ndarray, ...]:
    group, enter, leave, value = np.array(
        [(g, EPOCH + e * DAY, NEVER if lv is None else EPOCH + lv * DAY, v) for g, e, lv, v in facts], dtype=np.int64
    ).reshape(-1, 4).T  # fmt: skip
    asked, moment = np.array([(g, EPOCH + m * DAY) for g, m in questions], dtype=np.int64).T
    return group, enter, leave, value, asked, moment


@settings(max_examples=300, deadline=None)
@given(FACTS, QUESTIONS)
def test_counts_and_sums_are_those_of_the_facts_that_hold(facts, questions):
    group, enter, leave, value, asked, moment = columns(facts, questions)
    line = Timeline(group, enter, leave)
    for place in range(len(asked)):
        holds = (group == asked[place]) & (enter <= moment[place]) & (moment[place] < leave)
        assert line.count(asked, moment)[place] == holds.sum()
        assert line.total(value, asked, moment)[place] == value[holds].sum()
        weight = 0.5 ** ((moment[place] - enter[holds]) / (3 * DAY))
        decayed = line.decayed(value.astype(float), enter, 3.0, asked, moment)[place]
        np.testing.assert_allclose(decayed, (value[holds] * weight).sum(), atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(FACTS, QUESTIONS, st.integers(1, 3))
def test_a_group_never_sees_another(facts, questions, kept):
    group, enter, leave, value, asked, moment = columns(facts, questions)
    mine, about = group == kept, asked == kept
    whole, alone = Timeline(group, enter, leave), Timeline(group[mine], enter[mine], leave[mine])
    share = value / 7
    one = whole.decayed(share, enter, 21.0, asked[about], moment[about])
    other = alone.decayed(share[mine], enter[mine], 21.0, asked[about], moment[about])
    assert one.tobytes() == other.tobytes()


SPANS = st.lists(st.tuples(st.booleans(), MOMENTS, MOMENTS | st.none()), max_size=4)


@settings(max_examples=200, deadline=None)
@given(MOMENTS, SPANS)
def test_a_booking_is_open_while_it_is_known_and_nothing_known_ends_it(known, endings):
    rows = Rows().session(1, start=100, known=known)
    for is_move, begin, end in endings:
        if is_move:
            rows.moved(1, Initiator.TUTOR, requested=0, known=begin, until=end)
        else:
            rows.ended(1, Status.CANCELLED, known=begin, until=end)
    spans = History(rows.frames()).open_bookings
    line = spans.timeline(np.ones(len(spans), dtype=np.int64))
    for hour in range(14):
        ended = any(begin <= hour < (99 if end is None else end) for _, begin, end in endings)
        assert line.count(np.array([1]), np.array([at(hour)]))[0] == (hour >= known and not ended), hour
