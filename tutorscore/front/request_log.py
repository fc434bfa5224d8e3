"""What a log says about a request: the route, never the address. Addresses carry signed links and searched names."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django_structlog.middlewares import RequestMiddleware


class RouteLogMiddleware(RequestMiddleware):
    """``GET tutors/<int:pk>/`` instead of the path that was asked for."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        try:
            route = resolve(request.path_info).route
        except Resolver404:
            route = "(no such address)"
        return f"{request.method} {route or '/'}"
