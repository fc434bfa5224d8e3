"""Who may enter: staff with a role, partners with keys."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from rest_framework_api_key.models import AbstractAPIKey


class Role(models.TextChoices):
    """What a member of staff may do; decided nowhere else."""

    SUCCESS_MANAGER = "success_manager", "Success manager"
    SUPPORT_STAFF = "support_staff", "Support staff"
    READ_ONLY = "read_only", "Read-only"


class User(AbstractUser):
    """A member of staff. Partners and tutors have no account: they use keys and signed links."""

    role = models.CharField(max_length=20, choices=Role.choices, default=Role.READ_ONLY)
    timezone = models.CharField(max_length=64, default="Europe/London", help_text="IANA name; times are shown in it.")

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known"),
        ]

    @property
    def may_write(self) -> bool:
        return self.is_active and self.role in (Role.SUCCESS_MANAGER, Role.SUPPORT_STAFF)

    @property
    def may_manage(self) -> bool:
        return self.is_active and (self.is_superuser or self.role == Role.SUCCESS_MANAGER)


class PartnerQuerySet(models.QuerySet["Partner"]):
    def visible(self) -> PartnerQuerySet:
        """What staff may look at, oldest first; scratch partners of backtests are hidden."""
        return self.filter(is_scratch=False).order_by("created_at", "pk")


class Partner(models.Model):
    """A marketplace whose facts live here; everything belongs to exactly one."""

    slug = models.SlugField(unique=True, help_text="Short name used by commands, e.g. demo.")
    name = models.CharField(max_length=200)
    timezone = models.CharField(max_length=64, default="Europe/London")
    trains_models = models.BooleanField(
        default=False, help_text="Models learn from this partner's rows. New partners are not learned from."
    )
    is_scratch = models.BooleanField(
        default=False, help_text="Holds an export read in for a backtest; hidden from staff, mails nobody."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PartnerQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class Scope(models.TextChoices):
    """What a key may do."""

    FACTS_WRITE = "facts:write", "Send facts"
    SCORES_READ = "scores:read", "Read scores"
    PREDICTIONS_READ = "predictions:read", "Read predictions"


scopes_are_known = RegexValidator(
    r"^({0})( ({0}))*$".format("|".join(Scope.values)), "Give known scopes separated by single spaces."
)


class PartnerKey(AbstractAPIKey):
    """A hashed API key of one partner; the secret is shown once, when it is made."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="keys")
    scopes = models.CharField(max_length=200, default=Scope.FACTS_WRITE, validators=[scopes_are_known])
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "partner key"
        verbose_name_plural = "partner keys"

    def allows(self, scope: str) -> bool:
        return scope in self.scopes.split()
