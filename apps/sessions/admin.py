"""Facts for success managers: to be read, never edited, except rejected rows, which are corrected and replayed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from apps.sessions.ingest.doors import replay_rejected
from apps.sessions.ingest.results import REFUSED
from apps.sessions.models import (
    FactRevision,
    Feedback,
    IngestRun,
    RejectedRow,
    Reschedule,
    Student,
    TutorEvent,
    TutoringSession,
)
from tutorscore.lib.readonly_admin import ReadOnlyAdmin


class FactAdmin(ReadOnlyAdmin):
    """Counting every fact for each page would be slower than the page itself."""

    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model.objects.for_staff()
        return rows


class _ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RescheduleInline(_ReadOnlyInline):
    model = Reschedule
    fields = ("initiator", "requested_at", "original_start", "new_start", "reason_code", "is_derived", "recorded_at")


class FeedbackInline(_ReadOnlyInline):
    model = Feedback
    fields = ("author", "rating", "submitted_at", "would_book_again", "recorded_at")


@admin.register(Student)
class StudentAdmin(FactAdmin):
    list_display = ("external_id", "name", "partner", "timezone", "is_stub")
    list_filter = ("partner", "is_stub")
    list_select_related = ("partner",)
    search_fields = ("external_id", "name")


@admin.register(TutoringSession)
class TutoringSessionAdmin(FactAdmin):
    list_display = (
        "external_id",
        "occurrence",
        "tutor",
        "student",
        "scheduled_start",
        "status",
        "recorded_at",
        "clock",
    )
    list_filter = ("partner", "status", "clock", "is_latest")
    list_select_related = ("tutor", "student")
    search_fields = ("external_id", "tutor__external_id", "tutor__name")
    ordering = ("-scheduled_start",)
    inlines = (RescheduleInline, FeedbackInline)


@admin.register(Reschedule)
class RescheduleAdmin(FactAdmin):
    list_display = ("session", "initiator", "requested_at", "original_start", "new_start", "reason_code", "is_derived")
    list_filter = ("initiator", "reason_code", "is_derived")
    list_select_related = ("session",)
    search_fields = ("session__external_id",)
    ordering = ("-requested_at",)


@admin.register(Feedback)
class FeedbackAdmin(FactAdmin):
    list_display = ("session", "author", "rating", "submitted_at", "would_book_again")
    list_filter = ("author", "rating")
    list_select_related = ("session",)
    search_fields = ("session__external_id",)
    ordering = ("-submitted_at",)


@admin.register(TutorEvent)
class TutorEventAdmin(FactAdmin):
    list_display = ("tutor", "kind", "occurred_at", "value")
    list_filter = ("kind",)
    list_select_related = ("tutor",)
    search_fields = ("tutor__external_id", "tutor__name")
    ordering = ("-occurred_at",)


@admin.register(FactRevision)
class FactRevisionAdmin(FactAdmin):
    list_display = ("entity", "fact_id", "recorded_at", "superseded_at", "kept_at")
    list_filter = ("partner", "entity")
    search_fields = ("fact_id",)
    ordering = ("-kept_at", "-pk")


@admin.register(IngestRun)
class IngestRunAdmin(FactAdmin):
    list_display = ("source", "door", "partner", "started_at", "finished_at", "assumed_clock", "outcomes")
    list_filter = ("partner", "door")
    list_select_related = ("partner",)
    search_fields = ("source",)


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Still open"), ("resolved", "Replayed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RejectedRow]) -> QuerySet[RejectedRow]:
        if self.value() == "open":
            return queryset.filter(resolved_at=None)
        return queryset.exclude(resolved_at=None) if self.value() == "resolved" else queryset


@admin.register(RejectedRow)
class RejectedRowAdmin(ModelAdmin):
    """Saving a row sends the corrected version through ingestion; the row as it came stays as it is."""

    list_display = ("source", "line", "entity", "field", "code", "message", "rejected_at", "resolved_at")
    list_filter = ("partner", OpenFilter, "entity", "code", "field")
    list_per_page = 50
    search_fields = ("source", "message", "field")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RejectedRow]:
        return RejectedRow.objects.for_staff()

    def get_readonly_fields(self, request: HttpRequest, obj: RejectedRow | None = None) -> list[str]:
        return [field.name for field in RejectedRow._meta.fields if field.name != "row"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RejectedRow | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: RejectedRow, form: ModelForm[RejectedRow], change: bool) -> None:
        result = replay_rejected(row=obj, corrected=obj.row, now=timezone.now(), by=request.user.get_username())
        if result.outcome in REFUSED:
            self.message_user(request, f"Still {result.outcome}: {result.field} {result.message}", messages.ERROR)
        else:
            self.message_user(request, f"The corrected row was taken in: {result.outcome}.", messages.SUCCESS)
