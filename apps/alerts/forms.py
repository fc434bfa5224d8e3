"""What staff say when they park or close an alert."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

MORNING = 9

OUTCOMES = (
    "Talked to the tutor",
    "Arranged another tutor or time",
    "Wrote to the tutor, no answer needed",
    "Nothing to do",
    "Flagged wrongly",
)


class SnoozeForm(forms.Form):
    """``until`` is chosen by name; ``cleaned_data["until"]`` is the moment, in the reader's zone."""

    until = forms.ChoiceField(
        choices=(
            ("hours", "for 2 hours"),
            ("tomorrow", "until tomorrow, 09:00"),
            ("monday", "until Monday, 09:00"),
        ),
        label="Snooze",
    )

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = now

    def clean_until(self) -> datetime:
        chosen = self.cleaned_data["until"]
        if chosen == "hours":
            return self._now + timedelta(hours=2)
        morning = timezone.localtime(self._now).replace(hour=MORNING, minute=0, second=0, microsecond=0)
        days = 1 if chosen == "tomorrow" else 7 - morning.weekday()
        return morning + timedelta(days=days)


class ResolveForm(forms.Form):
    """What came of it, in one of a few words and, if wanted, a sentence."""

    outcome = forms.ChoiceField(choices=[(words, words) for words in OUTCOMES], label="What came of it")
    note = forms.CharField(max_length=150, required=False, label="Note")

    @property
    def resolution(self) -> str:
        note = self.cleaned_data["note"].strip()
        return f"{self.cleaned_data['outcome']}: {note}" if note else str(self.cleaned_data["outcome"])
