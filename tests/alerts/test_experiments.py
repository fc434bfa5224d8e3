"""Arms: drawn by hash, once per tutor, noted for both arms."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.alerts.actions.experiments import assign, start_experiment, stop_experiment
from apps.alerts.experiments import CONTROL, MAIL, bucket, draw
from apps.alerts.models import Assignment, Experiment
from apps.predictions.models import TreatmentDraw
from tests.factories import NOON, PartnerFactory, SessionFactory, TutorFactory


def test_the_arm_of_a_tutor_never_changes():
    assert [round(bucket("preparation", "salt", unit), 6) for unit in ("t1", "t2", "t3")] == [
        0.429869,
        0.288976,
        0.101138,
    ]
    assert draw("preparation", "salt", "t3", 0.2) == (CONTROL, 0.2)
    assert draw("preparation", "salt", "t1", 0.2) == (MAIL, 0.8)


def test_parts_of_the_hash_cannot_run_into_each_other():
    assert bucket("ab", "c", "d") != bucket("a", "bc", "d")


def test_the_control_share_is_met_and_independent_of_other_experiments():
    units = [f"t{n}" for n in range(20_000)]
    first = {unit for unit in units if draw("preparation", "one", unit, 0.2)[0] == CONTROL}
    second = {unit for unit in units if draw("preparation", "two", unit, 0.2)[0] == CONTROL}
    assert len(first) / len(units) == pytest.approx(0.2, abs=0.01)
    assert len(first & second) / len(first) == pytest.approx(0.2, abs=0.02)


def test_raising_the_share_keeps_everyone_who_was_in_control():
    units = [f"t{n}" for n in range(500)]
    small = {unit for unit in units if draw("p", "s", unit, 0.2)[0] == CONTROL}
    large = {unit for unit in units if draw("p", "s", unit, 0.5)[0] == CONTROL}
    assert small < large


@pytest.mark.django_db
def test_an_experiment_keeps_its_salt_and_share():
    partner = PartnerFactory()
    first = start_experiment(partner=partner, now=NOON, control_share=0.5)
    again = start_experiment(partner=partner, now=NOON + timedelta(days=1), control_share=0.1)
    assert again.pk == first.pk
    assert (again.control_share, again.salt) == (0.5, first.salt)
    assert len(first.salt) == 16


@pytest.mark.django_db
def test_each_tutor_is_assigned_once_with_the_first_session():
    experiment = start_experiment(partner=PartnerFactory(), now=NOON, control_share=0.2)
    tutor = TutorFactory(partner=experiment.partner)
    early, late = (SessionFactory(tutor=tutor, scheduled_start=NOON + timedelta(hours=h)) for h in (5, 9))
    arms = assign(experiment=experiment, sessions=[early, late], now=NOON)
    again = assign(experiment=experiment, sessions=[late], now=NOON + timedelta(hours=1))
    assert arms == again
    only = Assignment.objects.get()
    assert (only.tutor, only.first_session, only.eligible_at) == (tutor, early, NOON)
    assert only.propensity == (0.2 if only.arm == CONTROL else 0.8)


@pytest.mark.django_db
def test_the_chance_of_staying_untreated_is_noted_for_both_arms():
    experiment = start_experiment(partner=PartnerFactory(), now=NOON, control_share=0.2, salt="salt")
    sessions = [
        SessionFactory(tutor=TutorFactory(partner=experiment.partner, external_id=name)) for name in ("t1", "t3")
    ]
    arms = assign(experiment=experiment, sessions=sessions, now=NOON)
    assert arms == {sessions[0].tutor_id: MAIL, sessions[1].tutor_id: CONTROL}
    draws = TreatmentDraw.objects.order_by("session_id")
    assert [(row.session, row.untreated_propensity) for row in draws] == [(session, 0.2) for session in sessions]
    assert {row.experiment for row in draws} == {f"preparation:{experiment.pk}"}


@pytest.mark.django_db
def test_no_draw_is_noted_where_nobody_can_stay_untreated():
    experiment = start_experiment(partner=PartnerFactory(), now=NOON, control_share=0)
    arms = assign(experiment=experiment, sessions=[SessionFactory(partner=experiment.partner)], now=NOON)
    assert list(arms.values()) == [MAIL]
    assert not TreatmentDraw.objects.exists()


@pytest.mark.django_db
def test_a_stopped_experiment_keeps_its_first_end():
    experiment = start_experiment(partner=PartnerFactory(), now=NOON)
    stop_experiment(experiment=experiment, now=NOON + timedelta(days=1))
    stop_experiment(experiment=experiment, now=NOON + timedelta(days=2))
    assert Experiment.objects.get().stopped_at == NOON + timedelta(days=1)
