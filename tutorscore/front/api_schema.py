"""How the schema describes the two ways to show an API key."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class PartnerKeyScheme(OpenApiAuthenticationExtension):
    """Registers itself with the schema generator when it is defined."""

    target_class = "tutorscore.accounts.api.PartnerKeyAuthentication"
    name: ClassVar = ["apiKeyAuthorization", "apiKeyHeader"]  # type: ignore[misc]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "The word Api-Key, a space and the key.",
            },
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        ]
