"""Who gets a mail, and what a threshold brings."""

from __future__ import annotations

import numpy as np
import pytest

from apps.predictions.ml.policy import NEVER_REACHED, Policy, fixed, for_precision, read_out, should_alert, top_share
from apps.predictions.ml.targets import level, risk_score

SCORES = np.linspace(0.01, 1.0, 100)


def test_the_riskiest_share_is_chosen():
    policy = top_share(SCORES, 0.15)
    assert sum(should_alert(policy, score) for score in SCORES) == 15
    assert not should_alert(policy, 0.85)


def test_the_former_rule_says_yes_from_one_half():
    assert should_alert(fixed(), 0.5)
    assert not should_alert(fixed(), 0.4999)


def test_the_smallest_threshold_that_reaches_the_precision_is_found():
    scores = np.array([0.9, 0.7, 0.5, 0.4, 0.1])
    policy = for_precision(scores, 0.6)
    assert policy.threshold == 0.4, "mean of .9 .7 .5 .4 is .625, with .1 it is .52"


def test_a_precision_out_of_reach_chooses_nobody():
    policy = for_precision(np.array([0.5, 0.3]), 0.6)
    assert policy.threshold == NEVER_REACHED
    assert not should_alert(policy, 1.0)
    told = read_out(policy, np.array([1.0, 0.0]), np.array([0.5, 0.3]))
    assert (told["reachable"], told["chosen"]) == (False, 0)


def test_read_out_counts_hits_and_misses():
    label = np.array([1.0, 0.0, 1.0, 0.0])
    told = read_out(fixed(0.5), label, np.array([0.9, 0.6, 0.4, 0.1]))
    assert told["confusion"] == {"true_positive": 1, "false_positive": 1, "false_negative": 1, "true_negative": 1}
    assert (told["precision"]["value"], told["recall"]["value"]) == (0.5, 0.5)
    assert told["precision"]["low"] == pytest.approx(0.0945, abs=1e-3)
    assert told["precision"]["high"] == pytest.approx(0.9055, abs=1e-3)


def test_a_policy_survives_storage():
    policy = top_share(SCORES)
    assert Policy(**policy.to_dict()) == policy


@pytest.mark.parametrize(
    ("target", "probability", "expected"),
    [
        ("first_session_poor", 0.2999, "LOW"), ("first_session_poor", 0.3, "MEDIUM"),
        ("first_session_poor", 0.5, "HIGH"), ("first_session_poor", 0.7, "CRITICAL"),
        ("reschedule", 0.1499, "LOW"), ("reschedule", 0.15, "MEDIUM"), ("reschedule", 0.35, "HIGH"),
        ("reschedule", 0.99, "HIGH"), ("no_show_student", 0.2, "HIGH"),
    ],
)  # fmt: skip
def test_levels_begin_at_their_band(target, probability, expected):
    assert level(target, probability) == expected


def test_risk_score_is_a_whole_number_of_hundred():
    assert [risk_score(value) for value in (0.0, 0.005, 0.744, 1.0)] == [0, 0, 74, 100]
