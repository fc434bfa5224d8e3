"""Schedules exist, each slot works once, and scratch partners take no part."""

from __future__ import annotations

from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django_celery_beat.models import PeriodicTask

from apps.predictions.models import ModelVersion, Outcome, PerformanceLog, Prediction
from apps.predictions.tasks import learning
from tests.factories import (
    NOON,
    FeedbackFactory,
    ModelVersionFactory,
    PartnerFactory,
    PredictionFactory,
    SessionFactory,
)
from tutorscore.celery import app
from tutorscore.lib.models import Heartbeat, JobSlot

pytestmark = pytest.mark.django_db

TASKS = {
    "predictions.predict_changed": learning.predict_changed_task,
    "predictions.record_outcomes": learning.record_outcomes_task,
    "predictions.evaluate_models": learning.evaluate_models_task,
    "predictions.train_models": learning.train_models_task,
}


@pytest.mark.parametrize("name", TASKS)
def test_task_is_scheduled_and_known_to_the_worker(name):
    assert PeriodicTask.objects.filter(task=name, enabled=True).count() == 1
    assert name in app.tasks


def test_training_waits_on_its_own_queue_and_is_acknowledged_early():
    task = learning.train_models_task
    assert PeriodicTask.objects.get(task=task.name).queue == "train"
    assert (task.acks_late, task.time_limit) == (False, 3600)


@pytest.mark.parametrize(("name", "task"), TASKS.items())
def test_slot_works_once(name, task):
    with time_machine.travel(NOON, tick=False):
        task()
        task()
    slot = JobSlot.objects.get(job=name)
    assert (slot.attempts, slot.finished_at) == (1, NOON)
    assert Heartbeat.objects.get(job=name).beat_at == NOON


def test_outcomes_of_a_day_are_joined_for_partners_but_not_for_scratch():
    real, scratch = FeedbackFactory(), FeedbackFactory(session__tutor__partner__is_scratch=True)
    for said in (real, scratch):
        PredictionFactory(session=said.session, is_decision=True, model_version__standing="retired")
    with time_machine.travel(NOON.replace(day=20), tick=False):
        learning.record_outcomes_task()
    assert [outcome.session for outcome in Outcome.objects.all()] == [real.session]


def test_week_is_evaluated():
    ModelVersionFactory()
    with time_machine.travel(NOON, tick=False):
        learning.evaluate_models_task()
    assert PerformanceLog.objects.count() == 1
    assert Heartbeat.objects.get(job="predictions.evaluate_models").summary == {
        "first_session_poor": {"sample_size": 0, "auc_roc": None}
    }


def test_new_booking_is_answered_by_the_next_minute(make_champion):
    make_champion()
    with time_machine.travel(NOON, tick=False):
        session = SessionFactory(scheduled_start=NOON.replace(day=4), booked_at=NOON)
        learning.predict_changed_task()
    assert Prediction.objects.get(session=session, target="reschedule").is_latest


def test_only_marked_partners_teach():
    PartnerFactory(trains_models=False)
    with time_machine.travel(NOON, tick=False):
        learning.train_models_task()
    assert not ModelVersion.objects.exists()
    assert Heartbeat.objects.get(job="predictions.train_models").summary == {}


def test_every_target_is_trained_for_a_marked_partner():
    partner = PartnerFactory(trains_models=True)
    with time_machine.travel(NOON, tick=False):
        learning.train_models_task()
    versions = ModelVersion.objects.order_by("target")
    targets = ["first_session_poor", "no_show_student", "no_show_tutor", "reschedule"]
    assert [version.target for version in versions] == targets
    assert {version.basis for version in versions} == {"rate"}
    assert all(list(version.partners.all()) == [partner] for version in versions)


def test_schedules_can_be_taken_back_and_are_created_once():
    migration = import_module("apps.predictions.migrations.0004_learning_schedules")
    migration.remove(apps, None)
    assert not PeriodicTask.objects.filter(task__in=TASKS).exists()
    migration.create(apps, None)
    migration.create(apps, None)
    assert PeriodicTask.objects.filter(task__in=TASKS).count() == len(TASKS)
