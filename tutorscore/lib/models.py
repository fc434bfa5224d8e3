"""Rows that make periodic work happen once: a slot per tick, a heartbeat per job."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class JobSlot(models.Model):
    """One tick of one job. The unique row decides which worker does it; a stale claim may be taken over."""

    job = models.CharField(max_length=100)
    slot_at = models.DateTimeField(help_text="The tick this row stands for, in UTC.")
    claimed_until = models.DateTimeField(help_text="Lease: after this moment another worker may take over.")
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    summary = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "slot_at"], name="one_row_per_job_slot")]
        ordering: ClassVar = ["-slot_at"]

    def __str__(self) -> str:
        return f"{self.job} {self.slot_at:%Y-%m-%d %H:%M}"


class Heartbeat(models.Model):
    """When a job last finished and what it said; feeds the freshness line of every page."""

    job = models.CharField(max_length=100, primary_key=True)
    beat_at = models.DateTimeField()
    summary = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.job} {self.beat_at:%Y-%m-%d %H:%M}"
