"""What every test shares. The servers come from bin/test; the settings below are those of a test run."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker, blocking_manager_key

ROWS_OF_MIGRATIONS = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database; what migrations wrote into it is kept for ``pytest_runtest_teardown``."""
    with django_db_blocker.unblock():
        request.config.stash[ROWS_OF_MIGRATIONS] = connection.creation.serialize_db_to_string()


@pytest.fixture(autouse=True)
def rows_of_migrations_return(django_db_serialized_rollback: None) -> None:
    """A test that really commits empties the tables afterwards; the next such test finds the rows of migrations."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """So does the next test that only looks: schedules, permissions and content types come back at once.

    The tables are emptied once more before: beside a browser's event loop Django opens another connection, which does
    not know of the kept rows, so emptying it has already written content types under other ids.
    """
    yield
    if _commits(item) and nextitem is not None and not _commits(nextitem):
        blocker = item.config.stash[blocking_manager_key]
        with blocker.unblock():
            call_command("flush", interactive=False, verbosity=0, reset_sequences=False, inhibit_post_migrate=True)
            connection.creation.deserialize_db_from_string(item.config.stash[ROWS_OF_MIGRATIONS])
            connection.close()


def _commits(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    asks = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(asks or (marker and marker.kwargs.get("transaction")))


@pytest.fixture(autouse=True)
def own_directories(settings, tmp_path: Path) -> None:
    """No test writes mails or artifacts into the checkout."""
    settings.EMAIL_FILE_PATH = str(tmp_path / "mails")
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
