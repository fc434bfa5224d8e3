"""POST /api/v1/sessions: an outcome for every row, a problem document for every refusal, never a 5xx."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.sessions.models import IngestRun, RejectedRow, TutoringSession
from apps.tutors.models import StaleTutor, Tutor
from tests.api.conftest import Machine
from tests.factories import PartnerFactory
from tests.sessions.partner_rows import held_row, session_row
from tutorscore.accounts.models import PartnerKey, Scope

pytestmark = pytest.mark.django_db


def is_problem(response, status):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    return problem


def test_one_object_is_taken_in_and_marks_the_tutor(machine):
    response = machine.send(held_row())
    assert response.status_code == 200
    assert response.json() == {
        "results": [
            {"position": 1, "external_id": "x1", "outcome": "created", "code": "", "field": "", "message": ""}
        ],
        "summary": {
            "received": 1, "created": 1, "updated": 0, "unchanged": 0, "stale": 0, "conflict": 0, "rejected": 0,
            "unknown_fields": [],
        },
    }  # fmt: skip
    assert TutoringSession.objects.get().partner == machine.partner
    assert StaleTutor.objects.get().tutor == Tutor.objects.get()
    assert not IngestRun.objects.exists()


def test_same_request_again_changes_nothing(machine):
    machine.send([held_row(), session_row(external_id="x2")])
    summary = machine.send([held_row(), session_row(external_id="x2")]).json()["summary"]
    assert (summary["received"], summary["unchanged"]) == (2, 2)


def test_list_answers_row_by_row_in_the_order_sent(machine):
    response = machine.send([session_row(colour="red"), session_row(external_id="x/2"), 7, held_row()])
    assert response.status_code == 207
    body = response.json()
    assert [(row["position"], row["outcome"], row["code"], row["field"]) for row in body["results"]] == [
        (1, "created", "", ""),
        (2, "rejected", "bad_id", "external_id"),
        (3, "rejected", "not_an_object", ""),
        (4, "updated", "", ""),
    ]
    assert body["summary"]["unknown_fields"] == ["colour"]
    assert [(row.line, row.code) for row in RejectedRow.objects.order_by("line")] == [
        (2, "bad_id"),
        (3, "not_an_object"),
    ]
    run = IngestRun.objects.get()
    assert (run.door, run.source) == ("api", "POST /api/v1/sessions")
    assert run.outcomes == {"sessions": {"created": 1, "updated": 1, "rejected": 2}}


def test_single_rejected_object_is_a_problem_that_points_at_the_field(machine):
    problem = is_problem(machine.send(session_row(scheduled_start="2026-03-05T10:00:00")), 422)
    (error,) = problem["errors"]
    assert (error["pointer"], error["code"]) == ("#/scheduled_start", "naive_time")
    assert not TutoringSession.objects.exists()
    assert RejectedRow.objects.get().code == "naive_time"


def test_single_conflicting_object_is_a_conflict(machine):
    machine.send(held_row())
    is_problem(machine.send(held_row(status="cancelled")), 409)
    assert TutoringSession.objects.get().status == "completed"


def test_empty_list_is_no_error(machine):
    response = machine.send([])
    assert (response.status_code, response.json()["results"]) == (200, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[1, 2", 400),
        (b"5", 400),
        (b'"text"', 400),
        (b"null", 400),
        (b'{"external_id": NaN}', 400),
        (b'{"external_id": Infinity}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 100_000, 400),
        (b"[" + b"1" * 5_000 + b"]", 400),
        (b" " * (5 * 2**20 + 1), 413),
        (json.dumps([{}] * 1_001).encode(), 413),
        (b'{"external_id": "a\\u0000b"}', 422),
        (b"{}", 422),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_bad_body_is_a_problem_of_the_client(machine, body, status):
    is_problem(machine.send(body), status)
    assert not TutoringSession.objects.exists()


def test_thousand_rows_are_taken_in(machine):
    rows = [session_row(external_id=f"x{number}", tutor_id=f"t{number % 7}") for number in range(1_000)]
    assert machine.send(rows).json()["summary"]["created"] == 1_000
    assert StaleTutor.objects.count() == 7


@pytest.mark.parametrize(
    "value", ["a\0b", "\ud800", 10**400, 1e308, -0.0, [], {}, True, "x" * 70_000, "😀", "\\N", "\t"]
)
@pytest.mark.parametrize(
    "field", ["external_id", "tutor_id", "scheduled_start", "duration_minutes", "engagement", "subject"]
)
def test_hostile_value_is_never_a_server_error(machine, field, value):
    response = machine.send([session_row(**{field: value}), session_row(external_id="good")])
    assert response.status_code in (200, 207)
    assert TutoringSession.objects.filter(external_id="good").exists()


def test_other_media_type_is_refused(machine):
    is_problem(machine.send(b"a=1", content_type="application/x-www-form-urlencoded"), 415)


def test_get_is_not_allowed(machine):
    response = Client().get("/api/v1/sessions", HTTP_AUTHORIZATION=f"Api-Key {machine.secret}")
    is_problem(response, 405)


def test_key_may_come_in_its_own_header(machine):
    response = machine.send(session_row(), HTTP_AUTHORIZATION="", HTTP_X_API_KEY=machine.secret)
    assert response.status_code == 200


@pytest.mark.parametrize("secret", ["", "nonsense", "a.b", "Api-Key", "\x00", "é.b", "abcdefgh." + "x" * 5_000])
def test_stranger_is_asked_for_a_key(machine, secret):
    response = machine.send(session_row(), HTTP_AUTHORIZATION=f"Api-Key {secret}")
    is_problem(response, 401)
    assert response["WWW-Authenticate"] == "Api-Key"
    assert not TutoringSession.objects.exists()


def test_expired_and_revoked_keys_are_refused():
    yesterday = timezone.now() - timedelta(days=1)
    expired = Machine(PartnerFactory(), expiry_date=yesterday)
    is_problem(expired.send(session_row()), 401)
    revoked = Machine(PartnerFactory())
    PartnerKey.objects.filter(pk=revoked.key.pk).update(revoked=True)
    is_problem(revoked.send(session_row()), 401)
    assert not TutoringSession.objects.exists()


def test_key_without_the_scope_may_not_write():
    reader = Machine(PartnerFactory(), scopes=f"{Scope.SCORES_READ} {Scope.PREDICTIONS_READ}")
    is_problem(reader.send(session_row()), 403)
    assert not TutoringSession.objects.exists()


def test_key_of_one_partner_cannot_touch_facts_of_another(machine):
    other = Machine(PartnerFactory())
    machine.send(held_row())
    other.send(held_row(status="cancelled", recorded_at="2026-03-06T12:00:00Z"))
    assert TutoringSession.objects.get(partner=machine.partner).status == "completed"
    assert TutoringSession.objects.get(partner=other.partner).status == "cancelled"


def test_use_of_a_key_is_noted(machine):
    machine.send(session_row())
    machine.key.refresh_from_db()
    assert timezone.now() - machine.key.last_used_at < timedelta(minutes=1)


def test_one_session_costs_a_fixed_number_of_statements(machine, django_assert_num_queries):
    machine.send(session_row())
    with django_assert_num_queries(13):
        machine.send(session_row(external_id="x2"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(anything, st.lists(st.dictionaries(st.sampled_from(sorted(held_row())), anything), max_size=4)))
def test_any_json_gets_an_answer_that_is_no_server_error(machine, body):
    response = machine.send(body)
    assert response.status_code in (200, 207, 400, 409, 422)
    if response.status_code in (200, 207):
        assert response.json()["summary"]["received"] == len(response.json()["results"])
