"""The freshness line, asked for every half minute by open pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from tutorscore.front.freshness import freshness


@require_safe
def fresh(request: HttpRequest) -> HttpResponse:
    """204 when the line would read as the reader last saw it."""
    asked = request.GET.get("page", "")
    page = asked if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, None) else "/"
    line = freshness(request, opened=request.GET.get("opened", "none"), page=page)
    if line.seen == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "components/fresh.html", {"line": line})
