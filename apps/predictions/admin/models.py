"""Models, their answers, what became of these, and how the models did, for success managers."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.predictions.actions.models import promote
from apps.predictions.ml.artifacts import ArtifactTamperedError
from apps.predictions.models import (
    Exposure,
    ModelVersion,
    Outcome,
    PerformanceLog,
    Prediction,
    TrainingRun,
    TreatmentDraw,
)
from tutorscore.accounts.models import User
from tutorscore.lib.readonly_admin import ReadOnlyAdmin


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Versions never change; which one answers does: promotion, and rollback by promoting an earlier one."""

    list_display = ("target", "version", "standing", "is_provisional", "basis", "auc", "trained_until", "promoted_at")
    list_filter = ("target", "standing", "basis")
    ordering = ("target", "-version")
    actions = ("let_it_answer",)

    @admin.display(description="AUC on the last block")
    def auc(self, version: ModelVersion) -> str:
        value = version.metrics.get("model", {}).get("auc", {}).get("value")
        return "-" if value is None else f"{value:.3f}"

    def has_promote_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and request.user.may_manage

    @admin.action(description="Let this version answer (promote, or roll back to it)", permissions=("promote",))
    def let_it_answer(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        version = queryset.first()
        if version is None or queryset.count() != 1:
            self.message_user(request, "Choose exactly one version.", messages.ERROR)
            return
        try:
            promote(version=version, now=timezone.now())
        except ArtifactTamperedError as error:
            self.message_user(request, f"{version} was refused: {error}", messages.ERROR)
            return
        self.message_user(request, f"{version} answers from now on.", messages.SUCCESS)


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    list_display = ("target", "state", "trained_until", "started_at", "finished_at", "model_version", "error")
    list_filter = ("target", "state")
    list_select_related = ("model_version",)
    ordering = ("-started_at", "-pk")


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    list_display = (
        "session",
        "tutor",
        "target",
        "as_of",
        "probability",
        "level",
        "is_latest",
        "is_decision",
        "should_send_alert",
        "model_version",
    )
    list_filter = ("target", "level", "is_latest", "is_decision", "should_send_alert", "tutor__partner")
    search_fields = ("session__external_id", "tutor__name", "tutor__external_id")
    list_select_related = ("session", "tutor", "model_version")
    show_full_result_count = False
    ordering = ("-as_of", "-pk")


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    list_display = ("session", "target", "label", "known_at", "was_treated", "propensity")
    list_filter = ("target", "label", "was_treated")
    search_fields = ("session__external_id",)
    list_select_related = ("session",)
    show_full_result_count = False
    ordering = ("-known_at", "-pk")


@admin.register(PerformanceLog)
class PerformanceLogAdmin(ReadOnlyAdmin):
    list_display = (
        "target",
        "model_version",
        "as_of",
        "time_window_days",
        "sample_size",
        "positives",
        "auc_roc",
        "brier_skill",
        "ece",
        "ece_of_perfect",
        "precision",
        "recall",
    )
    list_filter = ("target",)
    list_select_related = ("model_version",)
    ordering = ("-as_of", "target", "-pk")


@admin.register(Exposure)
class ExposureAdmin(ReadOnlyAdmin):
    list_display = ("tutor", "session", "kind", "reached_at", "source")
    list_filter = ("kind",)
    search_fields = ("tutor__name", "tutor__external_id", "source")
    list_select_related = ("tutor", "session")
    ordering = ("-reached_at", "-pk")


@admin.register(TreatmentDraw)
class TreatmentDrawAdmin(ReadOnlyAdmin):
    list_display = ("tutor", "session", "experiment", "drawn_at", "untreated_propensity")
    list_filter = ("experiment",)
    search_fields = ("tutor__name", "tutor__external_id")
    list_select_related = ("tutor", "session")
    ordering = ("-drawn_at", "-pk")
