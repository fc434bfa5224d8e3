"""Which partner's facts a member of staff looks at. Scratch partners of backtests are never offered."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tutorscore.accounts.models import Partner, User

SESSION_KEY = "partner"


class StaffRequest(HttpRequest):
    """A request behind the access table: whoever makes it is signed in."""

    user: User


def visible_partners(request: HttpRequest) -> list[Partner]:
    """Every partner staff may look at, oldest first; read once per request."""
    if not hasattr(request, "_visible_partners"):
        request._visible_partners = list(Partner.objects.visible())  # type: ignore[attr-defined]
    partners: list[Partner] = request._visible_partners  # type: ignore[attr-defined]
    return partners


def chosen_partner(request: HttpRequest) -> Partner | None:
    """The partner named by ``?partner=``, else the one chosen before in this session, else the oldest one."""
    partners = {partner.slug: partner for partner in visible_partners(request)}
    asked = request.GET.get("partner", "")
    if asked in partners:
        request.session[SESSION_KEY] = asked
        return partners[asked]
    remembered = request.session.get(SESSION_KEY, "")
    return partners.get(remembered) or next(iter(partners.values()), None)


def partner_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page about one partner's facts; before the first partner exists it says what to set up."""

    @wraps(view)
    def page(request: StaffRequest, **kwargs: Any) -> HttpResponse:
        partner = chosen_partner(request)
        if partner is None:
            return render(request, "first_run.html")
        return view(request, partner, **kwargs)

    return require_safe(page)
