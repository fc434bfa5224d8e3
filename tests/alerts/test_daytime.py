"""Mails go out in the tutor's daytime and 2 to 24 hours ahead, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.alerts.daytime import is_daytime, next_daytime, sending_time


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "timezone", "expected"),
    [
        (utc(2026, 3, 2, 7, 0), "Europe/Berlin", True),  # 08:00
        (utc(2026, 3, 2, 6, 59), "Europe/Berlin", False),
        (utc(2026, 3, 2, 18, 59), "Europe/Berlin", True),  # 19:59
        (utc(2026, 3, 2, 19, 0), "Europe/Berlin", False),  # 20:00
        (utc(2026, 3, 2, 2, 30), "Asia/Kolkata", True),  # 08:00
        (utc(2026, 3, 2, 7, 0), "Mars/Olympus", False),  # unknown zones count as UTC
        (utc(2026, 3, 2, 8, 0), "Mars/Olympus", True),
    ],
)
def test_daytime_is_8_to_20_on_the_tutors_clock(moment, timezone, expected):
    assert is_daytime(moment, timezone) is expected


@pytest.mark.parametrize(
    ("moment", "timezone", "expected"),
    [
        (utc(2026, 3, 2, 12), "Europe/Berlin", utc(2026, 3, 2, 12)),
        (utc(2026, 3, 2, 3), "Europe/Berlin", utc(2026, 3, 2, 7)),
        (utc(2026, 3, 2, 21), "Europe/Berlin", utc(2026, 3, 3, 7)),
        # The night the clocks go forward, 08:00 comes an hour earlier in UTC; in autumn an hour later.
        (utc(2026, 3, 28, 21), "Europe/Berlin", utc(2026, 3, 29, 6)),
        (utc(2026, 10, 24, 21), "Europe/Berlin", utc(2026, 10, 25, 7)),
        (utc(2026, 3, 2, 20), "America/New_York", utc(2026, 3, 2, 20)),
        (utc(2026, 3, 3, 2), "America/New_York", utc(2026, 3, 3, 13)),
    ],
)
def test_the_next_daytime_is_at_8_on_the_tutors_wall_clock(moment, timezone, expected):
    assert next_daytime(moment, timezone) == expected


def test_a_mail_waits_until_24_hours_ahead():
    assert sending_time(now=utc(2026, 3, 2, 8), start=utc(2026, 3, 3, 12), timezone="UTC") == utc(2026, 3, 2, 12)


def test_a_mail_for_tomorrow_morning_goes_out_today():
    assert sending_time(now=utc(2026, 3, 2, 9), start=utc(2026, 3, 3, 8), timezone="UTC") == utc(2026, 3, 2, 9)


def test_a_mail_decided_at_night_waits_for_the_morning():
    assert sending_time(now=utc(2026, 3, 2, 23), start=utc(2026, 3, 3, 15), timezone="UTC") == utc(2026, 3, 3, 8)


def test_a_mail_may_go_out_exactly_two_hours_ahead():
    start = utc(2026, 3, 3, 10)
    assert sending_time(now=utc(2026, 3, 2, 23), start=start, timezone="UTC") == start - timedelta(hours=2)


def test_no_mail_is_sent_at_night_instead():
    assert sending_time(now=utc(2026, 3, 2, 22), start=utc(2026, 3, 3, 9, 30), timezone="UTC") is None


def test_no_mail_less_than_two_hours_ahead():
    assert sending_time(now=utc(2026, 3, 2, 12), start=utc(2026, 3, 2, 13, 59), timezone="UTC") is None
