"""Clients of the embedded servers, and what /proc says of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg2
import redis
from psycopg2.extensions import connection

from tutorscore.embedded import lifetime, processes

Runner = Callable[..., subprocess.Popen[str]]


def connect(database_url: str) -> connection:
    """A connection in autocommit mode."""
    made = psycopg2.connect(database_url, connect_timeout=5)
    made.autocommit = True
    return made


def execute(database_url: str, statement: str) -> list[tuple[object, ...]]:
    """Run one statement and return its rows."""
    client = connect(database_url)
    try:
        with client.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        client.close()


def answers(database_url: str) -> bool:
    """Whether the database accepts a connection."""
    try:
        connect(database_url).close()
    except psycopg2.OperationalError:
        return False
    return True


def ping(redis_url: str) -> bool:
    """Whether Redis answers."""
    client = redis.Redis.from_url(redis_url, socket_timeout=5)
    try:
        return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False
    finally:
        client.close()


def server_pids(home: Path) -> list[int]:
    """Every PostgreSQL process of the home."""
    cluster = f"tutorscore-{lifetime.open_places(home).key}"
    return list(processes.running(lambda line: cluster in line and "postgres" in line))
