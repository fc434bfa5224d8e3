from datetime import timedelta

from apps.predictions.models import ScoreChange
from tests.factories import NOON
from tests.front.factories import drivers
from tutorscore.front.ledger import ledger

SINCE = NOON - timedelta(days=7)


def state(days_ago, *points, cause="facts", score=None):
    return ScoreChange(
        as_of=NOON - timedelta(days=days_ago),
        score=sum(points) if score is None else score,
        drivers=drivers(*points),
        cause=cause,
    )


def test_what_the_tutor_changed_stands_apart_from_what_we_changed():
    found = ledger(
        [
            state(20, 20, 14, 8, 14, 5),
            state(5, 11, 14, 8, 9, 5),
            state(3, 13, 14, 8, 9, 5, cause="weights"),
            state(1, 13, 12, 8, 9, 6),
        ],
        SINCE,
    )
    assert (found.before, found.after) == (61, 48)
    assert [(entry.name, entry.points) for entry in found.tutors] == [
        ("Reliability", -9),
        ("Ratings", -5),
        ("Punctuality", -2),
        ("Continuity", 1),
    ]
    assert found.ours == [("We changed the weights", 2)]
    assert found.by_tutor + found.by_us == found.after - found.before


def test_a_part_that_came_back_is_left_out():
    found = ledger([state(20, 20, 14, 8, 14, 5), state(5, 11, 14, 8, 14, 5), state(1, 20, 14, 8, 14, 5)], SINCE)
    assert found.tutors == []
    assert found.before == found.after == 61


def test_each_entry_says_what_it_rests_on_now_and_before():
    found = ledger([state(20, 20, 14, 8, 14, 5), state(1, 11, 14, 8, 14, 5)], SINCE)
    assert (found.tutors[0].before, found.tutors[0].now) == ("Reliability rests on 20", "Reliability rests on 11")


def test_without_a_score_then_there_is_nothing_to_compare():
    assert ledger([state(3, 20, 14, 8, 14, 5)], SINCE) is None
    assert ledger([], SINCE) is None


def test_a_tutor_who_fell_under_the_minimum_has_no_ledger():
    lost = ScoreChange(as_of=NOON, score=None, drivers=[], cause="facts")
    assert ledger([state(20, 20, 14, 8, 14, 5), lost], SINCE) is None
