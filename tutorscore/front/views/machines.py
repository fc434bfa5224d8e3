"""What load balancers and supervisors ask: is the process alive, can it do its work."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing else, so that a slow database does not get a healthy web process killed."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the process can do its work, else 503 and which part cannot."""
    checks = {name: _failure_of(check) for name, check in CHECKS.items()}
    failed = [name for name, failure in checks.items() if failure]
    return JsonResponse(
        {
            "status": "not ready" if failed else "ok",
            "checks": {name: failure or "ok" for name, failure in checks.items()},
        },
        status=503 if failed else 200,
    )


def _failure_of(check: Callable[[], str]) -> str:
    """Empty when the check passes. The kind of error is shown, its text is not: it may carry an address or a user."""
    try:
        return check()
    except Exception as error:  # any failure of a dependency means "not ready", whatever its kind
        return type(error).__name__


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _redis() -> str:
    cache.get("ready")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations are not applied" if missing else ""


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "redis": _redis, "migrations": _migrations}
