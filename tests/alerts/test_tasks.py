"""The periodic tasks: scheduled by migration, each slot once, missed hours made up for."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django_celery_beat.models import PeriodicTask

from apps.alerts import tasks
from apps.alerts.actions import hour
from apps.alerts.actions.experiments import start_experiment
from apps.alerts.actions.hour import run_hour, run_hour_for_everyone
from apps.alerts.models import Alert, Delivery
from tests.alerts.channels import files
from tests.factories import NOON, DecisionFactory, DeliveryFactory, PartnerFactory, SessionFactory, TutorFactory
from tutorscore.celery import app
from tutorscore.lib.models import Heartbeat, JobSlot

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_the_schedules_exist_and_name_tasks_that_exist():
    app.loader.import_default_modules()
    rows = PeriodicTask.objects.filter(task__startswith="alerts.")
    assert {row.task: str(row.crontab or row.interval) for row in rows} == {
        "alerts.run_hour": "4 * * * * (m/h/dM/MY/d) UTC",
        "alerts.send_due": "every minute",
    }
    assert all(row.task in app.tasks and row.enabled for row in rows)


def test_the_minute_sends_once(settings):
    DeliveryFactory()
    with time_machine.travel(NOON + timedelta(seconds=7), tick=False):
        tasks.send_due()
        DeliveryFactory()
        tasks.send_due()
    assert len(files()) == 1
    assert JobSlot.objects.get(job="alerts.send_due").slot_at == NOON
    assert Heartbeat.objects.get(job="alerts.send_due").summary == {"sent": 1}
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        tasks.send_due()
    assert len(files()) == 2


def test_the_hour_opens_deliveries_and_alerts_of_every_partner():
    partner = PartnerFactory()
    start_experiment(partner=partner, now=NOON, control_share=0)
    session = SessionFactory(tutor=TutorFactory(partner=partner), scheduled_start=NOON + 8 * HOUR)
    DecisionFactory(session=session, level="CRITICAL", probability=0.8)
    PartnerFactory(is_scratch=True)
    with time_machine.travel(NOON, tick=False):
        tasks.run_hour()
        tasks.run_hour()
    assert Delivery.objects.get().state == "due"
    assert Heartbeat.objects.get(job="alerts.run_hour").summary == {
        partner.slug: {"predictions": 0, "deliveries": {"due": 1}, "alerts": {"open": 1}}
    }


def test_an_hour_run_twice_changes_nothing_more():
    partner = PartnerFactory()
    DecisionFactory(
        session=SessionFactory(tutor=TutorFactory(partner=partner), scheduled_start=NOON + 8 * HOUR), level="HIGH"
    )
    run_hour(partner=partner, now=NOON)
    assert run_hour(partner=partner, now=NOON) == {"predictions": 0, "deliveries": {}, "alerts": {}}


def test_a_partner_whose_round_fails_calls_staff_and_keeps_nobody_else(monkeypatch):
    broken, fine = PartnerFactory(), PartnerFactory()
    predict = hour.predict_upcoming

    def predict_or_fail(*, partner, now, lookahead_hours):
        if partner == broken:
            raise ValueError("no such feature")
        return predict(partner=partner, now=now, lookahead_hours=lookahead_hours)

    with monkeypatch.context() as patch:
        patch.setattr(hour, "predict_upcoming", predict_or_fail)
        summary = run_hour_for_everyone(now=NOON)
        run_hour_for_everyone(now=NOON + HOUR)
    assert summary[broken.slug] == {"error": "ValueError"}
    assert summary[fine.slug]["deliveries"] == {}
    alert = Alert.objects.get()
    assert (alert.partner, alert.rule, alert.state, alert.opened_at) == (broken, "round_failed", "new", NOON)
    run_hour_for_everyone(now=NOON + 2 * HOUR)
    alert.refresh_from_db()
    assert (alert.state, alert.resolution) == ("resolved", "The hourly round works again.")


def test_missed_hours_are_made_up_for_each_once(monkeypatch):
    asked = []
    monkeypatch.setattr(tasks, "run_hour_for_everyone", lambda now: asked.append(now) or {})
    with time_machine.travel(NOON, tick=False):
        tasks.run_hour()
    with time_machine.travel(NOON + 25 * HOUR + timedelta(minutes=4), tick=False):
        tasks.run_hour()
        tasks.run_hour()
    assert asked == [NOON + n * HOUR for n in range(25)] + [NOON + 25 * HOUR + timedelta(minutes=4)]
