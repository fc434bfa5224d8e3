"""The clock of Celery: any number of beat processes may run, one at a time ticks.

Whoever holds a PostgreSQL advisory lock ticks; the others stand by and take over when its connection ends, however
that came about. A lock of the session needs a connection of its own, not one from a pool that changes hands between
transactions. Should two ever tick at once, the slots of the jobs still run once.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django_celery_beat.schedulers import DatabaseScheduler

log = structlog.get_logger()

BEAT_LOCK = 7_200
STANDBY_SECONDS = 5.0


class AdvisoryLock:
    """A lock on a number, held as long as this object's own connection lives."""

    def __init__(self, key: int) -> None:
        self._key = key
        self._connection = connections[DEFAULT_DB_ALIAS].copy()
        self._is_held = False

    def hold(self) -> bool:
        """Whether the lock is ours: keeps it, or tries once to get it, never waits."""
        try:
            with self._connection.cursor() as cursor:
                if self._is_held:
                    cursor.execute("SELECT 1")
                else:
                    cursor.execute("SELECT pg_try_advisory_lock(%s)", [self._key])
                    self._is_held = bool(cursor.fetchone()[0])
        except DatabaseError:
            self._is_held = False
            self._connection.close()
        return self._is_held

    def release(self) -> None:
        """Let the next one in at once; a connection that only ends takes the server a moment to notice."""
        if self._is_held and self.hold():
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [self._key])
        self._is_held = False
        self._connection.close()


class OneBeatScheduler(DatabaseScheduler):  # type: ignore[misc]
    """The database's schedules, ticking only while this process holds the lock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lock = AdvisoryLock(BEAT_LOCK)
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Seconds until the next tick."""
        if not self._lock.hold():
            return STANDBY_SECONDS
        return float(super().tick(*args, **kwargs))

    def close(self) -> None:
        super().close()
        self._lock.release()
