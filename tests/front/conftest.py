"""Pages are read at noon of a Monday, by staff of one partner, in London."""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache

from tests.factories import NOON, PartnerFactory, UserFactory


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield NOON


@pytest.fixture(autouse=True)
def no_memory():
    """What pages keep for a quarter of an hour must not reach the next test."""
    cache.clear()


@pytest.fixture
def partner(db):
    return PartnerFactory(slug="demo", name="Demo marketplace")


@pytest.fixture
def rosa(db):
    return UserFactory(username="rosa", first_name="Rosa", last_name="Imhof", role="support_staff")


@pytest.fixture
def manager(db):
    return UserFactory(username="mona", role="success_manager")


@pytest.fixture
def reader(db):
    return UserFactory(username="remi", role="read_only")


@pytest.fixture
def staff(client, rosa, partner):
    """A signed-in member of the support staff."""
    client.force_login(rosa)
    return client
