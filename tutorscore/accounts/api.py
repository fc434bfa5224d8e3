"""Partner keys as DRF authentication, and the scope each view asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tutorscore.accounts.models import Partner, PartnerKey

if TYPE_CHECKING:
    from rest_framework.views import APIView  # importing it here while DRF loads its defaults would be a circle

LAST_USED_PRECISION = timedelta(minutes=1)


class PartnerKeyAuthentication(BaseAuthentication):
    """``Authorization: Api-Key …`` or ``X-API-Key: …``; ``request.user`` is the Partner, ``request.auth`` the key."""

    def authenticate(self, request: Request) -> tuple[Partner, PartnerKey] | None:
        secret = _secret_of(request)
        if secret is None:
            return None
        if not (secret.isascii() and secret.isprintable()):
            raise AuthenticationFailed("An API key consists of printable ASCII characters.")
        try:
            key = PartnerKey.objects.get_from_key(secret)
        except PartnerKey.DoesNotExist:
            raise AuthenticationFailed("This API key is not known, was revoked or has expired.") from None
        assert isinstance(key, PartnerKey)  # the package's manager speaks of its abstract model
        if key.has_expired:
            raise AuthenticationFailed("This API key has expired. Ask for a new one.")
        _note_use(key)
        return key.partner, key

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


class HasScope(BasePermission):
    """A view names ``required_scope``; without one it stays shut."""

    message = "This key lacks the scope for this call."

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = getattr(view, "required_scope", None)
        return isinstance(request.auth, PartnerKey) and scope is not None and request.auth.allows(scope)


def _secret_of(request: Request) -> str | None:
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header.startswith("Api-Key "):
        return str(header.removeprefix("Api-Key ").strip())
    return request.META.get("HTTP_X_API_KEY") or None


def _note_use(key: PartnerKey) -> None:
    """At most one write a minute and key."""
    now = timezone.now()
    if key.last_used_at is not None and key.last_used_at >= now - LAST_USED_PRECISION:
        return
    PartnerKey.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USED_PRECISION), pk=key.pk
    ).update(last_used_at=now)
