"""The admin shows every row of alerts and acts only through actions, for managers alone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.alerts.actions.experiments import start_experiment
from apps.alerts.models import Alert, Delivery, Experiment, OptOut, TutorReply
from tests.factories import NOON, DeliveryFactory, UserFactory
from tutorscore.accounts.models import Role

pytestmark = pytest.mark.django_db

MODELS = ("alert", "alertevent", "delivery", "experiment", "assignment", "tutorreply", "optout")


@pytest.fixture
def manager(client):
    client.force_login(UserFactory(role=Role.SUCCESS_MANAGER, is_staff=True))
    return client


@pytest.fixture
def rows():
    delivery = DeliveryFactory(state="dead")
    Alert.objects.create(
        partner=delivery.partner, rule="r", condition="c", urgency="high", title="<b>t</b>", reason="r",
        next_step="n", opened_at=NOON,
    )  # fmt: skip
    TutorReply.objects.create(delivery=delivery, kind="useful", replied_at=NOON)
    OptOut.objects.create(tutor=delivery.tutor, kind="preparation", opted_out_at=NOON)
    start_experiment(partner=delivery.partner, now=NOON)
    return delivery


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens(manager, rows, model):
    answer = manager.get(reverse(f"admin:alerts_{model}_changelist"))
    assert answer.status_code == 200
    assert b"<b>t</b>" not in answer.content


@pytest.mark.parametrize("model", [Alert, Delivery, Experiment, TutorReply, OptOut])
def test_every_row_opens_and_none_can_be_changed(manager, rows, model):
    row = model.objects.get()
    name = f"admin:alerts_{model._meta.model_name}"
    assert manager.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert manager.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert manager.get(reverse(f"{name}_add")).status_code == 403
    assert manager.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def act(client, model: str, action: str, pk: int):
    return client.post(reverse(f"admin:alerts_{model}_changelist"), {"action": action, "_selected_action": [pk]})


def test_a_manager_sends_again_and_cancels(manager, rows):
    assert act(manager, "delivery", "send_selected_again", rows.pk).status_code == 302
    rows.refresh_from_db()
    assert rows.state == "due"
    act(manager, "delivery", "cancel_selected", rows.pk)
    rows.refresh_from_db()
    assert rows.state == "cancelled"
    act(manager, "delivery", "mark_selected_as_sent", rows.pk)  # not possible in this state
    rows.refresh_from_db()
    assert rows.state == "cancelled"


def test_a_manager_stops_an_experiment(manager, rows):
    act(manager, "experiment", "stop_selected", Experiment.objects.get().pk)
    assert Experiment.objects.get().stopped_at is not None


@pytest.mark.parametrize("role", [Role.SUPPORT_STAFF, Role.READ_ONLY])
def test_nobody_else_acts(client, rows, role):
    client.force_login(UserFactory(role=role, is_staff=True))
    act(client, "delivery", "send_selected_again", rows.pk)
    rows.refresh_from_db()
    assert rows.state == "dead"
