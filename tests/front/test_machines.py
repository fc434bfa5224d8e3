import pytest
from django.db import OperationalError


def test_health_asks_nobody(client):
    answer = client.get("/health")  # a query would fail this test: it has no database
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_names_every_part(client):
    answer = client.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "redis": "ok", "migrations": "ok"}}


@pytest.mark.django_db
def test_ready_refuses_without_redis_and_tells_no_address(client, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://user:secret@127.0.0.1:1/0",
        }
    }
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "redis": "ConnectionError", "migrations": "ok"}
    assert "secret" not in answer.text


@pytest.mark.django_db
def test_ready_refuses_while_migrations_are_missing(client, monkeypatch):
    monkeypatch.setattr(
        "tutorscore.front.views.machines.MigrationExecutor.migration_plan", lambda *args, **kwargs: [1, 2]
    )
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "2 migrations are not applied"


@pytest.mark.django_db
def test_ready_refuses_without_a_database(client, monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError("could not connect as postgres with password hunter2")

    monkeypatch.setattr("django.db.connection.cursor", broken)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "OperationalError"
    assert "hunter2" not in answer.text
