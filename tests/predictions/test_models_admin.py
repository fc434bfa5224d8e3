"""Managers choose which version answers; nobody else, and nobody edits what the system wrote."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.predictions.models import ModelVersion
from tests.factories import ModelVersionFactory, PredictionFactory, UserFactory
from tutorscore.accounts.models import Role

pytestmark = pytest.mark.django_db

VERSIONS = "admin:predictions_modelversion_changelist"


def ask(client, versions):
    return client.post(
        reverse(VERSIONS),
        {"action": "let_it_answer", "_selected_action": [version.pk for version in versions]},
        follow=True,
    )


def member(client, role):
    client.force_login(UserFactory(role=role, is_staff=True), backend="tutorscore.accounts.backends.RoleBackend")
    return client


def test_manager_rolls_back_to_an_earlier_version(client, make_champion):
    earlier, present = make_champion(standing="retired"), make_champion(version=2)
    answer = ask(member(client, Role.SUCCESS_MANAGER), [earlier])
    assert "answers from now on" in answer.content.decode()
    assert ModelVersion.objects.get(standing="champion") == earlier
    present.refresh_from_db()
    assert present.standing == "retired"


def test_version_with_missing_files_is_refused(client, settings, tmp_path):
    settings.ARTIFACT_DIR = tmp_path
    present = ModelVersionFactory()
    lost = ModelVersionFactory(standing="candidate")
    answer = ask(member(client, Role.SUCCESS_MANAGER), [lost])
    assert "was refused" in answer.content.decode()
    assert ModelVersion.objects.get(standing="champion") == present


def test_two_versions_at_once_are_refused(client, make_champion):
    versions = [make_champion(), make_champion(version=2, standing="candidate")]
    answer = ask(member(client, Role.SUCCESS_MANAGER), versions)
    assert "Choose exactly one version" in answer.content.decode()
    assert ModelVersion.objects.get(standing="champion") == versions[0]


def test_support_staff_cannot_promote(client, make_champion):
    present, other = make_champion(), make_champion(version=2, standing="candidate")
    ask(member(client, Role.SUPPORT_STAFF), [other])
    assert ModelVersion.objects.get(standing="champion") == present


@pytest.mark.parametrize(
    "name", ["modelversion", "trainingrun", "prediction", "outcome", "performancelog", "exposure", "treatmentdraw"]
)
def test_lists_open_and_nothing_can_be_added(client, name):
    PredictionFactory()
    manager = member(client, Role.SUCCESS_MANAGER)
    assert manager.get(reverse(f"admin:predictions_{name}_changelist")).status_code == 200
    assert manager.get(reverse(f"admin:predictions_{name}_add")).status_code == 403


def test_prediction_cannot_be_changed_or_deleted(client):
    prediction = PredictionFactory()
    manager = member(client, Role.SUCCESS_MANAGER)
    where = reverse("admin:predictions_prediction_change", args=[prediction.pk])
    assert manager.get(where).status_code == 200
    assert manager.post(where, {"probability": "0.9"}).status_code == 403
    assert manager.post(reverse("admin:predictions_prediction_delete", args=[prediction.pk])).status_code == 403
    prediction.refresh_from_db()
    assert prediction.probability == 0.42
