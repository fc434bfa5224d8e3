import pytest

from apps.matching.ranking import Profile, compatibility

TUTOR = Profile(pace=4, style="structured", communication=2, age=40)


def test_equal_profiles_are_fully_compatible():
    assert compatibility(TUTOR, TUTOR).value == 1.0


def test_parts_lose_their_documented_weights():
    student = Profile(pace=2, style="flexible", communication=3, age=10)
    answer = compatibility(TUTOR, student)
    assert answer.lost == pytest.approx({"pace": 0.15, "style": 0.3, "communication": 0.05, "age": 0.2})
    assert answer.value == pytest.approx(0.3)


def test_missing_answers_neither_help_nor_hurt():
    answer = compatibility(TUTOR, Profile(pace=2))
    assert answer.value == pytest.approx(0.5)
    assert answer.missing == ("style", "communication", "age")


def test_nothing_answered_is_unknown_rather_than_average():
    assert compatibility(TUTOR, Profile()).value is None
