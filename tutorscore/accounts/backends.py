"""What each role may do in the admin; every route, the admin's too, is decided in ``tutorscore.front.access``."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.db.models import Model

from tutorscore.accounts.models import User


class RoleBackend(ModelBackend):
    """Permissions follow from the role: success managers may do everything in the admin, nobody else anything.

    Superusers are let through by Django before a backend is asked.
    """

    def has_perm(self, user_obj: User, perm: str, obj: Model | None = None) -> bool:  # type: ignore[override]
        return _manages(user_obj)

    def has_module_perms(self, user_obj: User, app_label: str) -> bool:  # type: ignore[override]
        return _manages(user_obj)


def _manages(user: User) -> bool:
    return bool(user.is_authenticated and user.may_manage)
