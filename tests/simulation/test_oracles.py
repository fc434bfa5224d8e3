"""Oracles know exactly what they may: checked against sums written out by hand, and against each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm

from tutorscore.simulation import World, risk
from tutorscore.simulation.clock import DAY, WEEK
from tutorscore.simulation.oracles import (
    expected_auc,
    expected_brier,
    expected_recall,
    fraction,
    oracle_probabilities,
    session_rows_of,
    skill,
    truth_probabilities,
)
from tutorscore.simulation.people import SECOND_JOB_SHARE
from tutorscore.simulation.presets import BAD_WEEK_SHARE, RELIABILITY_RHO
from tutorscore.simulation.reliability_filter import GRID, ReliabilityFilter
from tutorscore.simulation.resolution import HELD, MOVED_BY_STUDENT, MOVED_BY_TUTOR, NONE, STUDENT_ABSENT, TUTOR_ABSENT
from tutorscore.simulation.rows import session_ids
from tutorscore.simulation.student_integrals import poor_given_tutor
from tutorscore.simulation.truth import decision_time

TINY = np.array([-1.2, 0.0, 1.2])


def questions(world: World, hours: int, since_week: int = 26) -> np.ndarray:
    """Sessions still scheduled ``hours`` before their start, from a week on."""
    sessions = world.sessions
    rows = np.flatnonzero(
        (sessions["root"] == NONE)
        & (sessions["start"] > world.setting.calendar.begin + since_week * WEEK)
        & (sessions["outcome_known_at"] <= world.now)
    )
    as_of = decision_time(world, rows, hours)
    requested = sessions["requested_at"][rows]
    return rows[(requested == NONE) | (requested > as_of)]


def first_rated(world: World) -> np.ndarray:
    sessions = world.sessions
    return np.flatnonzero((sessions["root"] == NONE) & (sessions["held_before"] == 0) & sessions["answered"])


def test_filter_equals_the_sum_over_all_paths(world: World) -> None:
    rows = questions(world, 24, since_week=2)
    early = rows[world.sessions["start"][rows] < world.setting.calendar.begin + 5 * WEEK]
    tutor = world.setting.pairs["tutor"][world.sessions["pair"][early]]
    busy = early[np.bincount(tutor, minlength=len(tutor))[tutor] >= 3]
    chosen = np.concatenate([busy[:4], busy[-4:]])
    as_of = decision_time(world, chosen, 24)
    found = ReliabilityFilter(world, chosen, TINY).move_probabilities(as_of)
    expected = [_by_hand(world, int(row), int(moment)) for row, moment in zip(chosen, as_of, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.ptp(found) > 0.01


def _by_hand(world: World, asked: int, as_of: int) -> float:
    """P(move in (as_of, start)) as a sum over second job and every path of the state on the tiny grid."""
    sessions, setting = world.sessions, world.setting
    tutors = setting.pairs["tutor"][sessions["pair"]]
    seen = np.flatnonzero((sessions["root"] == NONE) & (tutors == tutors[asked]) & (sessions["booked_at"] <= as_of))
    week = setting.calendar.week_of(sessions["start"])
    weeks = int(week[seen].max()) + 1
    step = norm.pdf(TINY[None, :], RELIABILITY_RHO * TINY[:, None], math.sqrt(1 - RELIABILITY_RHO**2))
    step /= step.sum(axis=1, keepdims=True)
    start = norm.pdf(TINY) / norm.pdf(TINY).sum()
    table = {
        (w, job, state): _week_terms(world, seen[week[seen] == w], asked, as_of, job, TINY[state])
        for w in range(weeks) for job in (False, True) for state in range(3)
    }  # fmt: skip
    total = wanted = 0.0
    for job, share in ((False, 1 - SECOND_JOB_SHARE), (True, SECOND_JOB_SHARE)):
        for path in itertools.product(range(3), repeat=weeks):
            weight = share * start[path[0]] * math.prod(step[a, b] for a, b in itertools.pairwise(path))
            terms = [table[w, job, state] for w, state in enumerate(path)]
            joint = weight * math.prod(evidence for evidence, _ in terms)
            total += joint
            wanted += joint / terms[week[asked]][0] * terms[week[asked]][1]
    return wanted / total


def _week_terms(world: World, rows: np.ndarray, asked: int, as_of: int, job: bool, state: float) -> tuple[float, float]:
    """(likelihood of the week, the same times the chance of a later move of ``asked``), bad week summed out."""
    evidence = answer = 0.0
    for bad, share in ((0, 1 - BAD_WEEK_SHARE), (1, BAD_WEEK_SHARE)):
        product, chance = share, 0.0
        for row in rows:
            likelihood, moved_later = _session_terms(world, int(row), as_of, job, bad, state)
            product *= likelihood
            chance = moved_later if row == asked else chance
        evidence += product
        answer += product * chance
    return evidence, answer


def _session_terms(world: World, row: int, as_of: int, job: bool, bad: int, state: float) -> tuple[float, float]:
    """(likelihood of what was known of one session, its chance of a later move given that it is still open)."""
    preset = world.setting.preset
    one = {name: values[row] for name, values in world.sessions.items()}
    move = float(expit(
        one["move_shown"] + preset.unreliability * state + preset.bad_week * bad
        + preset.second_job * (one["collides"] and job)
    ))  # fmt: skip
    student = risk.STUDENT_MOVE_SHARE
    absent = float(expit(preset.tutor_absent_intercept + preset.tutor_absent_unreliability * state + 0.8 * bad))
    late = float(expit(risk.LATE_INTERCEPT + risk.LATE_UNRELIABILITY * state))
    later = float(risk.late_share(one["start"], one["booked_at"], np.asarray(as_of)))
    still_open = 1 - (move + student) * (1 - later)
    if one["outcome_known_at"] > as_of:
        return still_open, move * later / still_open
    punctuality = 1.0 if one["tutor_joined_at"] == NONE else (late if one["late"] else 1 - late)
    reached = 1 - move - student
    likelihoods = {
        MOVED_BY_TUTOR: move,
        MOVED_BY_STUDENT: 1.0,
        STUDENT_ABSENT: reached,
        TUTOR_ABSENT: reached * absent,
        HELD: reached * (1 - absent) * punctuality,
    }
    return likelihoods[int(one["end"])], 0.0


def test_a_finer_grid_changes_nothing(world: World) -> None:
    rows = questions(world, 24)[::80]
    as_of = decision_time(world, rows, 24)
    usual = ReliabilityFilter(world, rows, GRID).move_probabilities(as_of)
    finer = ReliabilityFilter(world, rows, np.linspace(-4.5, 4.5, 151)).move_probabilities(as_of)
    assert np.abs(usual - finer).max() < 0.005


def test_filter_ignores_what_was_not_known(world: World) -> None:
    rows = questions(world, 24)[::60]
    as_of = decision_time(world, rows, 24)
    before = ReliabilityFilter(world, rows).move_probabilities(as_of)
    sessions = {name: values.copy() for name, values in world.sessions.items()}
    later = sessions["outcome_known_at"] > as_of.max()
    middle = (sessions["outcome_known_at"] > as_of.min()) & ~later
    sessions["end"][later] = MOVED_BY_TUTOR
    changed = World(world.requested_sessions, world.seed, world.preset, world.setting, sessions, world.events)
    last = np.argmax(as_of)
    assert ReliabilityFilter(changed, rows).move_probabilities(as_of)[last] == before[last]
    sessions["end"][middle] = MOVED_BY_TUTOR
    assert ReliabilityFilter(changed, rows).move_probabilities(as_of)[last] > before[last]


def test_tutor_known_equals_the_mean_over_students(world: World) -> None:
    rows = first_rated(world)[:3]
    setting, preset = world.setting, world.setting.preset
    student = setting.pairs["student"][world.sessions["pair"][rows]]
    rng = np.random.default_rng(0)
    strictness, need, chemistry = rng.normal(size=(3, 400_000))
    signals = rng.normal(size=(2, 400_000)) + np.stack([-strictness, need])
    answers = np.round(np.clip(signals, -2.0, 2.0) + 3).astype(int)
    shift = preset.strictness * strictness + preset.need * need + preset.chemistry * chemistry
    for row, one in zip(rows, student, strict=True):
        fits = np.ones(len(shift), dtype=bool)
        for stated, given in zip((setting.students["satisfaction"], setting.students["urgency"]), answers, strict=True):
            fits &= (given == stated[one]) | (stated[one] == -1)
        poor, rated = risk.poor_among_rated(world.sessions["poor_tutor"][row] + shift[fits])
        expected = poor.sum() / rated.sum()
        assert poor_given_tutor(world, np.array([row]))[0] == pytest.approx(expected, rel=0.03)


def test_knowing_more_ranks_better(world: World) -> None:
    moves = session_ids(questions(world, 24)).tolist()
    true = truth_probabilities(world, "reschedule", moves)
    known = oracle_probabilities(world, "reschedule", moves)
    assert expected_auc(true, true) > expected_auc(known, true) + 0.01 > 0.75
    firsts = session_ids(first_rated(world)).tolist()
    true = truth_probabilities(world, "first_session_poor", firsts)
    tutor_known = oracle_probabilities(world, "first_session_poor", firsts)
    assert expected_auc(true, true) > expected_auc(tutor_known, true) + 0.02 > 0.72
    assert 0.8 < expected_auc(true, true) < 0.87


@pytest.mark.parametrize("target", ["reschedule", "first_session_poor", "no_show_student", "no_show_tutor"])
def test_oracles_are_calibrated(world: World, target: str) -> None:
    rows = {
        "reschedule": questions(world, 24, 4),
        "first_session_poor": first_rated(world),
    }.get(target, questions(world, 0, 4)[::2])
    sessions = world.sessions
    label = {
        "reschedule": sessions["end"] == MOVED_BY_TUTOR,
        "first_session_poor": sessions["rating"] < 3,
        "no_show_student": sessions["end"] == STUDENT_ABSENT,
        "no_show_tutor": sessions["end"] == TUTOR_ABSENT,
    }[target][rows]
    stated = oracle_probabilities(world, target, session_ids(rows).tolist(), hours_ahead=24)
    assert stated.mean() == pytest.approx(label.mean(), rel=0.12)
    risky = stated > np.quantile(stated, 0.8)
    assert label[risky].mean() == pytest.approx(stated[risky].mean(), rel=0.2)
    assert label[risky].mean() > 1.4 * label[~risky].mean()


def test_later_questions_ask_for_less(world: World) -> None:
    ids = session_ids(questions(world, 24)).tolist()
    day, hours = (truth_probabilities(world, "reschedule", ids, hours_ahead=h) for h in (24, 6))
    assert (hours <= day).all()
    assert hours.mean() < 0.6 * day.mean()


def test_as_of_is_read_in_any_form(world: World) -> None:
    rows = questions(world, 24)[:50]
    ids = session_ids(rows).tolist()
    moments = pd.to_datetime(decision_time(world, rows, 24), unit="s", utc=True)
    expected = oracle_probabilities(world, "reschedule", ids, hours_ahead=24)
    for form in (moments, moments.strftime("%Y-%m-%dT%H:%M:%SZ"), moments.strftime("%Y-%m-%d %H:%M:%S+00:00")):
        np.testing.assert_array_equal(oracle_probabilities(world, "reschedule", ids, form), expected)
    np.testing.assert_array_equal(session_rows_of(ids), rows)


def test_questions_outside_the_reach_of_the_filter_are_refused(world: World) -> None:
    rows = questions(world, 24)[:5]
    with pytest.raises(ValueError, match="weeks before its session"):
        ReliabilityFilter(world, rows).move_probabilities(world.sessions["start"][rows] - 80 * DAY)
    with pytest.raises(ValueError, match="no oracle"):
        oracle_probabilities(world, "pair_churn", session_ids(rows).tolist(), oracle="filter")
    with pytest.raises(KeyError):
        oracle_probabilities(world, "weather", session_ids(rows).tolist())


def test_fraction_of_skill() -> None:
    true = np.array([0.1, 0.1, 0.3, 0.5])
    oracle = np.array([0.1, 0.1, 0.4, 0.4])
    base = np.full(4, 0.25)
    assert fraction(oracle, oracle, true) == 1.0
    assert fraction(base, oracle, true) == pytest.approx(0.0)
    assert fraction(true, oracle, true) == pytest.approx(0.11 / 0.09)
    assert expected_brier(true, true) == pytest.approx((0.09 + 0.09 + 0.21 + 0.25) / 4)


def test_expected_auc_counts_ties_as_half() -> None:
    true = np.array([0.2, 0.8])
    assert expected_auc(np.array([0.3, 0.3]), true) == pytest.approx(0.5)
    assert expected_auc(np.array([0.1, 0.9]), true) == pytest.approx((0.8 * 0.8 + 0.5 * (0.16 + 0.16)) / (1.0 * 1.0))


def test_expected_recall_is_the_most_a_threshold_finds_at_its_precision() -> None:
    truth = np.array([0.9, 0.5, 0.5, 0.1])
    assert expected_recall(truth, truth, 0.6) == pytest.approx(1.9 / 2.0)
    assert expected_recall(truth, truth, 0.8) == pytest.approx(0.9 / 2.0)
    assert expected_recall(truth, truth, 0.95) == 0.0


def test_skill_reads_a_table_of_answers(world: World) -> None:
    rows = questions(world, 24)[:300]
    ids = session_ids(rows)
    as_of = pd.to_datetime(decision_time(world, rows, 24), unit="s", utc=True)
    oracle = oracle_probabilities(world, "reschedule", ids.tolist(), as_of)
    found = skill(world, "reschedule", pd.DataFrame({"session_id": ids, "as_of": as_of, "probability": oracle}))
    assert found["oracle"] == "filter"
    assert found["fraction"] == 1.0
    assert found["auc"] == found["auc_oracle"] < found["auc_omniscient"]
    assert found["n"] == 300
