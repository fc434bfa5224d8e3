"""Light, dark or as the system says: kept in a cookie, so that it also holds before sign-in."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from tutorscore.front.context import THEME_COOKIE, THEMES

KEPT_FOR = timedelta(days=365)


class AppearanceForm(forms.Form):
    theme = forms.ChoiceField(choices=THEMES, required=False)


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    form = AppearanceForm(request.POST)
    theme = form.cleaned_data["theme"] if form.is_valid() else ""
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    response = redirect(wanted if is_ours else "today")
    if theme:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=KEPT_FOR, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
