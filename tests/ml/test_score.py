"""The tutor score: shrinkage as measured, parts that add up, levels, and never a verdict on thin data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from apps.predictions.ml.frames import Initiator, Status
from apps.predictions.ml.metrics import MINIMUM_SESSIONS
from apps.predictions.ml.prior import (
    FITTED,
    NEUTRAL,
    NEUTRAL_RATES,
    NEUTRAL_RATING,
    Beta,
    Prior,
    fit_beta,
    fit_normal,
    fit_prior,
)
from apps.predictions.ml.score import is_reschedule_alert, measure, score_measured, score_tutors
from apps.predictions.ml.weights import LEVELS, level_of
from tests.ml.world import EPOCH, Rows, at, make_world

DAY = 24 * 3_600_000_000
NOW = EPOCH + 300 * DAY


@pytest.fixture(scope="module")
def world():
    return make_world(tutors=60, sessions=6_000, seed=2)


@pytest.fixture(scope="module")
def results(world):
    return score_tutors(world, np.arange(1, 61), NOW, fit_prior(world, NOW))


def one(value):
    return np.array([float(value)])


@pytest.mark.parametrize(
    ("events", "trials", "mean", "low", "high"), [(2, 3, 0.25, 0.10, 0.45), (30, 200, 0.15, 0.11, 0.19)]
)
def test_shrinkage_gives_the_measured_figures(events, trials, mean, low, high):
    """2 of 3 is .25 (.10 to .45), 30 of 200 is .150 (.11 to .19), under a prior of 15.3 % worth 12.5 sessions."""
    prior = Beta(mean=0.153, strength=12.5)
    assert prior == NEUTRAL_RATES["reschedule_rate"]
    found = prior.posterior_mean(one(events), one(trials))[0]
    ends = [end[0] for end in prior.interval(one(events), one(trials))]
    assert found == pytest.approx(mean, abs=0.005)
    assert ends == pytest.approx([low, high], abs=0.005)
    posterior = stats.beta(0.153 * 12.5 + events, 0.847 * 12.5 + trials - events)
    assert ends == pytest.approx(posterior.ppf([0.05, 0.95]))
    assert prior.chance_above(0.15, one(events), one(trials))[0] == pytest.approx(posterior.sf(0.15))


def test_fit_finds_the_prior_the_tutors_were_drawn_from():
    rng = np.random.default_rng(4)
    trials = rng.integers(5, 80, 2_000).astype(float)
    events = rng.binomial(trials.astype(int), rng.beta(0.2 * 15, 0.8 * 15, 2_000)).astype(float)
    fitted = fit_beta(events, trials, Beta(0.1, 50.0))
    assert (fitted.source, fitted.tutors, fitted.trials) == (FITTED, 2_000, int(trials.sum()))
    assert fitted.mean == pytest.approx(0.2, abs=0.01)
    assert fitted.strength == pytest.approx(15, rel=0.15)


def test_fit_of_ratings_finds_both_spreads():
    rng = np.random.default_rng(5)
    n = rng.integers(2, 60, 1_500)
    own = rng.normal(4.0, 0.4, 1_500)
    values = [rng.normal(mean, 0.8, count) for mean, count in zip(own, n, strict=True)]
    totals, squares = (np.array([part.sum() for part in parts]) for parts in (values, [v**2 for v in values]))
    fitted = fit_normal(n.astype(float), totals, squares, NEUTRAL_RATING)
    assert (fitted.mean, fitted.within_sd, fitted.between_sd) == pytest.approx((4.0, 0.8, 0.4), abs=0.03)


def test_few_tutors_leave_the_prior_neutral_and_say_so():
    neutral = NEUTRAL_RATES["reschedule_rate"]
    assert fit_beta(np.full(9, 5.0), np.full(9, 50.0), neutral) is neutral
    assert fit_beta(np.zeros(50), np.full(50, 50.0), neutral) is neutral
    assert neutral.source == NEUTRAL


def test_prior_survives_json(world):
    prior = fit_prior(world, NOW)
    assert Prior.from_dict(json.loads(json.dumps(prior.to_dict()))) == prior


def test_parts_add_up_to_the_score_exactly(results):
    for result in results:
        if result.score is not None:
            assert result.score == sum(driver["points"] for driver in result.drivers)
            assert all(0 <= driver["points"] <= driver["of"] for driver in result.drivers)
            assert sum(driver["of"] for driver in result.drivers) == 100
            assert 0 <= result.score_low <= result.score <= result.score_high <= 100
            assert all(driver["sentence"] for driver in result.drivers)
            assert result.level == level_of(result.score)
    assert len({result.score for result in results}) > 5


def test_minimum_volume_decides_between_a_score_and_not_enough_data(results):
    for result in results:
        assert (result.score is None) == (result.sessions_90d < MINIMUM_SESSIONS)


@pytest.mark.parametrize("sessions", [MINIMUM_SESSIONS - 1, MINIMUM_SESSIONS])
def test_thin_data_has_no_score_level_badge_or_alert(sessions):
    rows = Rows()
    for number in range(1, sessions + 1):
        rows.session(number, 10.0 * number).moved(number, Initiator.TUTOR, requested=10.0 * number - 1)
    (result,) = score_tutors(rows.frames(), np.array([1]), at(500), Prior.neutral())
    enough = sessions >= MINIMUM_SESSIONS
    assert (result.score is not None, result.over_reschedule_limit) == (enough, enough)
    assert (result.level == "not_enough_data") is not enough
    assert (result.reschedule_alert_probability is not None) is enough
    assert is_reschedule_alert(result.reschedule_alert_probability) is enough
    assert (result.reschedule_rate_90d, result.sessions_90d) == (1.0, sessions)


def test_badge_is_the_raw_rate_over_fifteen_percent_exactly():
    for moves, badge in ((3, False), (4, True)):
        rows = Rows()
        for number in range(1, 21):
            rows.session(number, 10.0 * number)
            if number <= moves:
                rows.moved(number, Initiator.TUTOR, requested=10.0 * number - 1)
            else:
                rows.ended(number, Status.COMPLETED, 10.0 * number + 1)
        (result,) = score_tutors(rows.frames(), np.array([1]), at(500), Prior.neutral())
        assert result.over_reschedule_limit is badge
        assert not is_reschedule_alert(result.reschedule_alert_probability)


@pytest.mark.parametrize(("moves", "alert"), [(10, False), (16, True)])
def test_alert_needs_nine_chances_in_ten(moves, alert):
    """Of 50 sessions: 10 moved is 20 %, not certain enough; 16 moved is."""
    rows = Rows()
    for number in range(1, 51):
        rows.session(number, 10.0 * number)
        if number <= moves:
            rows.moved(number, Initiator.TUTOR, requested=10.0 * number - 1)
        else:
            rows.ended(number, Status.COMPLETED, 10.0 * number + 1)
    (result,) = score_tutors(rows.frames(), np.array([1]), at(600), Prior.neutral())
    expected = stats.beta(0.153 * 12.5 + moves, 0.847 * 12.5 + 50 - moves).sf(0.15)
    assert result.reschedule_alert_probability == pytest.approx(expected, abs=1e-6)
    assert is_reschedule_alert(result.reschedule_alert_probability) is alert


def test_more_no_shows_never_raise_the_score():
    scores = []
    for absent in range(0, 12):
        rows = Rows()
        for number in range(1, 41):
            status = Status.NO_SHOW_TUTOR if number <= absent else Status.COMPLETED
            rows.session(number, 10.0 * number).ended(number, status, 10.0 * number + 1)
        (result,) = score_tutors(rows.frames(), np.array([1]), at(500), Prior.neutral())
        scores.append(result.score)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] - scores[-1] >= 10


def test_interval_narrows_with_evidence():
    widths = []
    for sessions in (10, 40, 120):
        rows = Rows()
        for number in range(1, sessions + 1):
            start = 10.0 * number
            rows.session(number, start).ended(number, Status.COMPLETED, start + 1).rated(number, 4, submitted=start + 2)
        (result,) = score_tutors(rows.frames(), np.array([1]), at(1_300), Prior.neutral())
        widths.append(result.score_high - result.score_low)
    assert widths == sorted(widths, reverse=True)


def test_same_facts_under_another_prior_are_measured_once(world):
    measured = measure(world, np.arange(1, 61), NOW)
    direct = score_tutors(world, np.arange(1, 61), NOW, Prior.neutral())
    assert score_measured(measured, Prior.neutral()) == direct
    assert score_measured(measured, fit_prior(world, NOW)) != direct


def test_score_does_not_depend_on_who_is_scored_beside(world, results):
    prior = fit_prior(world, NOW)
    assert score_tutors(world, np.array([7]), NOW, prior)[0] == results[6]


def test_levels_begin_at_their_lowest_score():
    for lowest, level in LEVELS:
        assert level_of(lowest) == level
        assert lowest == 0 or level_of(lowest - 1) != level
    assert level_of(None) == "not_enough_data"


def test_results_are_json():
    (result,) = score_tutors(Rows().session(1, 5).frames(), np.array([1]), at(10), Prior.neutral())
    assert json.loads(json.dumps(result.metrics)) == result.metrics
