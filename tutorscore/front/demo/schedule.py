"""Keeps the demo alive between starts: a task posts what has become known, every minute, in demo installations only."""

from __future__ import annotations

from django_celery_beat.models import IntervalSchedule, PeriodicTask

TASK = "front.post_demo_rows"


def keep_posting() -> None:
    """Schedule the posting task; a second call changes nothing."""
    minute, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.MINUTES)
    PeriodicTask.objects.get_or_create(
        name="Post demo rows", defaults={"task": TASK, "interval": minute, "description": "Demo installations only."}
    )
