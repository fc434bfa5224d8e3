"""Tutors for success managers: facts come from the partner and are shown; who looks after a tutor is ours to set."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.tutors.models import StaleTutor, Subject, Tutor
from tutorscore.lib.readonly_admin import ReadOnlyAdmin


@admin.register(Tutor)
class TutorAdmin(ModelAdmin):
    list_display = ("name", "external_id", "partner", "timezone", "owner", "is_stub", "left_at")
    list_filter = ("partner", "is_stub", "owner", "teaching_style")
    list_select_related = ("partner", "owner")
    search_fields = ("name", "external_id", "email")
    autocomplete_fields = ("owner",)
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tutor]:
        return Tutor.objects.for_staff()

    def get_readonly_fields(self, request: HttpRequest, obj: Tutor | None = None) -> list[str]:
        return [field.name for field in Tutor._meta.fields if field.name != "owner"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tutor | None = None) -> bool:
        return False


@admin.register(Subject)
class SubjectAdmin(ReadOnlyAdmin):
    list_display = ("name", "partner")
    list_filter = ("partner",)
    list_select_related = ("partner",)
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subject]:
        return Subject.objects.for_staff()


@admin.register(StaleTutor)
class StaleTutorAdmin(ReadOnlyAdmin):
    """The queue of the score drainer; a row here for more than a few minutes means that it does not run."""

    list_display = ("tutor", "reason", "marked_at")
    list_filter = ("reason",)
    list_select_related = ("tutor",)
    ordering = ("marked_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaleTutor]:
        return StaleTutor.objects.for_staff()
