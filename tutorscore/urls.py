"""Every address of the application; who may open it is decided in ``tutorscore.front.access``."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("tutorscore.front.urls")),
    path("", include("apps.alerts.urls")),
    path("api/v1/", include(("tutorscore.front.api_urls", "v1"))),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
