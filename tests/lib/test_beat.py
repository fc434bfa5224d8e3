"""One beat ticks; another takes over when it dies."""

from __future__ import annotations

import pytest
from django.db import connection
from django_celery_beat.schedulers import DatabaseScheduler

from tutorscore.celery import app
from tutorscore.lib.beat import STANDBY_SECONDS, AdvisoryLock, OneBeatScheduler

KEY = 991_001


@pytest.mark.django_db
def test_one_process_holds_the_lock_until_it_lets_go():
    first, second = AdvisoryLock(KEY), AdvisoryLock(KEY)
    try:
        assert first.hold() and first.hold()
        assert not second.hold()
        first.release()
        assert second.hold()
        assert not first.hold()
    finally:
        first.release()
        second.release()


@pytest.mark.django_db
def test_a_lost_connection_loses_the_lock_and_the_next_call_tries_again():
    first, second = AdvisoryLock(KEY), AdvisoryLock(KEY)
    try:
        assert first.hold()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", [KEY]
            )
        assert not first.hold()
        assert second.hold()
        assert not first.hold()
        second.release()
        assert first.hold()
    finally:
        first.release()
        second.release()


@pytest.mark.django_db
def test_a_second_beat_stands_by(monkeypatch):
    ticks: list[str] = []
    monkeypatch.setattr(DatabaseScheduler, "tick", lambda self: ticks.append("tick") or 1.0)
    first, second = OneBeatScheduler(app=app, lazy=True), OneBeatScheduler(app=app, lazy=True)
    try:
        assert [first.tick(), second.tick(), first.tick()] == [1.0, STANDBY_SECONDS, 1.0]
        first._lock.release()
        assert second.tick() == 1.0
        assert len(ticks) == 3
    finally:
        first._lock.release()
        second._lock.release()


def test_beat_uses_it(settings):
    assert settings.CELERY_BEAT_SCHEDULER == "tutorscore.lib.beat:OneBeatScheduler"
