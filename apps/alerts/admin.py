"""Alerts, deliveries and experiments in the admin: to look at, and to act on where an action exists for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.decorators import display

from apps.alerts.actions.experiments import stop_experiment
from apps.alerts.actions.handling import StaleActionError
from apps.alerts.actions.troubled import cancel_delivery, mark_as_sent, send_again
from apps.alerts.models import Alert, AlertEvent, Assignment, Delivery, Experiment, OptOut, TutorReply
from tutorscore.lib.readonly_admin import ReadOnlyAdmin


def may_act(request: HttpRequest) -> bool:
    """Managers act; who else may look is decided by the table of routes."""
    return bool(getattr(request.user, "may_manage", False))


class ReadOnlyInline(TabularInline):
    """Rows below a row, just as untouchable."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AlertEventInline(ReadOnlyInline):
    model = AlertEvent
    fields = ("happened_at", "kind", "by", "note")
    readonly_fields = fields


class TutorReplyInline(ReadOnlyInline):
    model = TutorReply
    fields = ("replied_at", "kind")
    readonly_fields = fields


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("title", "shown_urgency", "shown_state", "rule", "tutor", "owner", "due_at", "opened_at")
    list_filter = ("partner", "state", "urgency", "rule")
    search_fields = ("title", "tutor__name", "tutor__external_id")
    list_select_related = ("tutor", "owner")
    inlines = (AlertEventInline,)

    @display(description="Urgency", label={"Critical": "danger", "High": "warning", "Medium": "info"})
    def shown_urgency(self, alert: Alert) -> str:
        return alert.get_urgency_display()

    @display(description="State", label={"New": "warning", "Taken": "info", "Resolved": "success"})
    def shown_state(self, alert: Alert) -> str:
        return alert.get_state_display()


_STATE_LABELS = {
    str(Delivery.State.SENT.label): "success",
    str(Delivery.State.DEAD.label): "danger",
    str(Delivery.State.UNCERTAIN.label): "danger",
    str(Delivery.State.RETRY.label): "warning",
    str(Delivery.State.DUE.label): "info",
}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "shown_state", "kind", "tutor", "session", "not_before", "sent_at", "attempts", "note")
    list_filter = ("partner", "state", "kind")
    search_fields = ("public_id", "recipient", "tutor__name", "tutor__external_id", "session__external_id")
    list_select_related = ("tutor", "session")
    inlines = (TutorReplyInline,)
    actions = ("send_selected_again", "mark_selected_as_sent", "cancel_selected")

    @display(description="State", label=_STATE_LABELS)
    def shown_state(self, delivery: Delivery) -> str:
        return delivery.get_state_display()

    @admin.action(description="Send again (given up or uncertain)", permissions=["act"])
    def send_selected_again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        now = timezone.now()
        self._each(request, chosen, lambda pk: send_again(delivery_id=pk, by=request.user, now=now))  # type: ignore[arg-type]

    @admin.action(description="Mark as sent (uncertain, and the provider has it)", permissions=["act"])
    def mark_selected_as_sent(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        self._each(request, chosen, lambda pk: mark_as_sent(delivery_id=pk, by=request.user))  # type: ignore[arg-type]

    @admin.action(description="Cancel (not yet sent)", permissions=["act"])
    def cancel_selected(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        self._each(request, chosen, lambda pk: cancel_delivery(delivery_id=pk, by=request.user))  # type: ignore[arg-type]

    def has_act_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    def _each(self, request: HttpRequest, chosen: QuerySet[Delivery], action: Callable[[int], Any]) -> None:
        done = refused = 0
        for pk in chosen.values_list("pk", flat=True):
            try:
                action(pk)
                done += 1
            except StaleActionError:
                refused += 1
        if done:
            self.message_user(request, f"Done for {done}.", messages.SUCCESS)
        if refused:
            self.message_user(request, f"{refused} left as they are: not possible in their state.", messages.WARNING)


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    list_display = ("name", "partner", "control_share", "started_at", "stopped_at")
    list_filter = ("partner",)
    actions = ("stop_selected",)

    @admin.action(description="Stop: from now on everyone is mailed", permissions=["act"])
    def stop_selected(self, request: HttpRequest, chosen: QuerySet[Experiment]) -> None:
        for experiment in chosen:
            stop_experiment(experiment=experiment, now=timezone.now())

    def has_act_permission(self, request: HttpRequest) -> bool:
        return may_act(request)


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("tutor", "experiment", "arm", "propensity", "first_session", "eligible_at")
    list_filter = ("experiment", "arm")
    list_select_related = ("tutor", "experiment", "first_session")


@admin.register(TutorReply)
class TutorReplyAdmin(ReadOnlyAdmin):
    list_display = ("delivery", "kind", "replied_at")
    list_filter = ("kind",)
    list_select_related = ("delivery",)


@admin.register(OptOut)
class OptOutAdmin(ReadOnlyAdmin):
    list_display = ("tutor", "kind", "opted_out_at")
    list_select_related = ("tutor",)


@admin.register(AlertEvent)
class AlertEventAdmin(ReadOnlyAdmin):
    list_display = ("alert", "kind", "by", "happened_at", "note")
    list_filter = ("kind",)
    list_select_related = ("alert", "by")
