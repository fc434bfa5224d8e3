"""Mails of these tests go through the product's own backend; the test runner would put another in its place."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_backend(settings) -> None:
    settings.EMAIL_BACKEND = "apps.alerts.channels.OutboxFileBackend"
