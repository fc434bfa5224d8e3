"""How a message leaves the house, and what can be asked afterwards.

A hand-over ends in one of three ways. *Accepted*: it is out. *Refused*: it certainly is not, so trying again is safe.
*Unknown*: the connection broke while the other side may already have had it; then only the other side can tell.
"""

from __future__ import annotations

import os
import smtplib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailUnsupportedFeature,
)
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from apps.alerts.mail.letter import ID_HEADER


class OutboxFileBackend(BaseEmailBackend):
    """Writes every message to ``<delivery id>.eml`` under ``EMAIL_FILE_PATH``; a second hand-over changes nothing.

    The file appears whole or not at all, also under a kill or a power cut.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            key = message.extra_headers.get(ID_HEADER) or str(uuid4())
            _write_once(_folder() / f"{key}.eml", message.message().as_bytes())
        return len(email_messages)

    def has_taken(self, key: str) -> bool:
        """Whether the message of that delivery id was written."""
        return (_folder() / f"{key}.eml").exists()


@dataclass(frozen=True)
class Accepted:
    message_id: str


@dataclass(frozen=True)
class Refused:
    error: str
    is_final: bool = False


@dataclass(frozen=True)
class Unknown:
    error: str


_TRY_AGAIN = frozenset({401, 403, 408, 429})
"""Answers of a provider about our account or our pace, not about the message."""

HandOver = Accepted | Refused | Unknown


def hand_over(connection: Any, message: EmailMessage) -> HandOver:
    """Give one message to a mail backend and say how it ended."""
    try:
        message.message()
    except ValueError as error:
        return Refused(f"The message cannot be written: {error}", is_final=True)
    try:
        taken = connection.send_messages([message])
    except Exception as error:  # each backend has errors of its own; all are sorted
        return _sorted(error)
    if not taken:
        return Refused("The mail backend took no message.")
    status = getattr(message, "anymail_status", None)
    return Accepted(str(getattr(status, "message_id", None) or message.extra_headers.get("Message-ID", "")))


def has_taken(connection: Any, key: str) -> bool | None:
    """Whether the other side has the message of that delivery id; None when it cannot be asked."""
    ask = getattr(connection, "has_taken", None)
    return None if ask is None else bool(ask(key))


def _sorted(error: Exception) -> Refused | Unknown:
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return Refused(words, is_final=bool(codes) and all(code >= 500 for code in codes))
    if isinstance(error, smtplib.SMTPResponseException):
        return Refused(words, is_final=error.smtp_code >= 500 and not _is_ours(error))
    if isinstance(error, smtplib.SMTPNotSupportedError | ConnectionRefusedError | socket.gaierror):
        return Refused(words)
    if isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress | AnymailUnsupportedFeature):
        return Refused(words, is_final=True)
    if isinstance(error, AnymailError) and 400 <= (error.status_code or 0) < 500:
        return Refused(words, is_final=error.status_code not in _TRY_AGAIN)
    return Unknown(words)


def _is_ours(error: smtplib.SMTPResponseException) -> bool:
    """Our account or our greeting was refused, not this message: to be mended here, so the mail waits."""
    return isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPHeloError | smtplib.SMTPConnectError)


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)


def _write_once(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
