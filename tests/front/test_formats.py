from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from tests.factories import NOON
from tutorscore.front import formats
from tutorscore.front.zones import place, there, zone


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.1329, "13.3\u202f%"), (0.0, "0.0\u202f%"), (1.0, "100.0\u202f%"), (None, "–")],
)
def test_a_share_is_a_percentage(share, words):
    assert formats.percent(share) == words


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.74, "74"), (0.004, "<1"), (0.0, "0"), (0.996, ">99"), (1.0, "100"), (0.005, "<1"), (None, "–")],
)
def test_odds_never_promise_what_rounding_made(probability, words):
    assert formats.in_hundred(probability) == words


@pytest.mark.parametrize(("value", "words"), [(-4.2, "−4"), (4.6, "+5"), (0.3, "0"), (-0.3, "0"), (None, "–")])
def test_a_change_carries_its_sign(value, words):
    assert formats.signed(value) == words


def test_a_small_weight_keeps_its_digits():
    assert [formats.signed(value, 2) for value in (-1.9, 0.004, 0.58)] == ["−1.90", "0.00", "+0.58"]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(minutes=35), "35 min"),
        (timedelta(hours=1, minutes=5), "1 h 05"),
        (timedelta(hours=52), "2 d 4 h"),
        (timedelta(days=3), "3 d"),
        (timedelta(minutes=-5), "0 min"),
    ],
)
def test_a_length_of_time_has_two_units(length, words):
    assert formats.span(length) == words


def test_days_near_now_have_names_in_the_readers_zone():
    with timezone.override(zone("Asia/Tokyo")):  # noon in London is nine in the evening there
        assert formats.stamp(NOON, NOON) == "Today 21:00"
        assert formats.stamp(NOON + timedelta(hours=4), NOON) == "Tomorrow 01:00"
        assert formats.stamp(NOON - timedelta(hours=22), NOON) == "Yesterday 23:00"
        assert formats.stamp(NOON + timedelta(days=3), NOON) == "Thu 5 21:00"
        assert formats.stamp(NOON + timedelta(days=30), NOON) == "1 Apr 21:00"


def test_another_year_is_named():
    assert formats.day(date(2024, 11, 17)) == "17 Nov 2024"


def test_a_day_inside_a_sentence_is_not_capital():
    assert formats.mid("Today 14:00") == "today 14:00"
    assert formats.mid("Wed 25 16:00") == "Wed 25 16:00"


def test_the_other_clock_names_its_place_and_day():
    with timezone.override(zone("Europe/London")):
        assert there(NOON, "Europe/Berlin") == "13:00 Berlin"
        assert there(datetime(2026, 3, 2, 22, tzinfo=UTC), "Asia/Kolkata") == "Tue 03:30 Kolkata"


def test_a_mistyped_zone_is_read_as_utc():
    assert there(NOON, "Mars/Olympus") == "12:00 Olympus"
    assert place("America/Argentina/Buenos_Aires") == "Buenos Aires"
