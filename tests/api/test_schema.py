"""The schema describes what is there, so that a client can be generated from it."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema

from apps.sessions.ingest.entities import SESSION


@pytest.fixture
def schema(db):
    response = Client().get("/api/v1/schema", HTTP_ACCEPT="application/vnd.oai.openapi+json")
    assert response.status_code == 200
    return json.loads(response.content)


def test_schema_is_valid_and_names_the_paths(schema):
    validate_schema(schema)
    assert schema["openapi"].startswith("3.1")
    assert list(schema["paths"]) == ["/api/v1/sessions"]


def test_schema_of_a_session_is_the_validators_own(schema):
    row, rows = schema["paths"]["/api/v1/sessions"]["post"]["requestBody"]["content"]["application/json"]["schema"][
        "oneOf"
    ]
    assert list(row["properties"]) == [field.name for field in SESSION.fields]
    assert row["required"] == ["external_id", "tutor_id", "student_id", "scheduled_start", "status"]
    assert "no_show_tutor" in row["properties"]["status"]["enum"]
    assert (rows["type"], rows["maxItems"]) == ("array", 1_000)


def test_schema_says_how_to_show_a_key_and_what_can_go_wrong(schema):
    schemes = schema["components"]["securitySchemes"].values()
    assert {(scheme["in"], scheme["name"]) for scheme in schemes} == {
        ("header", "Authorization"),
        ("header", "X-API-Key"),
    }
    operation = schema["paths"]["/api/v1/sessions"]["post"]
    assert operation["operationId"] == "send_sessions"
    assert set(operation["responses"]) == {"200", "207", "400", "401", "403", "409", "413", "415", "422"}


def test_docs_page_needs_no_key_and_no_network(db):
    page = Client().get("/api/v1/docs")
    assert page.status_code == 200
    assert b"drf_spectacular_sidecar" in page.content
    assert b"https://" not in page.content


def test_health_needs_no_key(db):
    assert Client().get("/api/v1/health").json() == {"status": "ok"}
