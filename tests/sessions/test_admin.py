"""The admin of facts: managers look, correct rejected rows and set owners; nothing else changes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.sessions.models import (
    FactRevision,
    Feedback,
    IngestRun,
    RejectedRow,
    Reschedule,
    Student,
    TutorEvent,
    TutoringSession,
)
from apps.tutors.models import StaleTutor, Subject, Tutor
from tests.factories import PartnerFactory, UserFactory
from tests.sessions.partner_rows import held_row, move_row, rating_row, send, session_row
from tutorscore.accounts.models import Role

pytestmark = pytest.mark.django_db

MODELS = (
    Student, TutoringSession, Reschedule, Feedback, TutorEvent, FactRevision, IngestRun, RejectedRow, Tutor, Subject,
    StaleTutor,
)  # fmt: skip


@pytest.fixture
def partner():
    partner = PartnerFactory()
    send(partner, "sessions", held_row(subject="algebra"), session_row(external_id="x2"))
    send(partner, "sessions", held_row(status="no_show_tutor", recorded_at="2026-03-06T00:00:00Z"))
    send(partner, "feedback", rating_row(), rating_row(session_id="x2", rating=9))
    send(partner, "reschedules", move_row(session_id="x2"))
    send(partner, "tutor_events", {"tutor_id": "t1", "kind": "login", "occurred_at": "2026-03-01T10:00:00Z"})
    return partner


def signed_in(role):
    client = Client()
    client.force_login(UserFactory(role=role, is_staff=True), backend="tutorscore.accounts.backends.RoleBackend")
    return client


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_row_can_be_opened(partner, model):
    client = signed_in(Role.SUCCESS_MANAGER)
    row = model.objects.of_partner(partner).first()
    assert client.get(address(model, "changelist")).status_code == 200
    assert client.get(address(model, "changelist"), {"q": "x1"}).status_code == 200
    assert client.get(address(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_scratch_partners_stay_hidden(partner, model):
    partner.is_scratch = True
    partner.save()
    assert not model.objects.for_staff().exists()
    assert signed_in(Role.SUCCESS_MANAGER).get(address(model, "change", model.objects.first().pk)).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_nobody_adds_or_deletes_facts(partner, model):
    client = signed_in(Role.SUCCESS_MANAGER)
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "delete", model.objects.first().pk), {"post": "yes"}).status_code == 403


def test_manager_corrects_and_replays_a_rejected_row(partner):
    row = RejectedRow.objects.get()
    client = signed_in(Role.SUCCESS_MANAGER)
    corrected = '{"session_id": "x2", "rating": 3, "submitted_at": "2026-03-05T13:00:00Z"}'
    response = client.post(address(RejectedRow, "change", row.pk), {"row": corrected}, follow=True)
    assert "The corrected row was taken in: created." in response.content.decode()
    assert Feedback.objects.get(session__external_id="x2").rating == 3
    row.refresh_from_db()
    assert row.resolved_at is not None
    assert row.row["rating"] == 9


def test_correction_that_is_still_wrong_says_so_and_changes_nothing(partner):
    row = RejectedRow.objects.get()
    client = signed_in(Role.SUCCESS_MANAGER)
    response = client.post(address(RejectedRow, "change", row.pk), {"row": '{"session_id": "x2"}'}, follow=True)
    assert "Still rejected" in response.content.decode()
    row.refresh_from_db()
    assert row.resolved_at is None


def test_support_staff_may_not_replay(partner):
    row = RejectedRow.objects.get()
    client = signed_in(Role.SUPPORT_STAFF)
    assert client.post(address(RejectedRow, "change", row.pk), {"row": "{}"}).status_code == 403


def test_manager_sets_the_owner_of_a_tutor_and_nothing_else(partner):
    tutor, owner = Tutor.objects.get(), UserFactory()
    client = signed_in(Role.SUCCESS_MANAGER)
    client.post(address(Tutor, "change", tutor.pk), {"owner": owner.pk, "name": "Mallory"})
    tutor.refresh_from_db()
    assert (tutor.owner, tutor.name) == (owner, "")
