"""A partner for the length of one command: its facts come and go with the process, also when it is killed.

A scratch partner belongs to the connection that holds its advisory lock. A lock that is free means that the process
has ended; whoever comes next sweeps what it left.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection, transaction

from apps.sessions.models import FactRevision, Feedback, RejectedRow, Reschedule, Student, TutorEvent, TutoringSession
from apps.tutors.models import StaleTutor
from tutorscore.accounts.models import Partner

log = structlog.get_logger(__name__)

_LOCKS = 0x7363_7261  # "scra": keeps these advisory locks apart from others


@contextmanager
def scratch_partner(name: str) -> Iterator[Partner]:
    """A partner hidden from staff that nobody learns from; deleted with all its facts at the end."""
    sweep_scratch_partners()
    partner = Partner.objects.create(slug=f"scratch-{secrets.token_hex(6)}", name=name[:200], is_scratch=True)
    with _held(partner.pk):
        try:
            yield partner
        finally:
            _erase(partner)


def sweep_scratch_partners() -> int:
    """Delete the scratch partners whose process has ended; answer how many."""
    swept = 0
    for partner in Partner.objects.filter(is_scratch=True):
        with _held(partner.pk) as is_ours:
            if is_ours:
                _erase(partner)
                swept += 1
                log.info("scratch_partner_swept", partner=partner.slug)
    return swept


@transaction.atomic
def _erase(partner: Partner) -> None:
    """The many rows by one statement a table, leaves first; the few others by the ordinary cascade."""
    sessions = TutoringSession.objects.filter(partner=partner)
    for rows in (
        Feedback.objects.filter(session__in=sessions),
        Reschedule.objects.filter(session__in=sessions),
        FactRevision.objects.filter(partner=partner),
        RejectedRow.objects.filter(partner=partner),
        TutorEvent.objects.filter(tutor__partner=partner),
        StaleTutor.objects.filter(tutor__partner=partner),
        sessions,
        Student.objects.filter(partner=partner),
    ):
        rows._raw_delete(rows.db)
    partner.delete()


@contextmanager
def _held(partner_id: int) -> Iterator[bool]:
    """Hold the partner's lock unless another connection does; say whether it is held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCKS, partner_id])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCKS, partner_id])
