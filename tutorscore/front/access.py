"""Who may open what: one table over every route of the application. A route that is not in it stays shut.

Pages are decided here. The API is decided here too as far as "only with a partner key" goes; whether the key is genuine
and its scope suffices is proved by ``tutorscore.accounts.api``, which answers 401 or 403 as a problem document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import ResolverMatch

from tutorscore.accounts.models import Role

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Visitor(StrEnum):
    """Everyone who can knock: nobody in particular, staff by role, a partner's machine."""

    ANONYMOUS = "anonymous"
    READ_ONLY = Role.READ_ONLY.value
    SUPPORT_STAFF = Role.SUPPORT_STAFF.value
    SUCCESS_MANAGER = Role.SUCCESS_MANAGER.value
    PARTNER_KEY = "partner_key"


NOBODY: frozenset[Visitor] = frozenset()
MANAGERS = frozenset({Visitor.SUCCESS_MANAGER})
WORKERS = MANAGERS | {Visitor.SUPPORT_STAFF}
STAFF = WORKERS | {Visitor.READ_ONLY}
PARTNERS = frozenset({Visitor.PARTNER_KEY})
EVERYONE = frozenset(Visitor)

Policy = Literal["strict", "admin", "docs", "mail"]


@dataclass(frozen=True)
class Rule:
    """``read`` holds for GET, HEAD and OPTIONS, ``write`` for every other method. ``policy`` is the content policy."""

    read: frozenset[Visitor]
    write: frozenset[Visitor] = NOBODY
    policy: Policy = "strict"

    def allows(self, visitor: Visitor, method: str) -> bool:
        return visitor in (self.read if method in SAFE_METHODS else self.write)


PAGE = Rule(read=STAFF)
ACTION = Rule(read=NOBODY, write=WORKERS)
ENTRANCE = Rule(read=EVERYONE, write=EVERYONE)
OWN_ACCOUNT = Rule(read=STAFF, write=STAFF)
SHUT = Rule(read=NOBODY)
PARTNER_API = Rule(read=PARTNERS, write=PARTNERS)

# Exact route names first; "namespace:*" or "namespace:prefix_*" holds for what no exact name covers, longest first.
ROUTES: Mapping[str, Rule] = {
    # pages
    "today": PAGE,
    "alert": PAGE,
    "alert_take": ACTION,
    "alert_snooze": ACTION,
    "alert_resolve": ACTION,
    "alert_reopen": ACTION,
    "tutors": PAGE,
    "tutor": PAGE,
    "upcoming": PAGE,
    "session": PAGE,
    "outbox": PAGE,
    "delivery": PAGE,
    "delivery_mail": Rule(read=STAFF, policy="mail"),
    "fresh": PAGE,
    "appearance": Rule(read=NOBODY, write=EVERYONE),
    # tutors, through the signed links of a mail
    "mail_reply": ENTRANCE,
    # machines
    "health": Rule(read=EVERYONE),
    "ready": Rule(read=EVERYONE),
    # the API: a partner key, or documents that anyone may read
    "v1:*": PARTNER_API,
    "v1:health": Rule(read=EVERYONE),
    "v1:schema": Rule(read=EVERYONE),
    "v1:docs": Rule(read=EVERYONE, policy="docs"),
    # the account of whoever is signed in; accounts are made by managers, so the doors for visitors stay shut
    "account_login": ENTRANCE,
    "account_logout": ENTRANCE,
    "account_inactive": ENTRANCE,
    "account_reset_password": ENTRANCE,
    "account_reset_password_done": ENTRANCE,
    "account_reset_password_from_key": ENTRANCE,
    "account_reset_password_from_key_done": ENTRANCE,
    "account_reauthenticate": OWN_ACCOUNT,
    "account_change_password": OWN_ACCOUNT,
    "account_set_password": SHUT,
    "account_signup": SHUT,
    "account_email": SHUT,
    "account_email_verification_sent": SHUT,
    "account_confirm_email": SHUT,
    "account_confirm_login_code": SHUT,
    "mfa_authenticate": ENTRANCE,
    "mfa_reauthenticate": OWN_ACCOUNT,
    "mfa_index": OWN_ACCOUNT,
    "mfa_activate_totp": OWN_ACCOUNT,
    "mfa_deactivate_totp": OWN_ACCOUNT,
    "mfa_view_recovery_codes": OWN_ACCOUNT,
    "mfa_generate_recovery_codes": OWN_ACCOUNT,
    "mfa_download_recovery_codes": OWN_ACCOUNT,
    # the admin: for managers; signing in and passwords have pages of their own
    "admin:*": Rule(read=MANAGERS, write=MANAGERS, policy="admin"),
    "admin:password_change": SHUT,
    "admin:password_change_done": SHUT,
}

# Where someone who still has to set up a second factor may go.
WITHOUT_SECOND_FACTOR = frozenset(name for name in ROUTES if name.startswith(("mfa_", "account_re", "account_log"))) | {
    "appearance",
    "health",
    "ready",
}


def rule_for(route: str) -> Rule | None:
    """The rule of a route name such as ``tutors`` or ``admin:tutors_tutor_change``; none when the table is silent."""
    if route in ROUTES:
        return ROUTES[route]
    patterns = [name for name in ROUTES if name.endswith("*") and route.startswith(name[:-1])]
    return ROUTES[max(patterns, key=len)] if patterns else None


def visitor_of(request: HttpRequest) -> Visitor:
    """Staff by session; without one, a request that shows a key counts as a partner (the API checks the key)."""
    user = request.user
    if user.is_authenticated:
        manages = user.is_superuser or user.may_manage
        return Visitor.SUCCESS_MANAGER if manages else Visitor(user.role)
    shows_key = "HTTP_X_API_KEY" in request.META or request.META.get("HTTP_AUTHORIZATION", "").startswith("Api-Key ")
    return Visitor.PARTNER_KEY if shows_key else Visitor.ANONYMOUS


class AccessMiddleware:
    """Asks the table before any view runs, and gives each answer the content policy of its route."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        rule = rule_for(request.resolver_match.view_name) if request.resolver_match else None
        if rule and rule.policy != "strict" and not hasattr(response, "_csp_config"):
            response._csp_config = settings.CONTENT_SECURITY_POLICIES[rule.policy]  # type: ignore[attr-defined]
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        assert isinstance(match, ResolverMatch)
        rule = rule_for(match.view_name)
        if rule is None:
            raise PermissionDenied("This address is in no access rule.")
        if rule.read == PARTNERS:
            return None
        visitor = visitor_of(request)
        if rule.allows(visitor, request.method or "GET"):
            return _second_factor_first(request, match.view_name)
        if visitor is Visitor.ANONYMOUS and (rule.read | rule.write) & STAFF:
            return redirect_to_login(request.get_full_path())
        raise PermissionDenied("Your role may not do this.")


def _second_factor_first(request: HttpRequest, route: str) -> HttpResponseBase | None:
    """Where staff must use a second factor, those without one are led to set it up."""
    if not settings.STAFF_MUST_USE_MFA or not request.user.is_authenticated or route in WITHOUT_SECOND_FACTOR:
        return None
    return None if is_mfa_enabled(request.user) else redirect("mfa_activate_totp")
