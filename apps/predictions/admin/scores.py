"""Scores, their history and the priors behind them, for success managers."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.predictions.actions.stale_marks import ASKED_FOR, mark_for_scoring
from apps.predictions.models import MetricPrior, ScoreChange, TutorScore
from tutorscore.lib.readonly_admin import ReadOnlyAdmin


@admin.register(TutorScore)
class TutorScoreAdmin(ReadOnlyAdmin):
    list_display = ("tutor", "score", "level", "sessions_90d", "reschedule_rate_90d", "over_reschedule_limit", "as_of")
    list_filter = ("level", "over_reschedule_limit", "tutor__partner")
    search_fields = ("tutor__name", "tutor__external_id")
    list_select_related = ("tutor",)
    ordering = ("score", "pk")
    actions = ("score_again",)

    @admin.action(description="Score again within a minute", permissions=("view",))
    def score_again(self, request: HttpRequest, queryset: QuerySet[TutorScore]) -> None:
        marked = mark_for_scoring(tutor_ids=list(queryset.values_list("tutor_id", flat=True)), reason=ASKED_FOR)
        self.message_user(request, f"{marked} tutors will be scored again within a minute.", messages.SUCCESS)


@admin.register(ScoreChange)
class ScoreChangeAdmin(ReadOnlyAdmin):
    list_display = ("tutor", "as_of", "score", "level", "cause", "sessions_90d")
    list_filter = ("cause", "level", "tutor__partner")
    search_fields = ("tutor__name", "tutor__external_id")
    list_select_related = ("tutor",)
    date_hierarchy = "as_of"
    ordering = ("-as_of", "-pk")


@admin.register(MetricPrior)
class MetricPriorAdmin(ReadOnlyAdmin):
    list_display = ("partner", "version", "as_of", "created_at")
    list_filter = ("partner",)
    ordering = ("partner", "-version")
