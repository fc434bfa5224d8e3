"""Tips: for the reasons first, then the situation; at most five; never a word about risk or other tutors."""

from __future__ import annotations

import itertools
import re

import pytest

from apps.alerts.tips.catalogue import BEST_PRACTICES, CATALOGUE, ROOM, Moment
from apps.alerts.tips.choice import FEWEST_TIPS, MOST_TIPS, choose, write_out
from apps.alerts.tips.situation import Family, Situation
from apps.predictions.ml.features import GROUPS

PLAIN = Situation(hour=14, subject="history", age=13, tenure_days=500)
TOLD = [name for name, group in GROUPS.items() if group.tutor_may_see]
MOMENTS = {tip.key: tip.moment for tip in CATALOGUE}


def situations() -> list[Situation]:
    options = itertools.product(
        (8, 14, 21),
        ("algebra", "english", "physics", "chess"),
        (None, 8, 13, 17),
        (None, 20, 500),
        (None, 1, 5),
        ("", "structured", "flexible", "interactive", "traditional", "modern"),
    )
    return [
        Situation(hour=hour, subject=subject, age=age, tenure_days=tenure, pace=pace, teaching_style=style)
        for hour, subject, age, tenure, pace, style in options
    ]


def test_three_to_five_tips_each_once_in_the_order_of_the_hour():
    for at in situations():
        for reasons in ([], TOLD, TOLD[::-1]):
            keys = choose(reasons, at)
            assert FEWEST_TIPS <= len(keys) <= MOST_TIPS
            assert len(set(keys)) == len(keys)
            moments = [MOMENTS[key] for key in keys]
            assert moments == sorted(moments)
            assert all(moments.count(moment) <= ROOM[moment] for moment in Moment)


def test_a_mail_never_names_two_ways_to_open_the_hour():
    keys = choose(["timing", "subject", "match"], Situation(hour=8, subject="algebra", pace=1))
    assert [MOMENTS[key] for key in keys].count(Moment.FIRST_TASK) == 1


@pytest.mark.parametrize(
    ("group", "at", "expected"),
    [
        ("first_sessions", PLAIN, "agree_on_goals"),
        ("ratings", PLAIN, "check_understanding"),
        ("engagement", PLAIN, "two_interactive_parts"),
        ("punctuality", PLAIN, "be_early"),
        ("load", PLAIN, "clear_the_day"),
        ("load", Situation(hour=14, has_session_just_before=True), "keep_time_before"),
        ("experience", Situation(hour=14, tenure_days=20), "materials_and_plan_b"),
        ("experience", PLAIN, "fresh_look"),
        ("timing", Situation(hour=8), "energise"),
        ("timing", PLAIN, "short_pause"),
        ("subject", Situation(hour=14, subject="Algebra"), "diagnostic_problem"),
        ("subject", Situation(hour=14, subject="English"), "let_them_speak"),
        ("subject", Situation(hour=14, subject="physics"), "start_from_phenomenon"),
        ("subject", PLAIN, "ask_for_material"),
        ("match", Situation(hour=14, pace=5), "fast_pace"),
        ("student_needs", Situation(hour=14, goals="exam preparation"), "exam_questions"),
    ],
)
def test_every_reason_a_tutor_may_see_is_answered(group, at, expected):
    assert expected in choose([group], at)


def test_every_group_a_tutor_may_see_has_a_tip_and_no_tip_answers_another():
    answered = {group for tip in CATALOGUE for group in tip.groups}
    assert answered == set(TOLD)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (Situation(hour=14, age=9), "short_steps"),
        (Situation(hour=14, age=17), "student_sets_goals"),
        (Situation(hour=14, tenure_days=89), "materials_and_plan_b"),
        (Situation(hour=9), "energise"),
        (Situation(hour=18), "energise"),
        (Situation(hour=14, is_new_to_tutoring=True), "explain_tutoring"),
        (Situation(hour=14, urgency=5), "what_is_urgent"),
        (Situation(hour=14, communication=1), "calm_tone"),
        (Situation(hour=14, communication=5), "relaxed_tone"),
        (Situation(hour=14, pace=1), "slow_pace"),
    ],
)
def test_the_situation_brings_its_own_tips(at, expected):
    assert expected in choose([], at)


def test_edges_of_age_hour_and_tenure():
    keys = choose([], Situation(hour=10, age=10, tenure_days=90, pace=3, communication=3, urgency=3))
    assert not {"short_steps", "energise", "materials_and_plan_b", "slow_pace", "calm_tone"} & set(keys)
    assert "student_sets_goals" not in choose([], Situation(hour=17, age=16))


def test_at_most_three_tips_come_from_reasons_so_that_the_student_is_not_forgotten():
    at = Situation(hour=14, age=9, teaching_style="structured")
    keys = choose(["ratings", "first_sessions", "punctuality", "engagement", "load"], at)
    assert "two_interactive_parts" not in keys and "clear_the_day" not in keys
    assert "show_the_plan" in keys


def test_the_same_question_gets_the_same_tips():
    assert choose(TOLD, PLAIN) == choose(list(TOLD), PLAIN)


def test_tips_never_speak_of_risk_rank_blame_or_others():
    said = " ".join(f"{tip.title} {tip.text}" for tip in CATALOGUE) + " ".join(BEST_PRACTICES)
    assert not re.search(
        r"\b(risk|score|rank|level of risk|probab|percent|%|poor|bad|fail|complain|other tutors?|rated|rating|weak)\b",
        said,
        re.IGNORECASE,
    )


def test_a_sentence_that_begins_with_an_unknown_student_begins_with_a_capital():
    [(title, text)] = write_out(["slow_pace"], "your new student")
    assert title == "Start with one your new student can solve."
    assert text.startswith("Your new student likes to take it slowly.")


def test_tips_that_left_the_catalogue_are_passed_over():
    assert write_out(["gone", "calm_tone"], "Elif") == [
        (
            "Keep the tone calm and precise.",
            "Elif prefers a more formal way of talking. Full sentences and a clear next step give security.",
        )
    ]


def test_a_subject_belongs_to_a_family_by_whole_words():
    assert Situation(hour=9, subject="Further Mathematics").family == Family.MATHEMATICS
    assert Situation(hour=9, subject="aftermath").family is None
