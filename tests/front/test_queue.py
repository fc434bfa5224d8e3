from datetime import timedelta

import pytest

from tests.factories import NOON, SessionFactory, UserFactory
from tests.front.factories import AlertFactory
from tutorscore.front.queue import CAPACITY, item_of, todays_queue

pytestmark = pytest.mark.django_db


def due_in(**span):
    return AlertFactory.build(tutor=None, partner=None, due_at=NOON + timedelta(**span), title="An alert", pk=1)


def test_items_stand_under_their_deadline(rosa):
    no_hurry = AlertFactory.build(tutor=None, partner=None, due_at=None, title="No hurry", pk=2)
    alerts = [no_hurry, due_in(days=4), due_in(days=1), due_in(hours=9), due_in(hours=3)]
    found = todays_queue(alerts, [], rosa, NOON)
    assert [(group.words, len(group.items)) for group in found.deadlines] == [
        ("Before 17:00", 1),
        ("Later today", 1),
        ("Any time today", 1),
        ("Tomorrow", 1),
        ("This week and later", 1),
    ]


def test_a_session_that_comes_closer_goes_before_a_habit_that_is_late(rosa):
    session = SessionFactory(scheduled_start=NOON + timedelta(hours=4))
    habit, meeting, missed = due_in(days=-20), due_in(hours=2), due_in(hours=-1)
    meeting.session = missed.session = session
    found = todays_queue([habit, missed, meeting], [], rosa, NOON)
    assert [item.alert for item in found.items] == [missed, meeting, habit]
    assert [group.words for group in found.deadlines] == ["Overdue", "Before 17:00", "Any time today"]
    assert (found.overdue, found.before_noon) == (1, 0)
    assert (found.items[2].due, found.items[2].left) == ("", "since 10 Feb")


def test_more_than_a_day_holds_is_parked(rosa):
    alerts = [due_in(hours=2 + index) for index in range(CAPACITY + 3)]
    snoozed = [due_in(days=1)]
    found = todays_queue(alerts, snoozed, rosa, NOON)
    assert [item.alert for item in found.items] == alerts[:CAPACITY]
    assert found.parked == [*alerts[CAPACITY:], *snoozed]


def test_what_a_colleague_took_is_left_to_the_colleague(rosa):
    theirs, mine, free = due_in(hours=1), due_in(hours=2), due_in(hours=3)
    theirs.state, theirs.owner = "acknowledged", UserFactory()
    mine.state, mine.owner = "acknowledged", rosa
    found = todays_queue([theirs, mine, free], [], rosa, NOON)
    assert [item.alert for item in found.items] == [mine, free]
    assert found.colleagues == 1


@pytest.mark.parametrize(
    ("span", "due", "left", "is_soon"),
    [
        ({"minutes": 85}, "by 13:25", "1 h 25 left", True),
        ({"hours": 5}, "by 17:00", "5 h 00 left", False),
        ({"minutes": -30}, "by 11:30", "30 min late", True),
        ({"days": 3}, "by Thu 5", "3 d left", False),
    ],
)
def test_an_item_says_until_when(span, due, left, is_soon):
    alert = due_in(**span)
    alert.session_id = 1
    item = item_of(alert, NOON)
    assert (item.due, item.left, item.is_soon) == (due, left, is_soon)


def test_the_figure_that_opened_the_alert_stands_beside_it():
    moves = AlertFactory.build(tutor=None, partner=None, title="Moves")
    first = AlertFactory.build(
        tutor=None, partner=None, title="First", rule="first_session_at_risk", evidence={"probability": 0.738}
    )
    mails = AlertFactory.build(tutor=None, partner=None, title="Mails", rule="mail_trouble", evidence={"count": 3})
    assert [item_of(alert, NOON).odds for alert in (moves, first, mails)] == ["22\u202f%", "74 in 100", ""]
