"""System checks: what must hold before the product starts."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

OLDEST_POSTGRESQL = 180_000  # RETURNING old.*, new.*


@register(Tags.compatibility)
def only_one_driver(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Django prefers psycopg 3 when it is importable; the binary COPY reader speaks psycopg2."""
    if find_spec("psycopg") is None:
        return []
    return [
        Error(
            "psycopg 3 is importable and Django would use it.",
            hint="Uninstall psycopg; this project reads and writes through psycopg2.",
            id="tutorscore.E001",
        )
    ]


@register(Tags.database)
def recent_postgresql(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Ingestion asks an upsert what each row was before; PostgreSQL answers that from version 18 on."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        with connections[alias].temporary_connection() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0])
        if version < OLDEST_POSTGRESQL:
            found.append(
                Error(
                    f"PostgreSQL {version // 10_000} is too old.",
                    hint="Use PostgreSQL 18 or newer, or leave DATABASE_URL unset for the embedded server.",
                    id="tutorscore.E002",
                )
            )
    return found
