"""Scoring tutors from rows: what is stored, what becomes history, what a mark does."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django_celery_beat.models import PeriodicTask

from apps.predictions.actions import scores
from apps.predictions.actions.score_checks import verify_scores
from apps.predictions.actions.scores import drain_stale_tutors, refit_prior, rescore_tutors
from apps.predictions.ml.weights import WEIGHTS, Driver
from apps.predictions.models import MetricPrior, ScoreChange, TutorScore
from apps.predictions.tasks.scores import drain_stale_tutors_task
from apps.tutors.models import StaleTutor
from tests.factories import NOON, FeedbackFactory, PartnerFactory, RescheduleFactory, SessionFactory, TutorFactory
from tutorscore.lib.models import Heartbeat

pytestmark = pytest.mark.django_db


def held(tutor, days_ago, **fields):
    return SessionFactory(tutor=tutor, status="completed", scheduled_start=NOON - timedelta(days=days_ago), **fields)


def moved(tutor, days_ago, **fields):
    start = NOON - timedelta(days=days_ago)
    session = SessionFactory(tutor=tutor, status="rescheduled", scheduled_start=start, recorded_at=start)
    return RescheduleFactory(session=session, **fields)


def tutor_with(held_days, moved_days=()):
    tutor = TutorFactory()
    for day in held_days:
        held(tutor, day)
    for day in moved_days:
        moved(tutor, day)
    return tutor


def test_score_is_stored_with_every_window():
    tutor = tutor_with(range(1, 41), moved_days=[2, 20, 50])
    FeedbackFactory(session=held(tutor, 41), rating=4)

    report = rescore_tutors(partner=tutor.partner, now=NOON)

    score = TutorScore.objects.get(tutor=tutor)
    assert (report.tutors, report.changes) == (1, 1)
    assert score.sessions_90d == 44
    assert score.score == sum(driver["points"] for driver in score.drivers)
    assert score.score_low <= score.score <= score.score_high
    assert score.metrics["reschedule_rate"]["90d"] | {"low": 0, "high": 0} == {
        "value": round(3 / 44, 6), "n": 44, "count": 3, "low": 0, "high": 0,
    }  # fmt: skip
    assert score.metrics["reschedule_rate"]["7d"]["count"] == 1
    assert score.metrics["completed"]["30d"]["value"] == 30  # the one of 30 days ago ended an hour later
    assert (score.rating_90d, score.reschedule_rate_90d) == (4, round(3 / 44, 6))
    assert score.prior.version == 1


def test_few_sessions_are_not_enough_data():
    tutor = tutor_with([1, 2], moved_days=[3, 4])

    rescore_tutors(partner=tutor.partner, now=NOON)

    score = TutorScore.objects.get(tutor=tutor)
    assert (score.score, score.level, score.drivers) == (None, "not_enough_data", [])
    assert (score.sessions_90d, score.reschedule_rate_90d) == (4, 0.5)
    assert not score.over_reschedule_limit
    assert score.reschedule_alert_probability is None


def test_tutor_without_any_session_has_a_row():
    tutor = TutorFactory()
    rescore_tutors(partner=tutor.partner, now=NOON)
    assert TutorScore.objects.get(tutor=tutor).level == "not_enough_data"


def test_badge_is_raw_and_alert_needs_certainty():
    tutor = tutor_with(range(1, 9), moved_days=range(1, 3))
    certain = TutorFactory(partner=tutor.partner)
    for day in range(1, 31):
        (moved if day % 2 else held)(certain, day)

    rescore_tutors(partner=tutor.partner, now=NOON)

    doubtful, sure = TutorScore.objects.get(tutor=tutor), TutorScore.objects.get(tutor=certain)
    assert doubtful.over_reschedule_limit
    assert sure.over_reschedule_limit
    assert doubtful.reschedule_alert_probability < 0.9 < sure.reschedule_alert_probability


def test_scoring_again_changes_nothing():
    tutor = tutor_with(range(1, 15))
    rescore_tutors(partner=tutor.partner, now=NOON)
    before = TutorScore.objects.values().get()

    report = rescore_tutors(partner=tutor.partner, now=NOON)

    assert report.changes == 0
    assert ScoreChange.objects.count() == 1
    after = TutorScore.objects.values().get()
    assert before | {"computed_at": None} == after | {"computed_at": None}


def test_drain_answers_marks_and_deletes_them():
    tutor, other = tutor_with(range(1, 15)), TutorFactory()
    rescore_tutors(partner=tutor.partner, now=NOON)
    rescore_tutors(partner=other.partner, now=NOON)
    session = SessionFactory(tutor=tutor, status="no_show_tutor", scheduled_start=NOON - timedelta(hours=2))
    session.recorded_at = NOON - timedelta(minutes=30)
    session.save()
    StaleTutor.objects.create(tutor=tutor, reason="session")
    StaleTutor.objects.create(tutor=tutor, reason="session")

    report = drain_stale_tutors(now=NOON)

    assert (report.tutor_ids, report.marks, report.changes) == ([tutor.pk], 2, 1)
    assert not StaleTutor.objects.exists()
    score = TutorScore.objects.get(tutor=tutor)
    assert score.metrics["no_show_rate"]["7d"]["count"] == 1
    assert ScoreChange.objects.filter(tutor=tutor).latest("pk").cause == "facts"


def test_drain_notices_facts_that_age_out_of_a_window():
    tutor = tutor_with(range(1, 15))
    rescore_tutors(partner=tutor.partner, now=NOON)
    score = TutorScore.objects.get(tutor=tutor)
    assert score.metrics["completed"]["7d"]["count"] == 7
    assert score.next_change_at == NOON + timedelta(hours=1)  # the session of seven days ago ended at 13:00

    assert drain_stale_tutors(now=NOON + timedelta(minutes=59)).tutor_ids == []
    assert drain_stale_tutors(now=NOON + timedelta(hours=1)).tutor_ids == [tutor.pk]

    score.refresh_from_db()
    assert score.metrics["completed"]["7d"]["count"] == 6


def test_drain_is_bounded_and_serves_the_longest_waiting_first():
    partner = PartnerFactory()
    tutors = [TutorFactory(partner=partner) for _ in range(3)]
    rescore_tutors(partner=partner, now=NOON)
    for tutor in reversed(tutors):
        StaleTutor.objects.create(tutor=tutor, reason="session")

    assert set(drain_stale_tutors(now=NOON, limit=2).tutor_ids) == {tutors[1].pk, tutors[2].pk}
    assert list(StaleTutor.objects.values_list("tutor_id", flat=True)) == [tutors[0].pk]


def test_change_of_prior_is_told_from_a_change_of_the_tutor():
    partner = PartnerFactory()
    tutor = TutorFactory(partner=partner)
    for day in range(1, 15):
        held(tutor, day)
    rescore_tutors(partner=partner, now=NOON)
    for _ in range(12):
        other = TutorFactory(partner=partner)
        for day in range(1, 21):
            (moved if day % 3 else held)(other, day)
    for hour in range(1, 4):
        moved(tutor, hour / 24)

    prior = refit_prior(partner=partner, now=NOON)

    assert prior.version == 2
    assert prior.parameters["rates"]["reschedule_rate"]["source"] == "fitted"
    first, facts, changed = ScoreChange.objects.filter(tutor=tutor).order_by("pk")
    assert [facts.cause, facts.prior.version] == ["facts", 1]
    assert [changed.cause, changed.prior.version] == ["prior", 2]
    assert facts.score < first.score
    assert changed.score == TutorScore.objects.get(tutor=tutor).score
    assert not StaleTutor.objects.exists()


def test_change_of_weights_is_told_from_a_change_of_the_tutor():
    tutor = tutor_with(range(1, 15))
    rescore_tutors(partner=tutor.partner, now=NOON)
    halved = tuple(Driver(d.key, d.name, d.parts[:1]) for d in WEIGHTS[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WEIGHTS, 2, halved)
        patch.setattr(scores, "WEIGHTS_VERSION", 2)
        rescore_tutors(partner=tutor.partner, now=NOON)
        assert TutorScore.objects.get().weights_version == 2

    assert [change.cause for change in ScoreChange.objects.order_by("pk")] == ["facts", "weights"]


def test_first_prior_is_neutral_and_versions_count_up():
    tutor = tutor_with([1])
    rescore_tutors(partner=tutor.partner, now=NOON)
    refit_prior(partner=tutor.partner, now=NOON + timedelta(days=7))
    assert list(MetricPrior.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
    assert MetricPrior.objects.first().parameters["rates"]["reschedule_rate"]["source"] == "neutral"


def test_tutor_another_worker_is_scoring_keeps_its_marks():
    tutor = tutor_with([1])
    StaleTutor.objects.create(tutor=tutor, reason="session")
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [scores._LOCK_CLASS, tutor.pk])
        assert drain_stale_tutors(now=NOON).tutor_ids == []
        assert StaleTutor.objects.count() == 1
    assert drain_stale_tutors(now=NOON).tutor_ids == [tutor.pk]


def test_verify_finds_a_wrong_score_and_has_it_scored_again():
    tutor = tutor_with(range(1, 15))
    rescore_tutors(partner=tutor.partner, now=NOON)
    assert verify_scores(now=NOON).mismatches == {}
    TutorScore.objects.filter(tutor=tutor).update(score=1, level="at_risk")
    forgotten = TutorFactory(partner=tutor.partner)

    report = verify_scores(now=NOON)

    assert report.mismatches == {tutor.pk: ["score", "level"], forgotten.pk: ["score"]}
    assert report.checked == 2
    drain_stale_tutors(now=NOON)
    assert verify_scores(now=NOON).mismatches == {}


def test_verify_leaves_tutors_alone_who_wait_anyway():
    tutor = tutor_with(range(1, 15))
    rescore_tutors(partner=tutor.partner, now=NOON)
    TutorScore.objects.filter(tutor=tutor).update(score=1)
    StaleTutor.objects.create(tutor=tutor, reason="session")
    report = verify_scores(now=NOON)
    assert (report.checked, report.waiting, report.mismatches) == (0, 1, {})


def test_command_scores_named_tutors_and_refuses_unknown_ones(capsys):
    tutor = tutor_with([1])
    TutorFactory(partner=tutor.partner)
    call_command("score_tutors", tutor.external_id, partner=tutor.partner.slug)
    assert "1 tutors scored" in capsys.readouterr().out
    assert list(TutorScore.objects.values_list("tutor_id", flat=True)) == [tutor.pk]
    with pytest.raises(CommandError, match="has no tutor nobody"):
        call_command("score_tutors", "nobody", partner=tutor.partner.slug)
    with pytest.raises(CommandError, match="no partner 'nowhere'"):
        call_command("score_tutors", partner="nowhere")


def test_command_fails_when_a_stored_score_is_wrong(capsys):
    tutor = tutor_with(range(1, 15))
    call_command("score_tutors", partner=tutor.partner.slug)
    call_command("verify_scores")
    assert "1 scores checked, 0 waiting to be scored anyway, 0 wrong" in capsys.readouterr().out
    TutorScore.objects.update(sessions_90d=3)
    with pytest.raises(CommandError, match="differ from a full recompute"):
        call_command("verify_scores", partner=tutor.partner.slug)


def test_minute_task_scores_once_per_slot():
    tutor = tutor_with([1])
    StaleTutor.objects.create(tutor=tutor, reason="session")
    with time_machine.travel(NOON, tick=False):
        drain_stale_tutors_task()
        StaleTutor.objects.create(tutor=tutor, reason="session")
        drain_stale_tutors_task()
        assert StaleTutor.objects.count() == 1
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        drain_stale_tutors_task()
    assert not StaleTutor.objects.exists()
    assert Heartbeat.objects.get(job="predictions.drain_stale_tutors").summary["tutors"] == 1


def test_every_score_task_is_scheduled():
    scheduled = set(PeriodicTask.objects.values_list("task", flat=True))
    assert {"predictions.drain_stale_tutors", "predictions.verify_scores", "predictions.refit_priors"} <= scheduled


def test_query_count_of_a_drain_does_not_grow_with_tutors(django_assert_max_num_queries):
    partner = PartnerFactory()
    for _ in range(6):
        held(TutorFactory(partner=partner), 1)
    rescore_tutors(partner=partner, now=NOON)
    StaleTutor.objects.bulk_create(StaleTutor(tutor=tutor, reason="session") for tutor in partner.tutors.all())
    with django_assert_max_num_queries(35):
        assert len(drain_stale_tutors(now=NOON).tutor_ids) == 6
