"""Slots and heartbeats of the periodic jobs, to be read."""

from __future__ import annotations

from django.contrib import admin

from tutorscore.lib.models import Heartbeat, JobSlot
from tutorscore.lib.readonly_admin import ReadOnlyAdmin


@admin.register(JobSlot)
class JobSlotAdmin(ReadOnlyAdmin):
    list_display = ("job", "slot_at", "finished_at", "attempts", "claimed_until")
    list_filter = ("job",)
    ordering = ("-slot_at", "job")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("job", "beat_at", "summary")
    ordering = ("job",)
