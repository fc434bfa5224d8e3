"""Writes of accounts."""

from __future__ import annotations

from django.db import transaction

from tutorscore.accounts.models import Partner, Role, User


def ensure_partner(*, slug: str, name: str, trains_models: bool = False) -> Partner:
    """The partner of that slug, made if it is new; an existing one is left as it is."""
    partner, _ = Partner.objects.get_or_create(slug=slug, defaults={"name": name, "trains_models": trains_models})
    return partner


@transaction.atomic
def ensure_user(*, username: str, email: str, name: str, role: Role, password: str) -> User:
    """A member of staff with this password; an existing one keeps everything but a password that no longer fits."""
    first_name, _, last_name = name.partition(" ")
    user, is_new = User.objects.select_for_update().get_or_create(
        username=username,
        defaults={
            "email": email,
            "first_name": first_name,
            "last_name": last_name,
            "role": role,
            "is_staff": role == Role.SUCCESS_MANAGER,
        },
    )
    if is_new or not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user
