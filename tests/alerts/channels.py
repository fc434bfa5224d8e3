"""Mail backends that fail in every way there is, and count what got through."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from apps.alerts.channels import OutboxFileBackend


class Killed(BaseException):
    """Stands for a kill -9: nothing in the product may catch it."""


class Recorder:
    """A provider that cannot be asked afterwards; ``errors`` are raised one after the other, before it takes a mail."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.errors = list(errors)
        self.taken: list = []

    def send_messages(self, messages) -> int:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.taken += messages
        return len(messages)


class TakesThenBreaks(Recorder):
    """The provider takes the mail, and the connection breaks before it can say so."""

    def send_messages(self, messages) -> int:
        self.taken += messages
        raise self.errors.pop(0)


class BreakingFiles(OutboxFileBackend):
    """The file backend, broken before or after it wrote."""

    def __init__(self, error: BaseException, *, writes: bool) -> None:
        super().__init__()
        self.error, self.writes = error, writes

    def send_messages(self, messages) -> int:
        if self.writes:
            super().send_messages(messages)
        raise self.error


def files() -> list[Path]:
    folder = Path(settings.EMAIL_FILE_PATH)
    return sorted(folder.iterdir()) if folder.exists() else []
