"""Sums, scores and drains on random histories, held against a hand-written SQL count and a full recompute.

Histories are drawn in batches of tutors of one partner, so that one load and one count answer for all of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from apps.predictions.actions import scores
from apps.predictions.actions.score_checks import verify_scores
from apps.predictions.actions.scores import drain_stale_tutors, refit_prior
from apps.predictions.ml import resolutions
from apps.predictions.ml import score as ml_score
from apps.predictions.ml.frames import DAY, NEVER
from apps.predictions.ml.intervals import foremost
from apps.predictions.ml.metrics import METRICS, WINDOWS_DAYS
from apps.predictions.ml.resolutions import Counted, Resolutions
from apps.predictions.ml.windows import TutorFacts
from apps.predictions.models import TutorScore
from apps.tutors.models import StaleTutor
from tests.factories import PartnerFactory
from tests.predictions.tutor_histories import LAST, WINDOWS, Writer, at, counted_by_oracle, counted_by_product, drawn

pytestmark = pytest.mark.django_db

ORACLE = (Path(__file__).parent / "score_oracle.sql").read_text()
BATCH = 200
SEEDS = max(2, round(50 * float(os.environ.get("TEST_SCALE", "1"))))
MANY = [pytest.param(number, marks=[pytest.mark.slow, pytest.mark.timeout(1200)]) for number in range(2, 2 + SEEDS)]

MOMENTS = (at(LAST), at(LAST) - timedelta(microseconds=1), at(LAST - 1), at(LAST - 7), at(LAST - 10), at(5))


def written(histories: list[list[tuple]]) -> list[Writer]:
    partner = PartnerFactory()
    writers = [Writer(partner, number) for number in range(len(histories))]
    for writer, history in zip(writers, histories, strict=True):
        for fact in history:
            writer.write(fact)
    return writers


def differences(writers: list[Writer], moment: datetime) -> list[str]:
    """What the product and the oracle do not agree on."""
    tutor_ids = [tutor.pk for writer in writers for tutor in writer.tutors]
    found = counted_by_product(writers[0].partner, tutor_ids, moment)
    wrong = []
    for days in WINDOWS:
        expected = counted_by_oracle(ORACLE, moment, days)
        for key in sorted(found[days].keys() | expected.keys()):
            ours, theirs = found[days].get(key, 0.0), expected.get(key, 0.0)
            if ours != pytest.approx(theirs, abs=1e-6):
                wrong.append(f"tutor {key[0]}: {key[1]} over {days} days at {moment} is {ours}, counted {theirs}")
    return wrong


@pytest.mark.parametrize("number", [0, *MANY])
def test_sums_equal_the_hand_written_count(number):
    histories = drawn(BATCH, number)
    writers = written(histories)
    assert len(histories) >= BATCH * 0.9
    assert [line for moment in MOMENTS for line in differences(writers, moment)] == []


# Scores that are kept up to date by marks ----------------------------------------------------------------------------


def drained(histories: list[list[tuple]], number: int, limit: int = 40) -> list[Writer]:
    """Facts arrive in turn while the drainer runs now and then; at the end it is LAST and, if it can, nobody waits.

    Odd numbers have late facts arrive when it is LAST already, so that time alone cannot heal what a mark should have.
    """
    rng, partner, now = random.Random(number), PartnerFactory(), at(0)
    writers = [Writer(partner, place) for place in range(len(histories))]
    for turn in range(max(map(len, histories))):
        for writer, history in zip(writers, histories, strict=True):
            if turn < len(history):
                writer.write(history[turn])
        if turn % 4 == 3:
            now = at(LAST) if turn > 10 and number % 2 else max(now, at(rng.randint(0, LAST)))
            drain_stale_tutors(now=now, limit=rng.choice((1, 5, 37)))
        if turn == 6:
            refit_prior(partner=partner, now=now)
    for _ in range(30):
        if not drain_stale_tutors(now=at(LAST), limit=limit).tutor_ids:
            break
    return writers


def stored_wrongly(writers: list[Writer]) -> list[str]:
    """Stored scores that are not the full recompute or not what the oracle counts, and tutors who still wait."""
    partner = writers[0].partner
    report = verify_scores(now=at(LAST), partner=partner)
    wrong = [f"tutor {tutor}: {fields}" for tutor, fields in report.mismatches.items()]
    wrong += [f"{report.waiting} wait"] if report.waiting else []
    rows = list(TutorScore.objects.filter(tutor__partner=partner))
    for days in WINDOWS_DAYS:
        counts = counted_by_oracle(ORACLE, at(LAST), days)
        for row in rows:
            for metric in METRICS.values():
                bottom = metric.bottom or metric.top
                excused = metric.excused_bottom if metric.bottom else metric.excused_top
                expected = counts.get((row.tutor_id, bottom), 0) - counts.get((row.tutor_id, excused), 0)
                if row.metrics[metric.key][f"{days}d"]["n"] != expected:
                    wrong.append(f"tutor {row.tutor_id}: {metric.key} over {days} days")
    return wrong


@pytest.mark.parametrize("number", [0, 1, *MANY])
def test_drained_scores_equal_a_full_recompute_and_the_count(number, monkeypatch):
    monkeypatch.setattr(ml_score, "MINIMUM_SESSIONS", 1)
    assert stored_wrongly(drained(drawn(BATCH // 2, number), number)) == []
    assert not StaleTutor.objects.exists()


# Planted bugs: an oracle that cannot catch these proves nothing ------------------------------------------------------


def _window_too_long(patch):
    original = Counted.timeline
    patch.setattr(Counted, "timeline", lambda facts, group, days: original(_aged(facts, 1), group, days))


def _window_too_short(patch):
    original = Counted.timeline
    patch.setattr(Counted, "timeline", lambda facts, group, days: original(_aged(facts, -1), group, days))


def _aged(facts, microseconds):
    moved = facts.happened + microseconds
    return Counted(facts.row, moved, facts.enter, facts.leave, facts.weight, facts.source)


def _corrections_ignored(patch):
    original = resolutions._counted

    def for_ever(facts, enter, leave, happened=None):
        return original(facts, enter, leave * 0 + NEVER, happened)

    patch.setattr(resolutions, "_counted", for_ever)


def _known_too_early(patch):
    original = resolutions._counted

    def at_once(facts, enter, leave, happened=None):
        return original(facts, facts.happened, leave, happened)

    patch.setattr(resolutions, "_counted", at_once)


def _session_resolved_twice(patch):
    original = Resolutions.moved.func
    patch.setattr(Resolutions, "moved", property(lambda self: original(self).where(original(self).weight > 0)))


def _first_request_stands(patch):
    original = Resolutions._requests.func
    patch.setattr(
        Resolutions,
        "_requests",
        property(lambda self: original(self).where(_first_of(original(self).row))),
    )


def _first_of(rows):
    return [place == 0 or rows[place] != rows[place - 1] for place in range(len(rows))]


def _last_session_is_first(patch):
    patch.setattr(resolutions, "foremost", lambda group, rank, *span: foremost(group, -rank, *span))


def _leave_known_beforehand(patch):
    original = resolutions._leaves

    def early(history):
        tutor, begins, ends, enter, leave = original(history)
        return tutor, begins, ends, enter - 30 * DAY, leave

    patch.setattr(resolutions, "_leaves", early)


BUGS: list[Callable[[pytest.MonkeyPatch], None]] = [
    _window_too_long,
    _window_too_short,
    _corrections_ignored,
    _known_too_early,
    _session_resolved_twice,
    _first_request_stands,
    _last_session_is_first,
    _leave_known_beforehand,
]


def test_planted_bugs_in_the_sums_are_found():
    writers = written(drawn(80, 0))
    missed = []
    for bug in BUGS:
        with pytest.MonkeyPatch.context() as patch:
            bug(patch)
            if not any(differences(writers, moment) for moment in MOMENTS):
                missed.append(bug.__name__)
    assert missed == []


def _ageing_unnoticed(patch):
    patch.setattr(TutorFacts, "next_change", lambda self, ids, as_of, days: as_of * 0 + NEVER)


def _marks_deleted_unread(patch):
    original = scores._claim_marks

    def greedy(limit):
        claimed = original(limit)
        StaleTutor.objects.all().delete()
        return claimed

    patch.setattr(scores, "_claim_marks", greedy)


def _drain_reads_too_far_back(patch):
    original = scores.to_microseconds
    patch.setattr(scores, "to_microseconds", lambda moment: original(moment) - DAY)


@pytest.mark.parametrize("bug", [_ageing_unnoticed, _marks_deleted_unread, _drain_reads_too_far_back])
def test_planted_bugs_in_the_drainer_are_found(bug, monkeypatch):
    bug(monkeypatch)
    assert any(stored_wrongly(drained(drawn(30, number), number, limit=5)) for number in (0, 1))
