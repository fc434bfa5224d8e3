"""Opening deliveries: once per session, in daytime, by arm, and closed again when the session is called off."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.alerts.actions.experiments import start_experiment, stop_experiment
from apps.alerts.actions.preparation import open_preparation_deliveries
from apps.alerts.models import Assignment, Delivery, Experiment, OptOut
from apps.predictions.models import TreatmentDraw
from tests.factories import (
    NOON,
    DecisionFactory,
    DeliveryFactory,
    PartnerFactory,
    SessionFactory,
    StudentFactory,
    TutorFactory,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def partner():
    """A partner whose experiment has no control arm, so that every tutor is mailed."""
    partner = PartnerFactory()
    start_experiment(partner=partner, now=NOON, control_share=0)
    return partner


def decided(partner, *, hours: float = 8, tutor=None, **changes):
    """A decision to mail about a first session that starts that many hours after noon."""
    session = SessionFactory(
        tutor=tutor or TutorFactory(partner=partner), scheduled_start=NOON + hours * HOUR, **changes
    )
    return DecisionFactory(session=session)


def test_a_chosen_first_session_gets_one_delivery(partner):
    decision = decided(partner)
    assert open_preparation_deliveries(partner=partner, now=NOON) == {"due": 1}
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.session, delivery.tutor) == ("due", decision.session, decision.tutor)
    assert delivery.dedupe_key == f"prep:{partner.pk}:{decision.session_id}"
    assert delivery.prediction == decision
    assert delivery.not_before == NOON
    assert delivery.expires_at == decision.session.scheduled_start - 2 * HOUR
    assert delivery.decided_at == NOON
    # "moves" raises the risk but is nothing a tutor is told; "experience" lowers it.
    assert delivery.context["reasons"] == ["ratings", "timing"]
    assert "check_understanding" in delivery.context["tips"]


def test_a_second_run_opens_nothing_twice(partner):
    decided(partner)
    open_preparation_deliveries(partner=partner, now=NOON)
    assert open_preparation_deliveries(partner=partner, now=NOON + HOUR) == {}
    assert Delivery.objects.count() == 1


def test_tips_follow_the_students_wishes_on_the_tutors_clock(partner):
    student = StudentFactory(partner=partner, birth_year=2018, preferred_pace=1, preferred_teaching_style="structured")
    decided(partner, student=student)
    open_preparation_deliveries(partner=partner, now=NOON)
    # 21:00 in Berlin is late; a lively start takes the place of a slow one, the plan stays.
    assert Delivery.objects.get().context["tips"] == ["energise", "check_understanding", "show_the_plan"]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "rescheduled"},
        {"status": "cancelled"},
        {"status": "in_progress"},
        {"is_latest": False},
        {"hours": -0.1},
        {"hours": 24.1},
    ],
)
def test_sessions_called_off_started_or_more_than_a_day_ahead_get_none(partner, changes):
    decided(partner, **changes)
    assert open_preparation_deliveries(partner=partner, now=NOON) == {}
    assert not Delivery.objects.exists()


def test_only_decisions_of_the_policy_count(partner):
    first, second = decided(partner), decided(partner)
    type(first).objects.filter(pk=first.pk).update(should_send_alert=False)
    type(second).objects.filter(pk=second.pk).update(is_decision=False)
    assert open_preparation_deliveries(partner=partner, now=NOON) == {}


def test_another_partners_sessions_are_left_alone(partner):
    decided(PartnerFactory())
    assert open_preparation_deliveries(partner=partner, now=NOON) == {}


def test_a_scratch_partner_mails_nobody():
    partner = PartnerFactory(is_scratch=True)
    decided(partner)
    assert open_preparation_deliveries(partner=partner, now=NOON) == {}
    assert not Delivery.objects.exists() and not Experiment.objects.exists()


@pytest.mark.parametrize(
    ("hours", "booked", "state", "note"),
    [
        (1.5, NOON - timedelta(minutes=10), "cancelled", "late_booking"),
        (1.5, NOON - timedelta(days=3), "expired", "too_late"),
        (2, NOON - timedelta(days=3), "due", ""),
    ],
)
def test_less_than_two_hours_ahead_is_too_late_and_says_why(partner, hours, booked, state, note):
    decided(partner, hours=hours, booked_at=booked)
    assert open_preparation_deliveries(partner=partner, now=NOON) == {state: 1}
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.note) == (state, note)


def test_a_mail_decided_at_night_waits_for_the_tutors_morning(partner):
    tutor = TutorFactory(partner=partner, timezone="America/Los_Angeles")  # 04:00 at noon UTC
    decided(partner, tutor=tutor, hours=10)
    open_preparation_deliveries(partner=partner, now=NOON)
    assert Delivery.objects.get().not_before == NOON + 4 * HOUR


def test_without_a_daytime_two_hours_ahead_no_mail_is_sent(partner):
    tutor = TutorFactory(partner=partner, timezone="America/Los_Angeles")
    decided(partner, tutor=tutor, hours=5)  # 09:00 there, 08:00 is an hour before
    assert open_preparation_deliveries(partner=partner, now=NOON) == {"expired": 1}
    assert Delivery.objects.get().note == "no_daytime"


def test_tutors_without_address_or_who_opted_out_are_suppressed_and_take_no_part(partner):
    silent = TutorFactory(partner=partner, email="")
    tired = TutorFactory(partner=partner)
    OptOut.objects.create(tutor=tired, kind="preparation", opted_out_at=NOON)
    decided(partner, tutor=silent, hours=7)
    decided(partner, tutor=tired, hours=8)
    assert open_preparation_deliveries(partner=partner, now=NOON) == {"suppressed": 2}
    assert list(Delivery.objects.order_by("session__scheduled_start").values_list("note", flat=True)) == [
        "no_address",
        "opted_out",
    ]
    assert not Assignment.objects.exists() and not TreatmentDraw.objects.exists()


def test_a_tutor_who_left_gets_none(partner):
    decided(partner, tutor=TutorFactory(partner=partner, left_at=NOON))
    assert open_preparation_deliveries(partner=partner, now=NOON) == {"cancelled": 1}
    assert Delivery.objects.get().note == "tutor_left"


def test_the_control_arm_is_withheld_and_everyone_is_noted():
    partner = PartnerFactory()
    experiment = start_experiment(partner=partner, now=NOON, control_share=0.2, salt="salt")
    for name in ("t1", "t2", "t3"):
        decided(partner, tutor=TutorFactory(partner=partner, external_id=name))
    assert open_preparation_deliveries(partner=partner, now=NOON) == {"due": 2, "withheld": 1}
    withheld = Delivery.objects.get(state="withheld")
    assert (withheld.tutor.external_id, withheld.note) == ("t3", "control")
    assert Assignment.objects.filter(experiment=experiment).count() == 3
    assert TreatmentDraw.objects.count() == 3


def test_a_control_tutor_stays_withheld_for_every_session():
    partner = PartnerFactory()
    start_experiment(partner=partner, now=NOON, control_share=0.2, salt="salt")
    tutor = TutorFactory(partner=partner, external_id="t3")
    decided(partner, tutor=tutor, hours=5)
    open_preparation_deliveries(partner=partner, now=NOON)
    decided(partner, tutor=tutor, hours=12)
    assert open_preparation_deliveries(partner=partner, now=NOON + HOUR) == {"withheld": 1}
    assert Assignment.objects.count() == 1
    assert TreatmentDraw.objects.count() == 2


def test_after_the_experiment_everyone_is_mailed():
    partner = PartnerFactory()
    experiment = start_experiment(partner=partner, now=NOON, control_share=0.2, salt="salt")
    stop_experiment(experiment=experiment, now=NOON)
    decided(partner, tutor=TutorFactory(partner=partner, external_id="t3"))
    assert open_preparation_deliveries(partner=partner, now=NOON) == {"due": 1}
    assert not Assignment.objects.exists()


def test_a_partner_without_an_experiment_gets_one_with_the_default_share():
    partner = PartnerFactory()
    open_preparation_deliveries(partner=partner, now=NOON)
    assert Experiment.objects.get().control_share == 0.20


@pytest.mark.parametrize("status", ["rescheduled", "cancelled"])
def test_a_waiting_mail_is_cancelled_with_its_session(partner, status):
    delivery = DeliveryFactory(session__tutor__partner=partner)
    sent = DeliveryFactory(session__tutor__partner=partner, state="sent", sent_at=NOON)
    for row in (delivery, sent):
        row.session.status = status
        row.session.save()
    assert open_preparation_deliveries(partner=partner, now=NOON) == {"cancelled": 1}
    delivery.refresh_from_db()
    sent.refresh_from_db()
    assert (delivery.state, delivery.note, sent.state) == ("cancelled", f"session_{status}", "sent")


def test_the_replacement_of_a_moved_session_gets_a_mail_of_its_own(partner):
    first = decided(partner)
    open_preparation_deliveries(partner=partner, now=NOON)
    first.session.status = "rescheduled"
    first.session.is_latest = False
    first.session.save()
    decided(
        partner, tutor=first.tutor, hours=10, external_id=first.session.external_id, occurrence=1,
        student=first.session.student,
    )  # fmt: skip
    assert open_preparation_deliveries(partner=partner, now=NOON + HOUR) == {"cancelled": 1, "due": 1}


def test_the_number_of_queries_does_not_grow_with_sessions(partner, django_assert_num_queries):
    def opened(n: int):
        for _ in range(n):
            decided(partner)

    opened(2)
    with django_assert_num_queries(11):
        open_preparation_deliveries(partner=partner, now=NOON)
    opened(8)
    with django_assert_num_queries(11):
        open_preparation_deliveries(partner=partner, now=NOON)
