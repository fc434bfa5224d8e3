"""One claimed delivery on its way: look again, write, hand over, note how it ended.

Every step is a conditional update on the claim's token, and ``handing`` is committed before the hand-over: whatever
dies, the row says what is known. A worker that lost its claim changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F

from apps.alerts.channels import Accepted, HandOver, Refused, Unknown, hand_over, has_taken
from apps.alerts.daytime import next_daytime
from apps.alerts.mail.letter import message_of, render, write_letter
from apps.alerts.mail.links import hide_links
from apps.alerts.models import Delivery, OptOut
from apps.alerts.selectors import is_still_first_session, rated_first_hours
from apps.alerts.worked import what_worked
from apps.predictions.actions.exposures import record_exposure
from apps.sessions.models import Status

log = structlog.get_logger()
State = Delivery.State

MOST_ATTEMPTS = 5
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=2)
EXPOSURE_KIND = "preparation_mail"


def deliver(*, delivery_id: int, token: UUID, now: datetime, connection: Any) -> str:
    """Bring one claimed delivery to its next state and answer with it; ``lost`` when the claim is no longer ours."""
    try:
        message = _begin_hand_over(delivery_id, token, now)
    except Exception as error:
        log.exception("delivery_unwritable", delivery=delivery_id)
        return put_off(delivery_id, token, State.CLAIMED, Refused(f"{type(error).__name__}: {error}"), now)
    if isinstance(message, str):
        return message
    return finish(delivery_id, token, hand_over(connection, message), now, lambda key: has_taken(connection, key))


def finish(delivery_id: int, token: UUID, ended: HandOver, now: datetime, ask: Callable[[str], bool | None]) -> str:
    """Note how a hand-over ended; what is unknown is asked for, and left to a person when nobody can say."""
    if isinstance(ended, Unknown):
        key = str(Delivery.objects.values_list("public_id", flat=True).get(pk=delivery_id))
        taken = ask(key)
        if taken is None:
            return _leave_to_a_person(delivery_id, token, ended.error)
        ended = Accepted("") if taken else Refused(ended.error)
    if isinstance(ended, Accepted):
        return _mark_sent(delivery_id, token, ended.message_id)
    return put_off(delivery_id, token, State.HANDING, ended, now)


def put_off(delivery_id: int, token: UUID, state: str, refused: Refused, now: datetime) -> str:
    """Try again later, or give up: after five claims, or when the refusal is final."""
    mine = Delivery.objects.filter(pk=delivery_id, claim_token=token, state=state)
    row = mine.values("attempts", "public_id").first()
    if row is None:
        return "lost"
    gives_up = refused.is_final or row["attempts"] >= MOST_ATTEMPTS
    mine.update(
        state=State.DEAD if gives_up else State.RETRY,
        next_attempt_at=None if gives_up else now + wait_after(row["attempts"], row["public_id"]),
        last_error=refused.error[:500],
        claim_token=None,
        claimed_until=None,
    )
    log.warning("delivery_refused", delivery=delivery_id, gives_up=gives_up)
    return State.DEAD if gives_up else State.RETRY


def wait_after(attempts: int, public_id: UUID) -> timedelta:
    """5, 15, 45, 120 minutes, each up to a quarter shorter by the row's own id, so that a crowd spreads out."""
    wait: timedelta = min(FIRST_WAIT * int(3 ** max(0, attempts - 1)), LONGEST_WAIT)
    return wait * (1 - 0.25 * (public_id.int % 1000) / 1000)


@transaction.atomic
def _begin_hand_over(delivery_id: int, token: UUID, now: datetime) -> EmailMessage | str:
    """The message, with ``handing`` and the bodies stored; or the state in which the delivery ended instead."""
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("partner", "tutor", "session__student", "session__subject")
        .filter(pk=delivery_id, claim_token=token, state=State.CLAIMED)
        .first()
    )
    if delivery is None:
        return "lost"
    ended = _look_again(delivery, now)
    if ended:
        return _end(delivery, *ended)
    assert delivery.tutor is not None
    later = next_daytime(now, delivery.tutor.timezone)
    if later > now:
        return _postpone(delivery, later)
    hours = rated_first_hours(tutor_id=delivery.tutor.pk, as_of=now)
    letter = write_letter(delivery, now=now, worked=what_worked(hours))
    text, html = render(letter)
    delivery.subject = letter.subject
    delivery.text_body, delivery.html_body = hide_links(text), hide_links(html)
    delivery.recipient = delivery.tutor.email
    delivery.state, delivery.handed_at = State.HANDING, now
    delivery.save(update_fields=["subject", "text_body", "html_body", "recipient", "state", "handed_at"])
    return message_of(delivery, letter, text=text, html=html)


def _look_again(delivery: Delivery, now: datetime) -> tuple[str, str] | None:
    """How the delivery ends unsent because of what happened since it was opened, and why."""
    session, tutor = delivery.session, delivery.tutor
    if session is None or tutor is None or delivery.partner.is_scratch:
        return State.CANCELLED, "nobody_to_write_to"
    if session.status != Status.SCHEDULED or not session.is_latest:
        return State.CANCELLED, f"session_{session.status if session.is_latest else Status.RESCHEDULED}"
    if not is_still_first_session(session_id=session.pk):
        return State.CANCELLED, "not_a_first_session"
    if session.tutor_id != tutor.pk:
        return State.CANCELLED, "tutor_changed"
    if tutor.left_at and tutor.left_at <= now:
        return State.CANCELLED, "tutor_left"
    if OptOut.objects.filter(tutor=tutor, kind=delivery.kind).exists():
        return State.SUPPRESSED, "opted_out"
    if not tutor.email:
        return State.SUPPRESSED, "no_address"
    if now > delivery.expires_at or next_daytime(now, tutor.timezone) > delivery.expires_at:
        return State.EXPIRED, "too_late"
    return None


def _end(delivery: Delivery, state: str, note: str) -> str:
    delivery.state, delivery.note = state, note
    delivery.claim_token = delivery.claimed_until = None
    delivery.save(update_fields=["state", "note", "claim_token", "claimed_until"])
    return state


def _postpone(delivery: Delivery, later: datetime) -> str:
    """Back to ``due`` until the tutor's morning; waiting is no attempt."""
    delivery.state, delivery.not_before = State.DUE, later
    delivery.attempts = max(0, delivery.attempts - 1)
    delivery.claim_token = delivery.claimed_until = delivery.next_attempt_at = None
    delivery.save(update_fields=["state", "not_before", "attempts", "claim_token", "claimed_until", "next_attempt_at"])
    return State.DUE


@transaction.atomic
def _mark_sent(delivery_id: int, token: UUID, message_id: str) -> str:
    """Sent, with the exposure in the same transaction. A row already flagged ``uncertain`` may still be proved sent."""
    mine = Delivery.objects.filter(pk=delivery_id, claim_token=token, state__in=(State.HANDING, State.UNCERTAIN))
    if not mine.update(
        state=State.SENT,
        sent_at=F("handed_at"),
        provider_message_id=message_id[:200],
        last_error="",
        claim_token=None,
        claimed_until=None,
    ):
        return "lost"
    expose(Delivery.objects.get(pk=delivery_id))
    return State.SENT


def expose(delivery: Delivery) -> None:
    """Tell the learning side that a mail reached the tutor, so that neither training nor evaluation trips over it."""
    assert delivery.tutor_id is not None and delivery.sent_at is not None
    record_exposure(
        tutor_id=delivery.tutor_id,
        session_id=delivery.session_id,
        kind=EXPOSURE_KIND,
        reached_at=delivery.sent_at,
        source=f"delivery:{delivery.pk}",
    )


def _leave_to_a_person(delivery_id: int, token: UUID, error: str) -> str:
    """Keeps the token: should the worker that hands over still be alive, it may yet prove the mail sent."""
    changed = Delivery.objects.filter(pk=delivery_id, claim_token=token, state=State.HANDING).update(
        state=State.UNCERTAIN, last_error=error[:500], claimed_until=None
    )
    return State.UNCERTAIN if changed else "lost"
