"""Staff, partners and their keys, for success managers. Roles decide; Django's groups and permissions are not used."""

from __future__ import annotations

import rest_framework_api_key.admin  # noqa: F401 - registers the model that is taken out below
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tutorscore.accounts.models import Partner, PartnerKey, User

admin.site.unregister(Group)
admin.site.unregister(APIKey)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "timezone")}),
        ("Access", {"fields": ("role", "is_active", "last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "email", "role", "timezone", "usable_password", "password1", "password2"),
            },
        ),
    )


@admin.register(Partner)
class PartnerAdmin(ModelAdmin):
    list_display = ("name", "slug", "timezone", "trains_models", "is_scratch", "created_at")
    list_filter = ("trains_models", "is_scratch")
    search_fields = ("name", "slug")
    readonly_fields = ("created_at",)
    ordering = ("slug",)

    def get_readonly_fields(self, request: HttpRequest, obj: Partner | None = None) -> tuple[str, ...]:
        """The slug is in scripts and addresses of the partner: it is chosen once."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "slug")

    def has_delete_permission(self, request: HttpRequest, obj: Partner | None = None) -> bool:
        """Deleting a partner would delete every fact of a marketplace; no click should."""
        return False


@admin.register(PartnerKey)
class PartnerKeyAdmin(ModelAdmin):
    """The secret is shown once, after saving; a key that leaked is revoked, never deleted, so that its use is known."""

    list_display = ("partner", "name", "prefix", "scopes", "created", "expiry_date", "last_used_at", "revoked")
    list_filter = ("partner", "revoked")
    list_select_related = ("partner",)
    search_fields = ("name", "prefix", "partner__name")
    fields = ("partner", "name", "scopes", "expiry_date", "revoked", "prefix")

    def get_readonly_fields(self, request: HttpRequest, obj: PartnerKey | None = None) -> tuple[str, ...]:
        """A key stays with its partner; a revoked one never comes back."""
        if obj is None:
            return ("prefix",)
        return self.fields if obj.revoked else ("prefix", "partner")

    def save_model(self, request: HttpRequest, obj: PartnerKey, form: object, change: bool) -> None:
        if change:
            obj.save()
            return
        secret = PartnerKey.objects.assign_key(obj)
        obj.save()
        self.message_user(request, f"The key of {obj.partner}, shown only now: {secret}", messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: PartnerKey | None = None) -> bool:
        return False
