"""The API, version 1."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from apps.sessions.api.views import facts_view
from apps.sessions.models import Entity
from tutorscore.front import api_schema
from tutorscore.front.views.machines import health

__all__ = ["api_schema", "urlpatterns"]  # the schema module registers how keys are shown

urlpatterns = [
    path("sessions", facts_view(Entity.SESSION).as_view(), name="sessions"),
    path("health", health, name="health"),
    path("schema", SpectacularAPIView.as_view(api_version="v1"), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="v1:schema"), name="docs"),
]
