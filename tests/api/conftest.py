"""A partner's machine talking to the API."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.factories import PartnerFactory
from tutorscore.accounts.models import PartnerKey, Scope


class Machine:
    """Posts JSON (or raw bytes) with a key."""

    def __init__(self, partner, scopes=Scope.FACTS_WRITE, **key):
        self.partner = partner
        self.key, self.secret = PartnerKey.objects.create_key(name="test", partner=partner, scopes=scopes, **key)
        self._client = Client(raise_request_exception=False)

    def post(self, path, body, content_type="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"HTTP_AUTHORIZATION": f"Api-Key {self.secret}"} | headers
        return self._client.post(path, data=data, content_type=content_type, **headers)

    def send(self, body, **more):
        return self.post("/api/v1/sessions", body, **more)


@pytest.fixture
def machine(db):
    return Machine(PartnerFactory())
